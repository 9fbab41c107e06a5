"""How sensibly items are ranked that training never saw: from picture, text and price alone.

A tenth of the shop's items is withheld: their impressions are not trained on, they have no embedding of their own, and
their popularity and what the visitor did with them is nothing, as with a new item. Held-out impressions of those items
are then told apart by the model.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.fusion_figures import auc
from lab.evaluation.fusion_rows import FusionRows, fusion_rows
from lab.training.fusion_size import sized
from services.ranker.model.configuration import FusionConfig, FusionInputs
from services.ranker.model.features import FEATURE_NAMES
from services.ranker.training.fusion import train_fusion
from services.ranker.training.rows import ImpressionRows
from services.ranker.training.scoring import Scorer

if TYPE_CHECKING:
    from lab.commands.evaluate import EvaluationContext

Progress = Callable[[str, int, int], None]

WITHHELD_SHARE = 0.1
UNKNOWN_OF_NEW = ("popularity_1d", "popularity_7d", "popularity_30d", "exposures", "own_recency")
VARIANTS = {
    "all": FusionInputs(),
    "without_pictures": FusionInputs(image=False),
    "without_text": FusionInputs(text=False),
    "without_pictures_and_text": FusionInputs(image=False, text=False),
}


def run(context: "EvaluationContext") -> dict[str, Any]:
    """Train without the withheld items, and tell their held-out impressions apart; `passed` when clearly above .5."""
    return compare_cold_items(fusion_rows(context), context.seed, context.progress.show)


def compare_cold_items(
    study: FusionRows, seed: int, progress: Progress, variants: Mapping[str, FusionInputs] = VARIANTS
) -> dict[str, Any]:
    """Click AUC on held-out impressions of withheld items, by what the model may see of them."""
    random = np.random.default_rng(seed)
    items = len(study.table.content)
    withheld = np.zeros(items, np.bool_)
    withheld[random.permutation(items)[: round(items * WITHHELD_SHARE)]] = True
    areas = {name: _area(study, withheld, inputs, progress) for name, inputs in variants.items()}
    return {
        "simulated": True,
        "withheld_items": int(withheld.sum()),
        "auc": areas,
        "passed": bool(areas["all"]["low"] > 0.5),
    }


def _area(study: FusionRows, withheld: NDArray[np.bool_], inputs: FusionInputs, progress: Progress) -> dict[str, float]:
    """One variant, trained without any impression of the withheld items."""
    table = replace(study.table, warm=study.table.warm & ~withheld)
    learnt = kept(study.rows, ~withheld[study.rows.candidate_rows])
    config = sized(FusionConfig(inputs=inputs), learnt)
    trained = train_fusion(learnt, table, config, study.training, progress)
    held_out = _as_new(study.held_out, withheld)
    judged = kept(held_out, withheld[held_out.candidate_rows])
    click, _ = Scorer(trained.model).probabilities(judged)
    return {**auc(click, judged), "impressions": len(judged), "clicks": int(judged.clicked.sum())}


def _as_new(rows: ImpressionRows, items: NDArray[np.bool_]) -> ImpressionRows:
    """The rows with those items as new as can be: their popularity is that of an item nobody has used."""
    features = rows.candidate_features.copy()
    for name in UNKNOWN_OF_NEW:
        column = FEATURE_NAMES.index(name)
        features[items[rows.candidate_rows], column] = features[:, column].min()
    return replace(rows, candidate_features=features)


def kept(rows: ImpressionRows, mask: NDArray[np.bool_]) -> ImpressionRows:
    """Those rows alone; requests that lose all of theirs go too."""
    counts = np.bincount(rows.request_of_row[mask], minlength=rows.request_count)
    columns = {
        name: getattr(rows, name)[mask]
        for name in ("candidate_rows", "candidate_features", "page_rows", "page_columns", "clicked", "purchased")
    }
    offsets = np.concatenate([[0], counts.cumsum()]).astype(np.int64)
    return replace(rows, offsets=offsets, **columns).take(np.flatnonzero(counts))
