from collections import Counter
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.page_composer.draft import EXPLORED, PINNED
from services.page_composer.explore import seeded
from services.page_composer.greedy import Tally
from services.page_composer.ledger import PageLedger
from services.page_composer.objective import Objective
from services.page_composer.select import select
from services.page_composer.swaps import improve
from tests.unit.page_composer.assignments import assignments, selected

properties = settings(max_examples=60, deadline=None, derandomize=True)


def placed(draft):
    return [slot for shelf in draft.shelves for slot in shelf.slots]


def tally_of(draft):
    tally = Tally.of(draft.objective)
    for shelf in draft.shelves:
        for slot, exposure in zip(shelf.slots, shelf.exposures.tolist(), strict=False):
            tally.show(slot.position, exposure)
    return tally


@properties
@given(assignments())
def test_no_product_is_selected_twice(assignment):
    positions = [slot.position for slot in placed(selected(assignment))]
    families, clusters = assignment.ledger.families, assignment.ledger.clusters
    assert len(positions) == len(set(families[positions].tolist()))
    assert len(positions) == len(set(clusters[positions].tolist()))


@properties
@given(assignments())
def test_sections_keep_to_capacity_and_minimum_fill_and_to_their_places(assignment):
    draft = selected(assignment)
    numbers = [shelf.number for shelf in draft.shelves]
    assert numbers == sorted(set(numbers))
    for shelf in draft.shelves:
        assert shelf.place.minimum_fill <= len(shelf.slots) <= shelf.place.capacity
        assert not shelf.place.shelves or shelf.proposal.shelf in shelf.place.shelves
    each = Counter(shelf.proposal.shelf for shelf in draft.shelves)
    assert max(each.values(), default=0) <= assignment.weights.shelf_sections_each


@properties
@given(assignments())
def test_caps_hold_over_the_whole_page(assignment):
    positions = [slot.position for slot in placed(selected(assignment))]
    for limit in assignment.ledger.limits:
        counts = Counter(group for group in limit.groups[positions].tolist() if group >= 0)
        assert max(counts.values(), default=0) <= limit.most


@properties
@given(assignments())
def test_items_come_from_their_sections_pool_or_from_a_pin(assignment):
    pools = {
        proposal.section_id: set(pool.tolist())
        for proposal, pool in zip(assignment.proposals, assignment.pools, strict=True)
    }
    for shelf in selected(assignment).shelves:
        for slot in shelf.slots:
            assert slot.origin == PINNED or slot.position in pools[shelf.proposal.section_id]


@properties
@given(assignments())
def test_propensities_are_probabilities(assignment):
    draft = selected(assignment)
    for shelf in draft.shelves:
        for number, slot in enumerate(shelf.slots):
            assert 0.0 < slot.propensity <= 1.0
            if number and slot.origin != EXPLORED:
                assert slot.propensity == 1.0


@properties
@given(assignments())
def test_a_section_is_short_only_where_its_reserve_is_used_up(assignment):
    draft = selected(assignment)
    for shelf in draft.shelves:
        if len(shelf.slots) < shelf.place.capacity:
            assert len(shelf.reserve(draft.ledger)) == 0


@properties
@given(assignments(), st.text(min_size=1, max_size=5))
def test_the_same_request_selects_the_same_page(assignment, request_id):
    def fresh():
        ledger = type(assignment.ledger)(
            assignment.ledger.families, assignment.ledger.clusters, assignment.ledger.limits
        )
        draft = select(replace(assignment, ledger=ledger), seeded("shop", request_id))
        return [(shelf.proposal.section_id, shelf.slots) for shelf in draft.shelves]

    assert fresh() == fresh()


@properties
@given(assignments(caps=False, pins=False))
def test_after_swaps_no_single_exchange_is_better(assignment):
    draft = selected(assignment)
    improve(draft, tally_of(draft), 10_000, least_gain=0.0)
    value = draft.value()
    slack = 1e-6 * max(value, 1.0)
    for shelf in draft.shelves:
        for number, slot in enumerate(shelf.slots):
            if slot.fixed:
                continue
            for entering in shelf.reserve(draft.ledger).tolist():
                shelf.slots[number] = replace(slot, position=entering)
                assert draft.value() <= value + slack
            shelf.slots[number] = slot
            for other, mate in enumerate(shelf.slots[:number]):
                if not mate.fixed:
                    shelf.slots[number], shelf.slots[other] = mate, slot
                    assert draft.value() <= value + slack
                    shelf.slots[number], shelf.slots[other] = slot, mate


@properties
@given(assignments(caps=False))
def test_swaps_never_lower_the_value(assignment):
    draft = selected(assignment)
    before = draft.value()
    improve(draft, tally_of(draft), 10_000, least_gain=0.0)
    assert draft.value() >= before - 1e-9


@properties
@given(assignments())
def test_a_pinned_candidate_stands_where_it_was_put_or_nowhere(assignment):
    draft = selected(assignment)
    for pin in assignment.pinned:
        for number, shelf in enumerate(draft.shelves):
            positions = [slot.position for slot in shelf.slots]
            if pin.position in positions:
                assert pin.shelf == shelf.proposal.shelf if pin.shelf else number == 0
                assert positions.index(pin.position) == min(pin.place, len(positions) - 1)


def test_a_page_without_any_candidate_is_empty(one_place_of_nothing):
    assert selected(one_place_of_nothing).shelves == []


def test_first_slots_carry_the_probability_of_their_shelf(two_equal_pools):
    chosen = Counter()
    probability = {}
    for number in range(400):
        ledger = type(two_equal_pools.ledger)(two_equal_pools.ledger.families, two_equal_pools.ledger.clusters)
        draft = select(replace(two_equal_pools, ledger=ledger), seeded("shop", f"page-{number}"))
        shelf = draft.shelves[0]
        chosen[shelf.proposal.section_id] += 1
        probability[shelf.proposal.section_id] = shelf.slots[0].propensity
    assert np.isclose(sum(probability.values()), 1.0)
    for section_id, count in chosen.items():
        assert abs(count / 400 - probability[section_id]) < 0.08


def test_what_an_exchange_sets_free_fills_the_section_that_lacked_it(two_equal_pools):
    # 0 and 2 are one product. "popular" takes 0 first, so that "deals" has only 1; then 3 does better than 0, because 1
    # looks like 0, and 2 is free again.
    codes = np.array([[0, 2, 4], [0, 2, 4], [1, 3, 5], [1, 3, 5]])
    objective = Objective(np.array([10.0, 10.0, 9.0, 9.9]), codes, np.array([4.0, 4.0, 4.0]), 0.5)
    one, two = (replace(two_equal_pools.places[0], capacity=count, columns=count) for count in (1, 2))
    task = replace(
        two_equal_pools,
        pools=[np.array([0, 3]), np.array([1, 2])],
        objective=objective,
        ledger=PageLedger(np.array([0, 1, 0, 3]), np.arange(4)),
        places=[replace(one, shelves=("popular",)), replace(two, shelves=("deals",))],
    )
    draft = selected(task)
    assert [[slot.position for slot in shelf.slots] for shelf in draft.shelves] == [[3], [1, 2]]
