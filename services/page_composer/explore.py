"""Chance on the page, always with its probability: which shelf comes next, and what stands in exploration slots.

All of it is drawn from one generator seeded by the request, so the same request draws the same.
"""

import hashlib
from collections.abc import Callable, Mapping

import numpy as np

from services.page_composer.arrays import Bools, Floats
from services.page_composer.weighing import Weights


def seeded(shop_id: str, request_id: str) -> np.random.Generator:
    """The generator of one request."""
    digest = hashlib.sha256(f"{shop_id}\x00{request_id}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def draw_shelf(logits: Floats, allowed: Bools, generator: np.random.Generator) -> tuple[int, float]:
    """Draw the next shelf of a Plackett–Luce order among the allowed ones: its place in `[p]` logits, and its
    probability.

    Adding Gumbel noise and taking the best is a draw from the softmax (Yellott 1977); fresh noise at each step
    keeps the probability exact when the allowed set changes from step to step. At least one must be allowed.
    """
    noise = generator.gumbel(size=len(logits))
    drawn = int(np.where(allowed, logits + noise, -np.inf).argmax())
    return drawn, float(softmax(logits[allowed])[np.count_nonzero(allowed[:drawn])])


def draw_item(gains: Floats, weights: Weights, generator: np.random.Generator) -> tuple[int, float]:
    """Draw one of the reserve by the distribution that the weights name: its place in `[m]` gains, and its
    probability.
    """
    probabilities = DISTRIBUTIONS[weights.explore_distribution](gains, weights)
    drawn = int(np.searchsorted(np.cumsum(probabilities), generator.random(), side="right"))
    drawn = min(drawn, len(gains) - 1)
    return drawn, float(probabilities[drawn])


def softened_value(gains: Floats, weights: Weights) -> Floats:
    """Softmax of log(gain) / temperature, mixed with a share of the uniform, so that nothing in reserve is out of
    reach.
    """
    logits = np.log(np.maximum(gains, 1e-12)) / max(weights.explore_temperature, 1e-6)
    share = weights.explore_uniform_share
    return (1.0 - share) * softmax(logits) + share / len(gains)


def uniform(gains: Floats, weights: Weights) -> Floats:
    """Every candidate of the reserve alike."""
    return np.full(len(gains), 1.0 / len(gains))


DISTRIBUTIONS: Mapping[str, Callable[[Floats, Weights], Floats]] = {
    "softened_value": softened_value,
    "uniform": uniform,
}


def softmax(logits: Floats) -> Floats:
    """Probabilities proportional to exp(logits)."""
    grown = np.exp(logits - logits.max())
    return np.asarray(grown / grown.sum(), np.float64)
