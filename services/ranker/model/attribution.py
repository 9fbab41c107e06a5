"""Integrated gradients in the model's graph: what each group of inputs adds to a score.

The score F is followed along the straight line from a baseline x' to the evidence x at hand (Sundararajan, Taly and Yan
2017, eq. 1): `contribution_i = (x_i - x'_i) * integral of dF/dx_i (x' + a (x - x')) da, a from 0 to 1`. They add up to
F(x) - F(x') (their "completeness"), up to the error of the sum that stands for the integral. Row numbers have no
gradient, so the line starts behind the encoders: at the products of visitor and item.
"""

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from services.ranker.model.groups import GROUPS, feature_groups
from services.ranker.model.signature import BASELINE, CONTRIBUTIONS, LOG_ODDS

STEPS = 128
"""Midpoints of the sum. The dense layers' ReLUs bend the score along the line, which limits the order of any rule."""


@dataclass(frozen=True)
class Evidence:
    """What the cross and dense layers weigh up for B requests of C candidates."""

    item: tf.Tensor
    """`[B, C, W]` candidates' vectors."""
    products: dict[str, tf.Tensor]
    """`[B, C, W]` Hadamard products with the item; the name up to "_<number>" or the whole of it is a group."""
    facts: dict[str, tf.Tensor]
    """`[B, C, ...]`: "features", and "history" and "context" where they are inputs."""


def attribute(
    evidence: Evidence, baseline: Evidence, log_odds: Callable[[Evidence], tf.Tensor]
) -> dict[str, tf.Tensor]:
    """The outputs of the signature `explain` for evidence of one request, `[1, C, ...]`.

    Args:
        evidence: the end of the line.
        baseline: where it starts; the same items.
        log_odds: `[B, C]` of evidence.

    """
    middles = (tf.range(STEPS, dtype=tf.float32) + 0.5) / STEPS
    # Both ends of the line stand before its middles, so that the graph holds the model once.
    places, ways = _line(evidence, baseline, tf.concat([[0.0, 1.0], middles], axis=0))
    with tf.GradientTape() as tape:
        tape.watch(places)
        scores = log_odds(_evidence(evidence, places, STEPS + 2))
    slopes = tape.gradient(scores, places, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    # Of the first request, which is the only one: `[C, size]` for each part.
    parts = {name: tf.reduce_mean(slopes[name][2:], axis=0) * way[0] for name, way in ways.items()}
    return {BASELINE: scores[0], LOG_ODDS: scores[1], CONTRIBUTIONS: _by_group(parts)}


def _line(evidence: Evidence, baseline: Evidence, at: tf.Tensor) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
    """Points on the line `[points, C, size]` of each part, and the whole way `[1, C, size]`."""
    starts = baseline.products | {f"facts_{name}": fact for name, fact in baseline.facts.items()}
    ends = evidence.products | {f"facts_{name}": fact for name, fact in evidence.facts.items()}
    ways = {name: end - starts[name] for name, end in ends.items()}
    return {name: starts[name] + at[:, None, None] * way for name, way in ways.items()}, ways


def _evidence(like: Evidence, places: dict[str, tf.Tensor], count: int) -> Evidence:
    """Points on the line as a batch of evidence about the same items."""
    return Evidence(
        tf.tile(like.item, [count, 1, 1]),
        {name: places[name] for name in like.products},
        {name: places[f"facts_{name}"] for name in like.facts},
    )


def _by_group(parts: dict[str, tf.Tensor]) -> tf.Tensor:
    """`[C, size]` of each part → `[C, groups]`."""
    features = parts["facts_features"]
    total = tf.matmul(features, tf.constant(feature_groups()))
    for name, part in parts.items():
        group = name.removeprefix("facts_").partition("_")[0] if name != "user_embedding" else name
        if group in GROUPS:
            total += tf.reduce_sum(part, axis=-1, keepdims=True) * tf.one_hot(GROUPS.index(group), len(GROUPS))
    return total
