"""How much oftener than expected a thing happened: counts of each value, drawn towards what is expected.

A value's rate is beta-distributed around its expected mean; the strength of that prior is the one under which the
observed counts are likeliest (empirical Bayes over a grid). Without evidence of any difference the strength is
infinite, and the value says nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

Numbers = NDArray[np.float64]

STRENGTHS = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 3e4, 1e5)
"""Impressions that the prior counts for."""
LEAST_GAIN = 2.0
"""Nats of evidence below which a difference between values is not believed."""


@dataclass(frozen=True)
class Sums:
    """What is known of each row's value; `[N]` each."""

    shown: Numbers
    happened: Numbers
    expected: Numbers


@dataclass(frozen=True)
class Ratios:
    """Counts of one key's values."""

    keys: NDArray[np.int64]
    """`[G]` codes, sorted."""
    shown: Numbers
    happened: Numbers
    expected: Numbers

    def sums(self, codes: NDArray[np.int64]) -> Sums:
        """Of each row's value; zeros for values that were not counted."""
        if not len(self.keys):
            nothing = np.zeros(len(codes))
            return Sums(nothing, nothing, nothing)
        place = np.minimum(np.searchsorted(self.keys, codes), len(self.keys) - 1)
        known = self.keys[place] == codes
        return Sums(*(np.where(known, each[place], 0.0) for each in (self.shown, self.happened, self.expected)))


@dataclass(frozen=True)
class Outcomes:
    """What is counted; `[N]` each."""

    happened: NDArray[np.bool_]
    expected: Numbers
    """Its probability without knowing the value."""
    counted: NDArray[np.bool_]
    """Rows that count: all impressions for clicks, the clicked ones for purchases."""
    blocks: NDArray[np.int64]
    """A number of each row; what a row is told of its own value leaves its block out."""


def count(codes: NDArray[np.int64], outcomes: Outcomes) -> tuple[Ratios, Sums]:
    """Count each value, and what each row may know of its own: everything outside its block."""
    keys, group = np.unique(codes, return_inverse=True)
    blocks = int(outcomes.blocks.max(initial=0)) + 1
    cell = group * blocks + outcomes.blocks
    totals, others = [], []
    for each in (np.ones(len(codes)), outcomes.happened.astype(np.float64), outcomes.expected):
        cells = np.bincount(cell, each * outcomes.counted, len(keys) * blocks)
        total = cells.reshape(len(keys), blocks).sum(axis=1)
        totals.append(total)
        # Rounding may leave less than nothing.
        others.append(np.maximum(total[group] - cells[cell], 0.0) * (codes >= 0))
    kept = keys >= 0
    return Ratios(keys[kept], *(each[kept] for each in totals)), Sums(*others)


def best_strength(ratios: Ratios, offsets: Numbers | None = None) -> tuple[float, float]:
    """The likeliest strength of the prior and its gain in evidence (nats) over no difference at all.

    Args:
        ratios: the counts.
        offsets: `[G]` what is known of each value's logit beforehand.

    """
    seen = ratios.shown > 0
    shown, happened = ratios.shown[seen], ratios.happened[seen]
    mean = shifted(ratios.expected[seen] / shown, 0.0 if offsets is None else offsets[seen])
    without = float((happened * np.log(mean) + (shown - happened) * np.log1p(-mean)).sum())
    best, gain = np.inf, 0.0
    for strength in STRENGTHS:
        one, other = strength * mean, strength * (1.0 - mean)
        evidence = float((betaln(happened + one, shown - happened + other) - betaln(one, other)).sum())
        if evidence - without > max(gain, LEAST_GAIN):
            best, gain = strength, evidence - without
    return best, gain


def effect(sums: Sums, strength: float, offsets: Numbers | float = 0.0) -> Numbers:
    """`[N]` posterior mean of each row's value as a difference of logits to what is expected; 0 for a new value."""
    if not np.isfinite(strength):
        return np.zeros(len(sums.shown))
    seen = sums.shown > 0
    mean = shifted(np.where(seen, sums.expected, 1.0) / np.where(seen, sums.shown, 2.0), offsets)
    posterior = (sums.happened + strength * mean) / (sums.shown + strength)
    return np.where(seen, logit(posterior) - logit(mean), 0.0)


def shifted(mean: Numbers, offsets: Numbers | float) -> Numbers:
    """Probabilities moved by a difference of logits."""
    return sigmoid(logit(mean) + offsets)


def logit(probability: Numbers) -> Numbers:
    """Of probabilities, kept from 0 and 1."""
    clipped = np.clip(probability, 1e-7, 1.0 - 1e-7)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def sigmoid(values: Numbers) -> Numbers:
    """The inverse of `logit`."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -30.0, 30.0))))
