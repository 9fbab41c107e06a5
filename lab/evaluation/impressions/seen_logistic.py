"""Logistic regression on the smoothed statistics: what an impression brings if it is seen, times examination."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from lab.evaluation.impressions.candidate import Length, Lesson, Logits, Trained, examined_logit
from lab.evaluation.impressions.ratios import Numbers, logit, sigmoid
from lab.evaluation.impressions.statistics import Features

_PRIOR_ROWS = 3.0
"""Strength of the prior on an effect's weight, as pseudo-observations."""
_PLACE_PRIOR = 10.0
"""The same for what a place differs from its examination."""
_EXACTLY = {"ftol": 1e-11, "gtol": 1e-8, "maxiter": 500}
_USER_AND_ITEM = 2
"""Effects that are believed as they are (prior weight 1); of others, which may say the same again, nothing is (0)."""


@dataclass(frozen=True)
class SeenLogistic:
    """Weights of the effects, a number for each place, an intercept."""

    click_weights: Numbers
    place_shifts: Numbers
    """`[places]`"""
    click_intercept: float
    buy_weights: Numbers
    buy_intercept: float

    def logits(self, features: Features) -> Logits:
        """Linear in the effects."""
        seen, buy = self.seen_logits(features)
        return Logits(examined_logit(seen, features.examination), buy)

    def seen_logits(self, features: Features) -> tuple[Numbers, Numbers]:
        """`[N]` logits of P(click | examined) and P(purchase | click)."""
        seen = _times(features.click_effects, self.click_weights) + self.click_intercept
        buy = _times(features.buy_effects, self.buy_weights) + self.buy_intercept
        return seen + self.place_shifts[features.encoded.places], buy


def train_logistic(lesson: Lesson) -> Trained:
    """The logistic regression as a candidate."""
    return Trained(fit_logistic(lesson), Length(1, 1))


def fit_logistic(lesson: Lesson) -> SeenLogistic:
    """Maximum a posteriori by L-BFGS; purchases are learnt among the clicks."""
    features, encoded = lesson.features, lesson.features.encoded
    places = int(encoded.places.max(initial=0)) + 1
    design = features.click_effects.astype(np.float64)
    problem = _Problem(design, encoded.places, places, features.examination, encoded.clicked)
    found = problem.solve(float(logit(np.array(lesson.seen_rate))))
    weights, shifts = found[1 : 1 + design.shape[1]], found[1 + design.shape[1] :]
    among = np.flatnonzero(encoded.clicked)
    bought = features.buy_effects[among].astype(np.float64)
    nowhere = np.zeros(len(among), np.int64)
    buying = _Problem(bought, nowhere, 0, np.ones(len(among)), encoded.purchased[among])
    buy = buying.solve(float(logit(np.array(lesson.buy_rate))))
    return SeenLogistic(weights, _padded(shifts), float(found[0]), buy[1:], float(buy[0]))


@dataclass(frozen=True)
class _Problem:
    """P(happened) = examination × sigmoid(intercept + design · weights + shift of the place)."""

    design: Numbers
    places: NDArray[np.int64]
    place_count: int
    examination: Numbers
    happened: NDArray[np.bool_]

    def solve(self, intercept: float) -> Numbers:
        """`[1 + p + places]` intercept, weights, shifts."""
        width = self.design.shape[1]
        prior = np.zeros(1 + width + self.place_count)
        prior[0] = intercept
        prior[1 : 1 + min(_USER_AND_ITEM, width)] = 1.0
        strength = np.full(len(prior), _PRIOR_ROWS)
        strength[0], strength[1 + width :] = 0.5, _PLACE_PRIOR
        if not len(self.happened):
            return prior
        rows = len(self.happened)

        def loss(values: Numbers) -> tuple[float, Numbers]:
            total, gradient = self._likelihood(values)
            away = values - prior
            return (total + 0.5 * float(strength @ away**2)) / rows, (gradient + strength * away) / rows

        bounds = [(-20.0, 20.0), *[(-0.5, 3.0)] * width, *[(-2.0, 2.0)] * self.place_count]
        return np.asarray(minimize(loss, prior, jac=True, method="L-BFGS-B", bounds=bounds, options=_EXACTLY).x)

    def _likelihood(self, values: Numbers) -> tuple[float, Numbers]:
        width = self.design.shape[1]
        seen = values[0] + self.design @ values[1 : 1 + width]
        if self.place_count:
            seen = seen + values[1 + width :][self.places]
        relevant = sigmoid(seen)
        probability = np.clip(self.examination * relevant, 1e-9, 1.0 - 1e-9)
        total = -float(np.where(self.happened, np.log(probability), np.log1p(-probability)).sum())
        slope = (probability - self.happened) * (1.0 - relevant) / (1.0 - probability)
        by_place = np.bincount(self.places, slope, self.place_count)[: self.place_count]
        return total, np.concatenate([[slope.sum()], self.design.T @ slope, by_place])


def _padded(shifts: Numbers) -> Numbers:
    """Places beyond those that were learnt take no shift."""
    return np.concatenate([shifts, np.zeros(4_096)])


def _times(effects: NDArray[np.float32], weights: Numbers) -> Numbers:
    """Row by row, so that a row's sum does not depend on how many rows there are."""
    return np.asarray(np.einsum("ij,j->i", effects.astype(np.float64), weights))
