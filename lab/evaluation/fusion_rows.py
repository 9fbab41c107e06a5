"""The rows that studies of the fusion model train and judge on: a shop's logged pages, as training builds them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lab.training.content import learn_content
from lab.training.export import export_shop
from lab.training.learning import TrainingOptions, cut_of, item_table, learn_users, serving_parts
from lab.training.logged_pages import logged_pages
from lab.training.request_rows import Requests, impression_rows
from lab.training.vocabulary import build_vocabulary, fit_price_bands
from services.ranker.model.configuration import ItemTable
from services.ranker.model.normalisation import priced
from services.ranker.training.fusion import TrainingConfig
from services.ranker.training.metrics import area_under_curve
from services.ranker.training.rows import ImpressionRows

if TYPE_CHECKING:
    from lab.commands.evaluate import EvaluationContext

RESAMPLES = 200


@dataclass(frozen=True)
class FusionRows:
    """What a study is given."""

    rows: ImpressionRows
    table: ItemTable
    training: TrainingConfig

    @property
    def held_out(self) -> ImpressionRows:
        """The latest pages, which nothing is fitted on."""
        return self.rows.split_by_time(self.training.validation_share, self.training.held_out_share)[2]


def fusion_rows(context: "EvaluationContext", training: TrainingConfig) -> FusionRows:
    """A shop's logged pages as rows, with everything learnt of users and items before the validation pages."""
    options = TrainingOptions(fusion_training=training)
    data = export_shop(context.shop_id, context.work, context.addresses, context.progress.show)
    pages = logged_pages(data.events)
    cut = cut_of(data, pages, options)
    bands = fit_price_bands(data)
    vocabulary = build_vocabulary(data, bands)
    content = learn_content(data, pages, cut.at_us)
    users = learn_users(data, cut, options, context.progress.show)
    requests = Requests(data, serving_parts(data, vocabulary, bands, content, users.encoder))
    prices = priced(vocabulary.categories, data.prices_minor)
    rows, _ = impression_rows(data, cut.pages, requests, prices, context.progress.show)
    return FusionRows(rows, item_table(data, vocabulary, content, cut), training)


def auc_difference(
    first: NDArray[np.float64], second: NDArray[np.float64], rows: ImpressionRows, seed: int = 1
) -> dict[str, float]:
    """Click AUC of the first minus that of the second scores, with a 95 % interval: users are drawn again."""
    users = rows.users[rows.request_of_row]
    order = np.argsort(users, kind="stable")
    of_user = np.split(order, np.flatnonzero(np.diff(users[order])) + 1)
    random = np.random.default_rng(seed)
    differences = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([of_user[user] for user in random.integers(0, len(of_user), len(of_user))])
        differences.append(_difference(first, second, rows.clicked, drawn))
    low, high = np.quantile(differences, (0.025, 0.975))
    mean = _difference(first, second, rows.clicked, order)
    return {"mean": round(mean, 6), "low": round(float(low), 6), "high": round(float(high), 6)}


def _difference(
    first: NDArray[np.float64], second: NDArray[np.float64], clicked: NDArray[np.bool_], rows: NDArray[np.int64]
) -> float:
    return area_under_curve(first[rows], clicked[rows]) - area_under_curve(second[rows], clicked[rows])
