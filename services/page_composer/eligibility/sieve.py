"""Runs all filters over a page's candidates: what is kept, and what was removed and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol, cast

import numpy as np

from services.page_composer import eligibility
from services.page_composer.arrays import Bools, Ints
from services.page_composer.candidates import Candidates, Scored
from services.page_composer.eligibility import Dropped, Question
from services.page_composer.eligibility.excluded_by_rule import rule_of
from services.page_composer.pools import belongs
from services.page_composer.proposal import Proposal


class Filter(Protocol):
    """What a module of this folder offers."""

    REASON: str

    def removed(self, candidates: Candidates, question: Question) -> Bools:
        """`[n]` the candidates to remove."""


FILTERS: Mapping[str, Filter] = {
    name: cast(Filter, import_module(f"{eligibility.__name__}.{name}"))
    for name in sorted(module.name for module in iter_modules(eligibility.__path__))
    if name != "sieve"
}
"""Every filter of the folder, by file name."""


@dataclass(frozen=True)
class Eligible:
    """What is left of a page's candidates."""

    pools: Sequence[Ints]
    """For each proposal: positions of its eligible candidates, best first."""
    removed: Mapping[str, Bools]
    """By reason: `[n]` the candidates that a filter removed."""

    def kept(self) -> Bools:
        """`[n]` candidates that no filter removed."""
        return np.asarray(~np.logical_or.reduce(list(self.removed.values())), np.bool_)


def sift(scored: Scored, proposals: Sequence[Proposal], question: Question) -> Eligible:
    """Keep in each pool what may be shown and what the shelf can truly claim."""
    candidates = scored.candidates
    removed = {each.REASON: each.removed(candidates, question) for each in FILTERS.values()}
    exempt = _masks_of_exempt_shelves(removed)
    everyone = ~np.logical_or.reduce(list(removed.values()))
    pools = []
    for proposal, filled in zip(proposals, scored.pools, strict=True):
        positions = filled.positions[exempt.get(proposal.shelf, everyone)[filled.positions]]
        true = belongs(proposal.pool, question.index, candidates.rows[positions], question.visit.at_s)
        pools.append(positions[true])
    return Eligible(pools, removed)


def reasons(scored: Scored, eligible: Eligible, question: Question) -> list[Dropped]:
    """Every removed item with the first reason that removed it."""
    dropped = [Dropped(item_id, "unknown_item") for item_id in scored.unknown_item_ids]
    rows, item_ids = scored.candidates.rows, question.index.item_ids
    told = np.zeros(len(rows), np.bool_)
    for reason, mask in eligible.removed.items():
        for position in np.flatnonzero(mask & ~told).tolist():
            row = int(rows[position])
            rule_id = rule_of(row, question) if reason == "rule" else ""
            dropped.append(Dropped(item_ids[row], reason, rule_id))
        told |= mask
    return dropped


def _masks_of_exempt_shelves(removed: Mapping[str, Bools]) -> dict[str, Bools]:
    """For each shelf that some filter spares: `[n]` what all the other filters keep."""
    spared: dict[str, set[str]] = {}
    for each in FILTERS.values():
        for shelf in getattr(each, "EXEMPT_SHELVES", ()):
            spared.setdefault(shelf, set()).add(each.REASON)
    return {
        shelf: ~np.logical_or.reduce([mask for reason, mask in removed.items() if reason not in spare])
        for shelf, spare in spared.items()
    }
