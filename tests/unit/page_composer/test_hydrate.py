from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.kit.errors import DependencyDown
from services.page_composer.draft import REFILLED
from services.page_composer.hydrate import Displays, display_of, hydrate, refill
from services.page_composer.ports import LateCheck
from tests.unit.page_composer.assignments import assignments, selected
from tests.unit.page_composer.shop import facts, index_of


class Catalogue:
    """Answers what exists and is in stock, and notes what it was asked."""

    def __init__(self, sold_out=(), gone=()) -> None:
        self.sold_out, self.gone = set(sold_out), set(gone)
        self.calls: list[list[str]] = []

    async def check(self, held):
        self.calls.append(list(held))
        shown = {each.item_id: display_of(each, "en") for each in facts()}
        sold_out = {each: shown[each]._replace(available=False) for each in self.sold_out - self.gone if each in held}
        return LateCheck(sold_out, frozenset(self.gone & held.keys()))


def displays_of(draft) -> Displays:
    return Displays(np.arange(len(draft.objective.worth)), index_of(facts()), "en")


def positions(draft) -> list[int]:
    return [slot.position for shelf in draft.shelves for slot in shelf.slots]


def item_ids(numbers) -> list[str]:
    return [f"item-{number:03}" for number in numbers]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(assignments(), st.sets(st.integers(0, 39)), st.sets(st.integers(0, 39)))
async def test_nothing_sold_out_stays_and_no_row_is_short_while_reserve_remains(assignment, sold_out, gone):
    draft = selected(assignment)
    lengths = {shelf.proposal.section_id: len(shelf.slots) for shelf in draft.shelves}
    catalogue, displays = Catalogue(item_ids(sold_out), item_ids(gone)), displays_of(draft)
    await hydrate(draft, displays, catalogue.check)
    assert len(catalogue.calls) <= 2
    shown = positions(draft)
    bad = sold_out | gone
    assert not bad & {each for each in shown if displays.checked(each)}
    families, clusters = assignment.ledger.families, assignment.ledger.clusters
    assert len(set(families[shown].tolist())) == len(shown) == len(set(clusters[shown].tolist()))
    for shelf in draft.shelves:
        assert len(shelf.slots) >= shelf.place.minimum_fill
        left = [each for each in shelf.reserve(draft.ledger).tolist() if displays.good(each)]
        assert len(shelf.slots) == lengths[shelf.proposal.section_id] or not left


@settings(max_examples=40, deadline=None, derandomize=True)
@given(assignments())
async def test_what_is_good_keeps_its_order_and_length(assignment):
    draft = selected(assignment)
    before = [(shelf.proposal.section_id, list(shelf.slots)) for shelf in draft.shelves]
    catalogue, displays = Catalogue(), displays_of(draft)
    await hydrate(draft, displays, catalogue.check)
    assert [(shelf.proposal.section_id, list(shelf.slots)) for shelf in draft.shelves] == before
    assert len(catalogue.calls) <= 1
    for position in positions(draft):
        assert displays.of(position).item_id == f"item-{position:03}"


async def test_a_refill_says_that_it_is_one(two_equal_pools):
    draft = selected(two_equal_pools)
    first = draft.shelves[0].slots[0].position
    await hydrate(draft, displays_of(draft), Catalogue(sold_out=item_ids([first])).check)
    assert draft.shelves[0].slots[0].origin == REFILLED
    assert draft.shelves[0].slots[0].propensity == 1.0
    assert draft.shelves[0].slots[0].position != first


async def test_without_the_catalogue_the_index_shows_what_it_knows(two_equal_pools):
    async def down(held):
        raise DependencyDown("item_vision")

    draft = selected(two_equal_pools)
    displays = displays_of(draft)
    with pytest.raises(DependencyDown):
        await hydrate(draft, displays, down)
    assert all(displays.of(position).title and displays.good(position) for position in positions(draft))


def test_a_section_below_its_minimum_goes(two_equal_pools):
    place = replace(two_equal_pools.places[0], minimum_fill=3)
    pools = [np.arange(3), np.arange(6, 9)]
    draft = selected(replace(two_equal_pools, places=[place], pools=pools))
    displays = displays_of(draft)
    displays._otherwise = {draft.shelves[0].slots[0].position: None}
    assert refill(draft, displays) == 1
    assert draft.shelves == []


async def test_what_a_dropped_section_held_refills_the_others(two_equal_pools):
    first = replace(two_equal_pools.places[0], capacity=2, minimum_fill=2, shelves=("popular",))
    second = replace(two_equal_pools.places[0], capacity=3, minimum_fill=1, shelves=("deals",))
    pools = [np.array([0, 1]), np.array([1, 2, 3])]
    draft = selected(replace(two_equal_pools, places=[first, second], pools=pools))
    assert sorted(slot.position for slot in draft.shelves[1].slots) == [2, 3]
    await hydrate(draft, displays_of(draft), Catalogue(gone=["item-000"]).check)
    assert [shelf.proposal.shelf for shelf in draft.shelves] == ["deals"]
    assert sorted(slot.position for slot in draft.shelves[0].slots) == [1, 2, 3]
