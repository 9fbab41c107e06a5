from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.page_composer.eligibility import Question
from services.page_composer.eligibility.sieve import FILTERS, reasons, sift
from services.page_composer.pools import Pool
from services.page_composer.proposal import Evidence, Proposal
from services.page_composer.rules.exclude import Exclude
from services.page_composer.rules.item_filter import ItemFilter
from services.page_composer.rules.rule import Rule
from tests.unit.page_composer.shop import did, facts, index_of, profile, scored, small_index, visit


def proposal(shelf: str = "popular", **pool) -> Proposal:
    return Proposal(f"{shelf}:1", shelf, Evidence("popularity"), Pool("popular", **pool))


def question(index=None, who=None, rules=(), **fields) -> Question:
    return Question(visit(who, **fields), index or small_index(), rules)


def removed_items(name: str, asked: Question) -> set[str]:
    everything = scored(list(range(asked.index.size)), [])
    mask = FILTERS[name].removed(everything.candidates, asked)
    return {asked.index.facts[row].item_id for row in np.flatnonzero(mask).tolist()}


def test_there_is_a_filter_for_everything_that_may_not_be_shown():
    assert set(FILTERS) == {
        "already_purchased",
        "below_minimum_age",
        "excluded_by_rule",
        "hidden_by_user",
        "out_of_stock",
        "undisplayable",
        "wrong_region",
    }
    assert len({each.REASON for each in FILTERS.values()}) == len(FILTERS)


def test_what_is_sold_out_is_removed_and_what_is_not_counted_stays():
    index = small_index(item_001={"stock": 0}, item_002={"stock": -1})
    assert removed_items("out_of_stock", question(index)) == {"item-001"}


@pytest.mark.parametrize(
    ("region", "removed"),
    [("DE", {"item-001"}), ("CN", {"item-002"}), ("CN-31", set()), ("", {"item-001", "item-002"})],
)
def test_what_may_not_be_sold_in_the_region_is_removed(region, removed):
    index = small_index(item_001={"regions": ("CN",)}, item_002={"regions": ("CN-31", "DE")})
    assert removed_items("wrong_region", question(index, region=region)) == removed


def test_items_for_older_people_are_removed():
    index = small_index(item_001={"minimum_age": 18})
    assert removed_items("below_minimum_age", question(index)) == {"item-001"}
    assert removed_items("below_minimum_age", replace(question(index), assumed_age=18)) == set()


def test_hidden_items_are_removed_in_every_variant():
    assert removed_items("hidden_by_user", question(who=profile(hidden_item_ids=frozenset({"item-009"})))) == {
        "item-008",
        "item-009",
    }


def test_recent_purchases_are_removed_and_returned_or_old_ones_stay():
    who = profile(did("purchase", 1), did("return", 2), did("purchase", 2, 9), did("purchase", 3, 24 * 200))
    assert removed_items("already_purchased", question(who=who)) == {"item-001"}


def test_items_without_title_price_or_link_are_removed():
    index = small_index(item_001={"titles": {}}, item_002={"price_minor": 0}, item_003={"link": ""})
    assert removed_items("undisplayable", question(index)) == {"item-001", "item-002", "item-003"}


def test_a_rule_excludes_what_matches_all_of_its_lists():
    items = ItemFilter(categories=("Women",), brands=("Aster",))
    removed = removed_items("excluded_by_rule", question(rules=[Rule("r", Exclude(items))]))
    expected = {each.item_id for each in facts() if each.category.startswith("Women/") and each.brand == "Aster"}
    assert removed == expected
    assert removed


def test_buying_again_is_spared_the_filter_of_purchases():
    asked = question(who=profile(did("purchase", 1)))
    eligible = sift(scored([0, 1, 2], [[0, 1, 2], [0, 1, 2]]), [proposal("buy_again"), proposal()], asked)
    assert [pool.tolist() for pool in eligible.pools] == [[0, 1, 2], [0, 2]]


def test_a_shelf_keeps_only_what_it_can_truly_claim():
    asked = question()
    rows = list(range(20))
    proposals = [
        proposal(reduced_only=True),
        proposal(brands=("Aster",)),
        proposal(categories=("Women",)),
        proposal(maximum_age_days=20),
        proposal(excluded=("item-000",)),
    ]
    eligible = sift(scored(rows, [rows] * 5), proposals, asked)
    kept = [[asked.index.facts[row] for row in pool.tolist()] for pool in eligible.pools]
    assert all(each.list_price_minor > each.price_minor for each in kept[0])
    assert {each.brand for each in kept[1]} == {"Aster"}
    assert {each.category.partition("/")[0] for each in kept[2]} == {"Women"}
    assert all(each.created_s >= asked.visit.at_s - 20 * 86_400 for each in kept[3])
    assert [each.item_id for each in kept[4]] == [f"item-{number:03}" for number in range(1, 20)]
    assert all(kept)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_filters_conserve_what_comes_in(data):
    changes = st.fixed_dictionaries(
        {},
        optional={
            "stock": st.sampled_from((-1, 0, 5)),
            "regions": st.sampled_from(((), ("DE",), ("CN",))),
            "minimum_age": st.sampled_from((0, 18)),
            "link": st.sampled_from(("", "/x")),
        },
    )
    index = index_of([replace(item, **data.draw(changes)) for item in facts(12)])
    who = profile(did("purchase", data.draw(st.integers(0, 11))), hidden_item_ids=frozenset({"item-003"}))
    exclude = Rule("r", Exclude(ItemFilter(brands=(data.draw(st.sampled_from(("Aster", "Birch"))),))))
    asked = question(index, who, [exclude], region="DE")
    pool = data.draw(st.lists(st.integers(0, 11), unique=True))
    found = scored(list(range(12)), [pool])
    eligible = sift(found, [proposal()], asked)
    dropped = reasons(found, eligible, asked)
    kept = {index.facts[row].item_id for row in np.flatnonzero(eligible.kept()).tolist()}
    assert kept | {each.item_id for each in dropped} == {item.item_id for item in index.facts}
    assert not kept & {each.item_id for each in dropped}
    assert len(dropped) == len({each.item_id for each in dropped})
    in_pool = {index.facts[row].item_id for row in eligible.pools[0].tolist()}
    assert in_pool == kept & {index.facts[row].item_id for row in pool}
    assert all(each.rule_id == "r" for each in dropped if each.reason == "rule")
