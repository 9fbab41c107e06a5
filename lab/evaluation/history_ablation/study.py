"""Trains the fusion model on histories with every input and without each, and compares them on the last deeds.

Each target is to be told among itself and 49 drawn items: NDCG@10 of its place, and the log loss of a softmax that is
corrected for how the items were drawn. Intervals are over users; positive gains mean that the input helps. Places among
drawn items are kinder than places among all items, so that figures compare variants with one another and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from lab.evaluation.fusion_figures import by_user
from lab.evaluation.fusion_rows import FusionRows
from lab.evaluation.history_ablation.reading import HistoryLog
from lab.evaluation.statistics import bootstrap
from lab.leaderboard.ranking import gains
from services.ranker.model.configuration import FusionConfig, FusionInputs
from services.ranker.training.fusion import train_fusion
from services.ranker.training.rows import ImpressionRows
from services.ranker.training.scoring import Scorer

SEEDS = (20, 21, 22)
WHOLE = "whole"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Told:
    """How well held-out targets are told; `[requests]` each."""

    ndcg: NDArray[np.float64]
    log_loss: NDArray[np.float64]


Learn = Callable[[FusionInputs, int], Told]
"""Inputs and a seed → how well the model that was trained so tells the held-out targets."""


def variants_of(log: HistoryLog) -> dict[str, FusionInputs]:
    """The whole model and those without one of the inputs that the data has."""
    seen = FusionInputs(image=False, text=False, attributes=log.attributes is not None, context=log.timed)
    present = ["user_embedding", "history", *(name for name in ("attributes", "context") if getattr(seen, name))]
    return {WHOLE: seen} | {f"without_{name}": replace(seen, **{name: False}) for name in present}


def learnt(study: FusionRows, inputs: FusionInputs, seed: int, progress: Progress) -> Told:
    """Trains one model and asks it about the held-out targets."""
    config = FusionConfig(inputs=inputs, seed=seed)
    trained = train_fusion(study.rows, study.table, config, replace(study.training, seed=seed), progress)
    return told(Scorer(trained.model).logits(study.held_out)[0], study.held_out)


def told(scores: NDArray[np.float64], rows: ImpressionRows) -> Told:
    """Judges `[N]` scores; the first row of each request is the target, and all requests have as many rows."""
    scores = scores.reshape(rows.request_count, -1)
    own = scores[:, :1]
    ranks = 1.0 + (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) / 2.0
    drawn = np.zeros(len(rows)) if rows.log_q is None else rows.log_q
    corrected = scores - drawn.reshape(scores.shape)
    return Told(gains(ranks), np.asarray(logsumexp(corrected, axis=1) - corrected[:, 0]))


def compare(
    study: FusionRows, variants: Mapping[str, FusionInputs], learn: Learn, seeds: Sequence[int] = SEEDS
) -> dict[str, Any]:
    """Figures of the whole model, and what each input adds to it."""
    held_out = study.held_out
    whole = _over_seeds(learn, variants[WHOLE], seeds)
    worth: dict[str, dict[str, dict[str, float]]] = {}
    for name, inputs in variants.items():
        if name != WHOLE:
            without = _over_seeds(learn, inputs, seeds)
            worth[name.removeprefix("without_")] = {
                "ndcg_10": bootstrap(by_user(whole.ndcg - without.ndcg, held_out)).as_dict(),
                "log_loss": bootstrap(by_user(without.log_loss - whole.log_loss, held_out)).as_dict(),
            }
    chances = np.zeros(len(held_out)) if held_out.log_q is None else held_out.log_q.astype(np.float64)
    popular = told(chances, held_out)
    return {
        "learnt_targets": int((study.rows.occurred_at == 0).sum()),
        "held_out_targets": held_out.request_count,
        "candidates": int(len(held_out) / held_out.request_count),
        "seeds": list(seeds),
        "ndcg_10": bootstrap(by_user(whole.ndcg, held_out)).as_dict(),
        "popularity_ndcg_10": bootstrap(by_user(popular.ndcg, held_out)).as_dict(),
        "log_loss": bootstrap(by_user(whole.log_loss, held_out)).as_dict(),
        "gain": worth,
        "does_not_help": [
            name for name, each in worth.items() if each["ndcg_10"]["low"] <= 0 and each["log_loss"]["low"] <= 0
        ],
    }


def _over_seeds(learn: Learn, inputs: FusionInputs, seeds: Sequence[int]) -> Told:
    each = [learn(inputs, seed) for seed in seeds]
    return Told(np.mean([one.ndcg for one in each], axis=0), np.mean([one.log_loss for one in each], axis=0))
