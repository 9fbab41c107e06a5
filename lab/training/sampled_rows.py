"""Training rows for shops without logged impressions: what people used, beside sampled items that they did not."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lab.training.export import NothingToLearnError, Progress
from lab.training.logged_pages import PURCHASE, LoggedPage
from lab.training.request_rows import Requests, standardised_rows
from lab.training.shop_data import DAY_US, EventColumns, ShopData
from services.ranker.model.normalisation import Normalisation
from services.ranker.source import ACTION_WEIGHTS
from services.ranker.training.negatives import NegativeConfig, draw_negatives
from services.ranker.training.rows import ImpressionRows

MOST_POSITIVES = 12_000
LEAST_POSITIVES = 50
RECENT_DAYS = 60
"""Actions older than this are not learnt from where there are enough newer ones."""


def sampled_rows(
    data: ShopData, pages: Sequence[LoggedPage], requests: Requests, prices: Normalisation, progress: Progress
) -> tuple[ImpressionRows, Normalisation]:
    """Actions as requests of one positive each, widened by sampled negatives.

    Raises: NothingToLearnError when there are hardly any actions.
    """
    del pages
    events = data.events
    counted = np.flatnonzero(np.isin(events.action, list(ACTION_WEIGHTS)) & (events.item >= 0))
    if len(counted) < LEAST_POSITIVES:
        raise NothingToLearnError(
            f"shop {data.shop_id} has {len(counted)} actions; "
            f"bring at least {LEAST_POSITIVES} with `vitrine import events`"
        )
    popularity = np.bincount(events.item[counted], minlength=len(data.items)).astype(np.float64)
    counted = _newest_moments(events, counted)
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


def _newest_moments(events: EventColumns, counted: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most `MOST_POSITIVES` of the actions, in time order.

    Where there are more, whole moments of a person (such as baskets) are taken evenly from the last `RECENT_DAYS`, so
    that a busy shop is not learnt from one weekend. Where those are fewer, as after one late event of a log that ended
    long before, the newest are taken whatever their age.
    """
    if len(counted) <= MOST_POSITIVES:
        return counted
    newest_us = int(events.occurred_us[counted[-1]])
    recent = counted[events.occurred_us[counted] > newest_us - RECENT_DAYS * DAY_US]
    if len(recent) < MOST_POSITIVES:
        recent = counted[-MOST_POSITIVES:]
    recent = recent[np.lexsort((recent, events.subject[recent], events.occurred_us[recent]))]
    who, when = events.subject[recent], events.occurred_us[recent]
    moment = np.cumsum((np.diff(who, prepend=who[0]) != 0) | (np.diff(when, prepend=when[0]) != 0))
    # Of every so many moments one; what is still too much is cut off at the old end.
    stride = -(-len(recent) // MOST_POSITIVES)
    kept: NDArray[np.int64] = recent[moment % stride == 0][-MOST_POSITIVES:]
    return kept
