"""A page has three sections or it is none: what is done where the template cannot be filled as it is."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from services.kit.errors import NotReady
from services.page_composer.draft import Draft
from services.page_composer.explore import seeded
from services.page_composer.hydrate import Displays, refill
from services.page_composer.ledger import PageLedger
from services.page_composer.pools import CATALOGUE, Pool
from services.page_composer.proposal import Evidence, Proposal
from services.page_composer.select import Assignment, distinct, select
from services.page_composer.template import SHELF, Place
from services.page_composer.visit import Visit

FEWEST_SECTIONS = 3


def choose(task: Assignment, visit: Visit) -> Draft:
    """Select the page; where that leaves fewer than three shelves, with what the template asks relaxed."""
    draft = select(task, seeded(visit.shop_id, visit.request_id))
    if len(draft.shelves) < FEWEST_SECTIONS:
        draft = select(relaxed(task), seeded(visit.shop_id, visit.request_id))
    return draft


def mended(draft: Draft, task: Assignment, displays: Displays, visit: Visit) -> Draft:
    """The draft after the late check; where that left fewer than three shelves, one without what is gone.

    Raises: NotReady (SHOP_NOT_READY) when even that has fewer than three.
    """
    if len(draft.shelves) < FEWEST_SECTIONS:
        draft = select(relaxed(task, displays.gone()), seeded(visit.shop_id, visit.request_id))
        refill(draft, displays)
    if len(draft.shelves) < FEWEST_SECTIONS:
        raise NotReady(
            f"shop {visit.shop_id} has fewer than {FEWEST_SECTIONS} items that could be shown to this visit; "
            "import a catalogue, publish a release, or relax the rules that exclude items",
            reason="SHOP_NOT_READY",
            metadata={"shop_id": visit.shop_id},
        )
    return draft


def relaxed(full: Assignment, without: Iterable[int] = ()) -> Assignment:
    """The assignment for a shop with fewer products than the template wants: any shelf anywhere, down to one item,
    and room for three sections of the most popular; `without` are candidates that turned out to be gone.
    """
    gone = np.fromiter(without, np.int64)
    everything = np.unique(np.concatenate([*full.pools, np.zeros(0, np.int64)])).astype(np.int64)
    everything = everything[~np.isin(everything, gone)]
    ledger = PageLedger(full.ledger.families, full.ledger.clusters, full.ledger.limits)
    products = distinct([everything], full.objective.worth, ledger)[0][None, :]
    room = int(ledger.fillable(ledger.free(products), products)[0])
    capacity = max(room // FEWEST_SECTIONS, 1)
    extra = [
        Proposal(f"popular:{number}", "popular", Evidence("popularity"), Pool(CATALOGUE))
        for number in range(len(full.proposals) + 1, len(full.proposals) + 1 + FEWEST_SECTIONS)
    ]
    return replace(
        full,
        proposals=[*full.proposals, *extra],
        pools=[*(pool[~np.isin(pool, gone)] for pool in full.pools), *([everything] * len(extra))],
        ledger=ledger,
        places=[_eased(place, capacity) for place in full.places],
        weights=replace(full.weights, shelf_sections_each=float(len(full.places))),
        pinned=[pin for pin in full.pinned if pin.position not in set(gone.tolist())],
    )


def _eased(place: Place, capacity: int) -> Place:
    if place.kind != SHELF:
        return place
    return replace(place, shelves=(), minimum_fill=1, exploration_count=0, capacity=min(place.capacity, capacity))
