"""A shop's logged pages as training rows, ready for training the fusion model again and again in different ways."""

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
from services.ranker.training.fusion import TrainedFusion, TrainingConfig
from services.ranker.training.rows import ImpressionRows
from services.ranker.training.scoring import Scorer

if TYPE_CHECKING:
    from lab.commands.evaluate import EvaluationContext

TRAINING = TrainingConfig(validation_share=0.1, held_out_share=0.25)
"""More is held out than for a release: a study asks how sure a figure is."""


@dataclass(frozen=True)
class FusionStudy:
    """What every training of a study shares."""

    rows: ImpressionRows
    table: ItemTable
    training: TrainingConfig
    held_out: ImpressionRows
    """The latest rows, which nothing is fitted on."""


def study_of(context: "EvaluationContext") -> FusionStudy:
    """Export the shop and rebuild what its visitors were shown.

    Raises: NothingToLearnError; FeaturesMissingError.
    """
    options = TrainingOptions(fusion_training=TRAINING)
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
    _, _, held_out = rows.split_by_time(TRAINING.validation_share, TRAINING.held_out_share)
    return FusionStudy(rows, item_table(data, vocabulary, content, cut), TRAINING, held_out)


def by_user(values: NDArray[np.float64], rows: ImpressionRows) -> NDArray[np.float64]:
    """`[users]` mean of the values of each user's requests."""
    _, user = np.unique(rows.users, return_inverse=True)
    means: NDArray[np.float64] = np.bincount(user, values) / np.bincount(user)
    return means


def click_log_loss(trained: TrainedFusion, rows: ImpressionRows) -> NDArray[np.float64]:
    """`[requests]` mean log loss of examination × p_click_if_seen."""
    click, _ = Scorer(trained.model).probabilities(rows)
    if trained.examination is not None:
        devices = rows.devices[rows.request_of_row]
        click = click * trained.examination.probability(devices, rows.page_rows, rows.page_columns)
    click = np.clip(click, 1e-7, 1 - 1e-7)
    loss = -np.where(rows.clicked, np.log(click), np.log1p(-click))
    means: NDArray[np.float64] = np.bincount(rows.request_of_row, loss, rows.request_count) / np.diff(rows.offsets)
    return means
