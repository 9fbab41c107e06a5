"""Training rows for shops without logged impressions: what people used, beside sampled items that they did not."""

from collections.abc import Sequence

import numpy as np

from lab.training.export import NothingToLearnError, Progress
from lab.training.logged_pages import PURCHASE, LoggedPage
from lab.training.request_rows import Requests, standardised_rows
from lab.training.shop_data import ShopData
from services.ranker.model.normalisation import Normalisation
from services.ranker.source import ACTION_WEIGHTS
from services.ranker.training.negatives import NegativeConfig, draw_negatives
from services.ranker.training.rows import ImpressionRows

MOST_POSITIVES = 12_000
LEAST_POSITIVES = 50


def sampled_rows(
    data: ShopData, pages: Sequence[LoggedPage], requests: Requests, prices: Normalisation, progress: Progress
) -> tuple[ImpressionRows, Normalisation]:
    """The newest actions as requests of one positive each, widened by sampled negatives.

    Raises: NothingToLearnError when there are hardly any actions.
    """
    del pages
    events = data.events
    counted = np.flatnonzero(np.isin(events.action, list(ACTION_WEIGHTS)) & (events.item >= 0))[-MOST_POSITIVES:]
    if len(counted) < LEAST_POSITIVES:
        raise NothingToLearnError(
            f"shop {data.shop_id} has {len(counted)} actions; "
            f"bring at least {LEAST_POSITIVES} with `vitrine import events`"
        )
    popularity = np.bincount(events.item[counted], minlength=len(data.items)).astype(np.float64)
    config = NegativeConfig()
    candidates, log_q = draw_negatives(events.item[counted], popularity, config)
    first = np.zeros(candidates.shape[1], np.bool_)
    first[0] = True
    widened = [
        LoggedPage(
            event=event,
            subject=int(events.subject[event]),
            occurred_us=int(events.occurred_us[event]),
            items=row,
            rows=np.zeros(len(row), np.int32),
            columns=np.zeros(len(row), np.int32),
            clicked=first,
            purchased=first & (events.action[event] == PURCHASE),
        )
        for event, row in zip(counted.tolist(), candidates, strict=True)
    ]
    return standardised_rows(data, widened, requests, prices, progress, log_q.ravel())
