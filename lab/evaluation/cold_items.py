"""How sensibly items are ranked that training never saw: from picture, text and price alone.

A tenth of the shop's items is withheld: their impressions are not trained on, they have no embedding of their own, and
their popularity and what the visitor did with them is nothing, as with a new item. Held-out impressions of those items
are then told apart by the model.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.fusion_study import FusionStudy, study_of
from lab.evaluation.statistics import RESAMPLES
from services.ranker.model.configuration import FusionConfig, FusionInputs
from services.ranker.model.features import FEATURE_NAMES
from services.ranker.training.fusion import train_fusion
from services.ranker.training.metrics import area_under_curve
from services.ranker.training.rows import ImpressionRows
from services.ranker.training.scoring import Scorer

if TYPE_CHECKING:
    from lab.commands.evaluate import EvaluationContext

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
    study = study_of(context)
    random = np.random.default_rng(context.seed)
    items = len(study.table.content)
    withheld = np.zeros(items, np.bool_)
    withheld[random.permutation(items)[: round(items * WITHHELD_SHARE)]] = True
    areas = {name: _area(study, withheld, inputs, context) for name, inputs in VARIANTS.items()}
    return {
        "simulated": True,
        "withheld_items": int(withheld.sum()),
        "auc": areas,
        "passed": bool(areas["all"]["low"] > 0.5),
    }


def _area(
    study: FusionStudy, withheld: NDArray[np.bool_], inputs: FusionInputs, context: "EvaluationContext"
) -> dict[str, float]:
    """AUC of clicks over held-out impressions of withheld items, with an interval over users."""
    rows = _as_new(study.rows, withheld)
    _, _, held_out = rows.split_by_time(study.training.validation_share, study.training.held_out_share)
    learnt = kept(rows, ~withheld[rows.candidate_rows] | _of(rows, held_out))
    table = replace(study.table, warm=study.table.warm & ~withheld)
    trained = train_fusion(learnt, table, FusionConfig(inputs=inputs), study.training, context.progress.show)
    judged = kept(held_out, withheld[held_out.candidate_rows])
    click, _ = Scorer(trained.model).probabilities(judged)
    return area_with_interval(click, judged.clicked, judged.users[judged.request_of_row])


def _as_new(rows: ImpressionRows, items: NDArray[np.bool_]) -> ImpressionRows:
    """The rows with those items as new as can be: their popularity is that of an item nobody has used."""
    features = rows.candidate_features.copy()
    for name in UNKNOWN_OF_NEW:
        column = FEATURE_NAMES.index(name)
        features[items[rows.candidate_rows], column] = features[:, column].min()
    return replace(rows, candidate_features=features)


def _of(rows: ImpressionRows, part: ImpressionRows) -> NDArray[np.bool_]:
    """`[N]` whether each row belongs to the part, the latest in time."""
    return np.asarray(rows.occurred_at[rows.request_of_row] >= part.occurred_at.min(), np.bool_)


def kept(rows: ImpressionRows, mask: NDArray[np.bool_]) -> ImpressionRows:
    """Those rows alone; requests that lose all of theirs go too."""
    counts = np.bincount(rows.request_of_row[mask], minlength=rows.request_count)
    columns = {
        name: getattr(rows, name)[mask]
        for name in ("candidate_rows", "candidate_features", "page_rows", "page_columns", "clicked", "purchased")
    }
    offsets = np.concatenate([[0], counts.cumsum()]).astype(np.int64)
    return replace(rows, offsets=offsets, **columns).take(np.flatnonzero(counts))


def area_with_interval(
    scores: NDArray[np.float64], happened: NDArray[np.bool_], users: NDArray[np.int32], seed: int = 1
) -> dict[str, float]:
    """AUC with its 95 % bootstrap interval; users are drawn, each with all of their rows."""
    _, owner = np.unique(users, return_inverse=True)
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], np.arange(owner.max(initial=-1) + 2))
    random, areas = np.random.default_rng(seed), []
    for _ in range(RESAMPLES // 4):
        drawn = random.integers(0, len(starts) - 1, len(starts) - 1)
        picked = np.concatenate([order[starts[user] : starts[user + 1]] for user in drawn.tolist()])
        areas.append(area_under_curve(scores[picked], happened[picked]))
    low, high = np.nanquantile(areas, (0.025, 0.975))
    return {
        "auc": round(area_under_curve(scores, happened), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
        "impressions": len(scores),
        "clicks": int(happened.sum()),
    }
