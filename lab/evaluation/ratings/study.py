"""Is it worth knowing how ratings came about? Five-fold estimates of the error on ratings of random pairs."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from lab.evaluation.ratings.choosing import Choosing, predict_all
from lab.evaluation.ratings.estimates import FOLDS, Estimate, estimate, folds_of
from lab.evaluation.ratings.factorisation import FactorisationConfig, Numbers, factorise
from lab.evaluation.ratings.reading import RatingLog

_BIASES = FactorisationConfig(rank=0)


@dataclass(frozen=True)
class Debiasing:
    """Estimated mean squared errors on ratings of random pairs; all choices are made without the held-out fold.

    Without propensities the estimates are of ratings like those that were given.
    """

    average_rating: Estimate
    """One number for all pairs: the mean of the ratings as they are."""
    biases: Estimate
    """Users' and items' biases alone, ratings as they are."""
    without_propensities: Estimate
    """Factorisation of the ratings as they are."""
    weighted: Estimate | None
    """Propensities weigh ratings, as in the paper; None where there are none."""
    with_propensities: Estimate | None
    """They weigh ratings and tell exposure: what the command writes."""
    gain: Estimate | None
    """How much lower the last is than without propensities, paired."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def debiasing(log: RatingLog, choosing: Choosing | None = None) -> Debiasing:
    """Nested five-fold validation: each fold is predicted by models chosen and trained on the other four."""
    choosing = choosing or Choosing()
    folds = folds_of(log, choosing.seed + 1)
    ways: dict[str, Numbers] = {}
    for number in range(FOLDS):
        training, here = log.take(np.flatnonzero(folds != number)), np.flatnonzero(folds == number)
        for name, predicted in _predictions(training, choosing).items():
            ways.setdefault(name, np.empty(len(log)))[here] = predicted[log.users[here], log.items[here]]
        choosing.progress("folds estimated", number + 1, FOLDS)
    squared = {name: (log.ratings - predicted) ** 2 for name, predicted in ways.items()}
    found = {name: estimate(log, each, choosing.seed) for name, each in squared.items()}
    known = "with" in squared
    return Debiasing(
        average_rating=found["average"],
        biases=found["biases"],
        without_propensities=found["without"],
        weighted=found.get("weighted"),
        with_propensities=found.get("with"),
        gain=estimate(log, squared["without"] - squared["with"], choosing.seed) if known else None,
    )


def _predictions(training: RatingLog, choosing: Choosing) -> dict[str, Numbers]:
    """`[users, items]` of each way."""
    silent = replace(choosing, progress=Choosing().progress)
    found = {
        "average": np.full(training.shape, training.ratings.mean()),
        "biases": factorise(training, _BIASES, choosing.seed).predict(),
        "without": predict_all(training.without_propensities(), silent),
    }
    if training.propensities is not None:
        found["weighted"] = predict_all(training, replace(silent, exposed=False))
        found["with"] = predict_all(training, silent)
    return found
