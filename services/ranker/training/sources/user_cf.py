"""Groups of alike users, and what each group uses: "people like you" without a row of any person in the release."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from services.ranker.training.interactions import Interactions
from services.ranker.training.sources import als


@dataclass(frozen=True)
class UserCfConfig:
    """How groups are formed."""

    users_a_group: int = 12
    """About so many; groups with fewer than three users are dissolved, so that no group is a person."""
    iterations: int = 12
    """Of spherical k-means."""
    nearest: int = 12
    """Groups that a visitor is compared with at serving."""
    sharpness: float = 6.0
    """How much nearer groups count more."""
    seed: int = 5
    """Of the first centres."""


LEAST_USERS = 3


def train(
    interactions: Interactions, config: UserCfConfig | None = None, factors: NDArray[np.float32] | None = None
) -> dict[str, NDArray[Any]]:
    """`item_factors [items, f]`, `centres [groups, f]`, `nearest`, `sharpness`, and what each group uses: rows and
    shares of its users, group after group (`usage_starts`, `usage_rows`, `usage_shares`).

    `factors` are item factors that are trained already (of als); without them they are trained here.
    """
    config = config or UserCfConfig()
    matrix = interactions.matrix()
    item_factors = als.train(interactions)["item_factors"] if factors is None else factors
    tastes = matrix @ item_factors
    active = np.flatnonzero(np.linalg.norm(tastes, axis=1) > 1e-9)
    tastes = tastes[active] / np.linalg.norm(tastes[active], axis=1, keepdims=True)
    groups = max(len(active) // config.users_a_group, 1)
    centres, member = _groups(tastes, groups, config)
    sizes = np.bincount(member, minlength=groups)
    kept = np.flatnonzero(sizes >= min(LEAST_USERS, int(sizes.max())))
    place = np.full(groups, -1)
    place[kept] = np.arange(len(kept))
    counted = place[member] >= 0
    return {
        "item_factors": item_factors,
        "centres": centres[kept],
        **_usage((matrix[active] > 0).astype(np.float32)[counted], place[member][counted], sizes[kept]),
        "nearest": np.array(min(config.nearest, len(kept))),
        "sharpness": np.array(config.sharpness, np.float32),
    }


def _usage(used: csr_matrix, group: NDArray[np.int64], sizes: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """The share of each group's users that used an item, from `[users, items]` and the group of each user."""
    users = len(group)
    member = csr_matrix((1.0 / sizes[group], (group, np.arange(users))), shape=(len(sizes), users))
    shares = (member @ used).tocsr()
    shares.sort_indices()
    return {
        "usage_starts": shares.indptr.astype(np.int64),
        "usage_rows": shares.indices.astype(np.int32),
        "usage_shares": shares.data.astype(np.float16),
    }


def _groups(
    tastes: NDArray[np.float32], count: int, config: UserCfConfig
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Unit centres `[count, f]` and the group of each user, by spherical k-means."""
    random = np.random.default_rng(config.seed)
    centres = tastes[random.permutation(len(tastes))[:count]].copy()
    member = np.zeros(len(tastes), np.int64)
    for _ in range(config.iterations):
        member = np.argmax(tastes @ centres.T, axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, member, tastes)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 1e-9, sums / np.maximum(lengths, 1e-9), centres)
    return centres.astype(np.float32), member
