"""Which pictures become one near-duplicate cluster when new features arrive."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.item_vision.model.near_duplicates import NearDuplicateRule, near_duplicate_pairs


@dataclass(frozen=True)
class Sighting:
    """What clustering knows of an item's main picture."""

    item_id: str
    image: NDArray[np.float16]
    """Raw features `[width]`."""
    image_hash: int
    """64 bits."""


def joined(
    sightings: Sequence[Sighting], new: Collection[str], rule: NearDuplicateRule
) -> Mapping[str, frozenset[str]]:
    """For each near-identical pair that involves a new item: whom each of the two is near-identical to.

    Pairs of items that are both old were judged before.
    """
    if not sightings:
        return {}
    features = np.stack([each.image for each in sightings]).astype(np.float32)
    hashes = np.array([each.image_hash for each in sightings], np.uint64)
    neighbours: dict[str, set[str]] = {}
    for left, right in near_duplicate_pairs(features, hashes, rule):
        one, other = sightings[left].item_id, sightings[right].item_id
        if one in new or other in new:
            neighbours.setdefault(one, set()).add(other)
            neighbours.setdefault(other, set()).add(one)
    return {item_id: frozenset(others) for item_id, others in neighbours.items()}


def cluster_numbers(
    neighbours: Mapping[str, frozenset[str]], numbers: Mapping[str, int], hashes: Mapping[str, int]
) -> dict[str, int]:
    """The cluster number of every item in a group of neighbours.

    A group takes the smallest number that one of its members has already, else one made from a member's picture:
    never 0, and the same whichever worker makes it. `numbers` has each member's present number, 0 for none.
    """
    assigned: dict[str, int] = {}
    for start in sorted(neighbours):
        if start in assigned:
            continue
        group = _reachable(start, neighbours)
        present = [numbers.get(member, 0) for member in group if numbers.get(member, 0)]
        made = min((hashes[member] >> 1) or 1 for member in group if member in hashes)
        assigned.update(dict.fromkeys(group, min(present, default=made)))
    return assigned


def _reachable(start: str, neighbours: Mapping[str, frozenset[str]]) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        fresh = neighbours.get(waiting.pop(), frozenset()) - found
        found |= fresh
        waiting += fresh
    return found
