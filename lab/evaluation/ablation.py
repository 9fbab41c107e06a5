"""What the user embedding and the picture features are worth in the fusion model, by training without them.

Each variant is trained alike, with several seeds; on held-out pages, which nothing was fitted on, the log loss of
clicks is compared page by page, and the interval is over users. Positive gains mean that the input helps.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.statistics import bootstrap
from lab.training.content import learn_content
from lab.training.export import export_shop
from lab.training.learning import TrainingOptions, cut_of, item_table, learn_users, serving_parts
from lab.training.logged_pages import logged_pages
from lab.training.request_rows import Requests, impression_rows
from lab.training.vocabulary import build_vocabulary, fit_price_bands
from services.ranker.model.configuration import FusionConfig, FusionInputs, ItemTable
from services.ranker.model.normalisation import priced
from services.ranker.training.fusion import TrainedFusion, TrainingConfig, train_fusion
from services.ranker.training.rows import ImpressionRows
from services.ranker.training.scoring import Scorer

if TYPE_CHECKING:
    from lab.commands.evaluate import EvaluationContext

SEEDS = (20, 21, 22)
VARIANTS = {
    "without_user_embedding": FusionInputs(user_embedding=False),
    "without_pictures": FusionInputs(image=False),
}
TRAINING = TrainingConfig(validation_share=0.1, held_out_share=0.25)


def run(context: "EvaluationContext") -> dict[str, Any]:
    """Train with everything and without each, and compare; `passed` when both intervals lie above zero."""
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
    table = item_table(data, vocabulary, content, cut)
    _, _, held_out = rows.split_by_time(TRAINING.validation_share, TRAINING.held_out_share)
    whole = _losses(rows, table, FusionInputs(), held_out, context)
    gains = {
        name: bootstrap(by_user(_losses(rows, table, inputs, held_out, context) - whole, held_out)).as_dict()
        for name, inputs in VARIANTS.items()
    }
    return {
        "simulated": True,
        "held_out_pages": held_out.request_count,
        "held_out_impressions": len(held_out),
        "seeds": list(SEEDS),
        "log_loss": round(float(np.average(whole, weights=np.diff(held_out.offsets))), 6),
        "gain_in_log_loss": gains,
        "passed": all(gain["low"] > 0 for gain in gains.values()),
    }


def by_user(values: NDArray[np.float64], rows: ImpressionRows) -> NDArray[np.float64]:
    """`[users]` mean of the values of each user's requests."""
    _, user = np.unique(rows.users, return_inverse=True)
    means: NDArray[np.float64] = np.bincount(user, values) / np.bincount(user)
    return means


def _losses(
    rows: ImpressionRows, table: ItemTable, inputs: FusionInputs, held_out: ImpressionRows, context: "EvaluationContext"
) -> NDArray[np.float64]:
    """`[requests]` mean log loss of clicks on each held-out page, averaged over seeds."""
    losses = np.zeros(held_out.request_count)
    for seed in SEEDS:
        config = replace(FusionConfig(), inputs=inputs, seed=seed)
        trained = train_fusion(rows, table, config, replace(TRAINING, seed=seed), context.progress.show)
        losses += _log_loss(trained, held_out) / len(SEEDS)
    return losses


def _log_loss(trained: TrainedFusion, rows: ImpressionRows) -> NDArray[np.float64]:
    """`[requests]` mean log loss of examination × p_click_if_seen."""
    click, _ = Scorer(trained.model).probabilities(rows)
    if trained.examination is not None:
        devices = rows.devices[rows.request_of_row]
        click = click * trained.examination.probability(devices, rows.page_rows, rows.page_columns)
    click = np.clip(click, 1e-7, 1 - 1e-7)
    loss = -np.where(rows.clicked, np.log(click), np.log1p(-click))
    means: NDArray[np.float64] = np.bincount(rows.request_of_row, loss, rows.request_count) / np.diff(rows.offsets)
    return means
