"""Training rows without logged impressions: what was used, beside sampled items that were not."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.ranker.training.rows import ImpressionRows


@dataclass(frozen=True)
class NegativeConfig:
    """How negatives are drawn."""

    count: int = 15
    """Negatives for each positive."""
    popularity_power: float = 0.5
    """Items are drawn by popularity to this power: 0 is uniform, 1 the popularity itself."""
    seed: int = 20
    """Of the draw."""


def draw_negatives(
    positives: NDArray[np.int32], popularity: NDArray[np.float64], config: NegativeConfig
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """For each of P positives its candidates: `[P, 1 + count]` rows, the positive first, and log Q of each.

    The positive's own log Q is that of the same draw, so that the correction does not favour it. A negative that
    happens to be the positive is drawn again.
    """
    weights = np.maximum(popularity, 1e-3) ** config.popularity_power
    probability = weights / weights.sum()
    random = np.random.default_rng(config.seed)
    drawn = random.choice(len(weights), (len(positives), config.count), p=probability)
    for _ in range(8):
        same = drawn == positives[:, None]
        if not same.any():
            break
        drawn[same] = random.choice(len(weights), int(same.sum()), p=probability)
    candidates = np.concatenate([positives[:, None], drawn], axis=1).astype(np.int32)
    return candidates, np.log(probability[candidates]).astype(np.float32)


def with_candidates(
    positives: ImpressionRows,
    candidates: NDArray[np.int32],
    log_q: NDArray[np.float32],
    features: NDArray[np.float32],
) -> ImpressionRows:
    """Training rows of requests widened to their candidates.

    Args:
        positives: P requests of one row each: the item that was used.
        candidates: `[P, 1 + count]` rows, the positive first.
        log_q: `[P, 1 + count]`.
        features: `[P, 1 + count, 12]` normalised candidate features, built as for serving.

    """
    requests, width = candidates.shape
    first = np.zeros((requests, width), np.bool_)
    first[:, 0] = True
    bought = first & positives.purchased[:, None]
    return replace(
        positives,
        offsets=np.arange(requests + 1, dtype=np.int64) * width,
        candidate_rows=candidates.ravel(),
        candidate_features=features.reshape(requests * width, -1),
        page_rows=np.zeros(requests * width, np.int32),
        page_columns=np.zeros(requests * width, np.int32),
        clicked=first.ravel(),
        purchased=bought.ravel(),
        log_q=log_q.ravel(),
    )
