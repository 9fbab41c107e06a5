"""From the candidates' logits to probabilities: weights, level and places are fitted on impressions that they did not
learn from.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from lab.evaluation.impressions.candidate import Logits, mean_log_loss
from lab.evaluation.impressions.ratios import Numbers, sigmoid

_WEIGHT_PRIOR = 10.0
"""Of equal weights that add up to 1, in nats for a squared distance of 1: what a few clicks cannot overrule."""
_SHIFT_PRIOR = 1.0
_PLACE_PRIOR_CLICKS = 100.0
"""A place's level is drawn towards 1 as by so many expected clicks."""
_FOLDS = 5


@dataclass(frozen=True)
class Mixture:
    """`weights · logits + shift`: a stack of models, and their calibration."""

    weights: Numbers
    """`[models]`, none negative."""
    shift: float

    def logits(self, stacked: Numbers) -> Numbers:
        """`[N]` of `[N, models]`."""
        return np.asarray(np.einsum("ij,j->i", stacked, self.weights) + self.shift)


def fit_mixture(stacked: Numbers, happened: NDArray[np.bool_]) -> Mixture:
    """Least log loss, drawn towards equal weights and no shift.

    Where nothing (or everything) happened there is only the prior to tell the shift.
    """
    models = stacked.shape[1]
    equal = np.full(models, 1.0 / models)

    def loss(values: Numbers) -> tuple[float, Numbers]:
        logits = stacked @ values[:models] + values[models]
        away = values[:models] - equal
        total = float(np.logaddexp(0.0, np.where(happened, -logits, logits)).sum())
        slope = sigmoid(logits) - happened
        gradient = np.append(stacked.T @ slope + _WEIGHT_PRIOR * away, slope.sum() + _SHIFT_PRIOR * values[models])
        prior = 0.5 * _WEIGHT_PRIOR * float(away @ away) + 0.5 * _SHIFT_PRIOR * float(values[models]) ** 2
        rows = max(len(happened), 1)
        return (total + prior) / rows, gradient / rows

    if not len(happened):
        return Mixture(equal, 0.0)
    bounds = [(0.0, 2.0)] * models + [(-3.0, 3.0)]
    found = minimize(loss, np.append(equal, 0.0), jac=True, method="L-BFGS-B", bounds=bounds).x
    return Mixture(found[:models], float(found[models]))


def cross_fitted_loss(stacked: Numbers, happened: NDArray[np.bool_], requests: NDArray[np.int64]) -> float:
    """Log loss of a mixture on requests that it was not fitted on: what models are chosen by."""
    fold = requests % _FOLDS
    logits = np.zeros(len(happened))
    for number in range(_FOLDS):
        here = fold == number
        logits[here] = fit_mixture(stacked[~here], happened[~here]).logits(stacked[here])
    return mean_log_loss(logits, happened)


@dataclass(frozen=True)
class Calibrated:
    """Which models, mixed how, and how far each place's level is off."""

    click_models: tuple[str, ...]
    click: Mixture
    buy_models: tuple[str, ...]
    buy: Mixture
    place_levels: Numbers
    """`[places]` factors of P(click)."""

    def probabilities(self, answers: dict[str, Logits], places: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
        """`[N]` P(clicked) and P(clicked and purchased) at the position."""
        click = sigmoid(self.click.logits(_stack(answers, self.click_models, "click")))
        click = np.minimum(click * self.place_levels[np.minimum(places, len(self.place_levels) - 1)], 0.9999)
        return click, click * sigmoid(self.buy.logits(_stack(answers, self.buy_models, "buy")))


@dataclass(frozen=True)
class Outcome:
    """What happened to the impressions that the candidates did not learn from; `[N]` each."""

    clicked: NDArray[np.bool_]
    purchased: NDArray[np.bool_]
    places: NDArray[np.int64]
    requests: NDArray[np.int64]


def calibrate(
    answers: dict[str, Logits], outcome: Outcome, chosen: tuple[Sequence[str], Sequence[str]], place_count: int
) -> Calibrated:
    """Fit the mixtures of the chosen models, of clicks and of purchases among clicks, and the places' levels."""
    clicks, buys = tuple(chosen[0]), tuple(chosen[1])
    stacked = _stack(answers, clicks, "click")
    click = fit_mixture(stacked, outcome.clicked)
    among = np.flatnonzero(outcome.clicked)
    buy = fit_mixture(_stack(answers, buys, "buy")[among], outcome.purchased[among])
    predicted = np.bincount(outcome.places, sigmoid(click.logits(stacked)), place_count)
    observed = np.bincount(outcome.places, outcome.clicked, place_count)
    levels = (observed + _PLACE_PRIOR_CLICKS) / (predicted + _PLACE_PRIOR_CLICKS)
    return Calibrated(clicks, click, buys, buy, levels)


def compare(answers: dict[str, Logits], outcome: Outcome) -> dict[str, dict[str, float]]:
    """Cross-fitted log loss of each candidate and of their blend: of clicks, and of purchases among clicks."""
    among = np.flatnonzero(outcome.clicked)
    contests = {name: (name,) for name in answers} | {BLEND: tuple(answers)}
    return {
        contest: {
            "click": cross_fitted_loss(_stack(answers, models, "click"), outcome.clicked, outcome.requests),
            "buy": cross_fitted_loss(
                _stack(answers, models, "buy")[among], outcome.purchased[among], outcome.requests[among]
            ),
        }
        for contest, models in contests.items()
    }


BLEND = "blend"


def choose(losses: dict[str, dict[str, float]], names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The models with the least loss for clicks and for purchases; all of them where nothing can be compared."""
    picked = []
    for head in ("click", "buy"):
        known = {contest: found[head] for contest, found in losses.items() if np.isfinite(found[head])}
        best = min(known, key=lambda contest: known[contest]) if known else BLEND
        picked.append(tuple(names) if best == BLEND else (best,))
    return picked[0], picked[1]


def _stack(answers: dict[str, Logits], models: Sequence[str], head: str) -> Numbers:
    return np.column_stack([getattr(answers[name], head) for name in models])
