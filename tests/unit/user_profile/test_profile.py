"""Profiles are made of events alone, and of the same events whatever way they come."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.kit.array_files import write_arrays
from services.kit.texts import pack_texts
from services.user_profile.actions import IMPRESSION, SEEN, UNDOES, Action
from services.user_profile.facets import COLUMN_OF_FACET, VARIANTS, Facets
from services.user_profile.history import History
from services.user_profile.profile import (
    DAY_US,
    ProfileEvent,
    ProfileLimits,
    build_profile,
    in_time_order,
    interaction_vector,
    kept_beyond_window,
)
from tests.fakes.user_profile_release import COLUMNS, ITEM_IDS, small_encoder

NOW_US = 1_780_000_000_000_000
FACETS = Facets.of(ITEM_IDS, COLUMNS)
ENCODER = small_encoder()
TIGHT = ProfileLimits(window=6, recent_actions=4, seen_items=3, hidden_items=2, exposures=2, searches=1)


def event(action: Action, item: int | str = 0, age_us: int = 1_000_000, query: str = "") -> ProfileEvent:
    item_id = item if isinstance(item, str) else ITEM_IDS[item]
    return ProfileEvent(NOW_US - age_us, int(action), "" if action == Action.SEARCH else item_id, query)


@st.composite
def events(draw, most: int = 40) -> list[ProfileEvent]:
    ages = st.one_of(st.integers(1, 20), st.integers(1, 10 * DAY_US))
    items = st.one_of(st.integers(0, 4), st.just("unknown-item"))
    drawn = draw(st.lists(st.tuples(st.sampled_from(Action), items, ages), max_size=most))
    return [event(action, item, age, "dress") for action, item, age in drawn]


def same(one, other) -> bool:
    embeddings = [np.zeros(0) if each.embedding is None else each.embedding for each in (one, other)]
    plain = [{name: getattr(each, name) for name in vars(each) if name != "embedding"} for each in (one, other)]
    return plain[0] == plain[1] and np.array_equal(*embeddings)


def test_weights_age_and_strength_decide_affinities():
    got = build_profile([event(Action.PURCHASE, 0, 30 * DAY_US), event(Action.VIEW, 1, 0 + 1)], NOW_US, FACETS, ENCODER)
    brands = {each.value: each.weight for each in got.affinities if each.facet == "brand"}
    # A purchase weighs 5 and has halved in 30 days; the view weighs 1 and is new.
    assert brands == pytest.approx({"brand-0": 2.5 / 3.5, "brand-1": 1 / 3.5}, rel=1e-6)
    assert [each.facet for each in got.affinities] == ["brand"] * 2 + ["category"] + ["colour"] * 2 + ["price_band"] * 2


def test_an_event_that_names_a_variant_counts_for_its_item():
    facets = replace(FACETS, item_of_variant={"variant": ITEM_IDS[1]})
    deeds = [event(Action.CART, "variant", 3), event(Action.VIEW, "variant", 2), event(Action.HIDE, "other", 1)]
    of_items = [event(Action.CART, 1, 3), event(Action.VIEW, 1, 2), event(Action.HIDE, "other", 1)]
    assert same(
        build_profile(deeds, NOW_US, facets, ENCODER, impression_counts={}),
        build_profile(of_items, NOW_US, FACETS, ENCODER, impression_counts={}),
    )


def test_the_variants_of_a_release_are_read_and_need_not_be_there(tmp_path):
    columns = {"item_ids": ["a"], **{column: ["x"] for column in COLUMN_OF_FACET.values()}}
    write_arrays(
        tmp_path / "vocabulary.npz",
        {key: array for name in columns for key, array in pack_texts(name, columns[name]).items()},
    )
    assert Facets.load(tmp_path).item_of_variant == {}
    write_arrays(tmp_path / VARIANTS, pack_texts("variant_ids", ["a-s", "a-m"]) | pack_texts("item_ids", ["a", "a"]))
    assert Facets.load(tmp_path).item_of_variant == {"a-s": "a", "a-m": "a"}


def test_facets_without_a_value_and_items_unknown_to_the_release_leave_room_in_the_shares():
    got = build_profile([event(Action.VIEW, 2), event(Action.VIEW, "unknown-item")], NOW_US, FACETS, ENCODER)
    assert {each.facet: each.weight for each in got.affinities} == pytest.approx(
        {"brand": 0.5, "category": 0.5, "price_band": 0.5}
    )


def test_without_a_release_there_is_a_profile_without_taste():
    got = build_profile([event(Action.VIEW)], NOW_US)
    assert (got.embedding, got.affinities, got.seen_item_ids) == (None, [], ["item-0"])


def test_one_view_of_a_known_item_is_enough_for_an_embedding_and_a_hide_is_not():
    assert build_profile([event(Action.VIEW)], NOW_US, FACETS, ENCODER).embedding.shape == (64,)
    assert build_profile([event(Action.HIDE)], NOW_US, FACETS, ENCODER).embedding is None
    assert build_profile([event(Action.VIEW, "unknown-item")], NOW_US, FACETS, ENCODER).embedding is None


def test_events_at_or_after_now_do_not_count():
    got = build_profile([event(Action.VIEW, 0, 0), event(Action.VIEW, 1, -5)], NOW_US, FACETS, ENCODER)
    assert (got.event_count, got.seen_item_ids) == (0, [])


def test_impressions_count_for_seven_days():
    shown = [event(Action.IMPRESSION, 1, 7 * DAY_US), event(Action.IMPRESSION, 1, 7 * DAY_US + 1)]
    got = build_profile([*shown, event(Action.IMPRESSION, 2)], NOW_US)
    assert got.exposures == [("item-1", 1), ("item-2", 1)]


def test_a_purchase_empties_the_cart_and_a_return_does_not_fill_it_again():
    deeds = [event(Action.CART, 1, 30), event(Action.PURCHASE, 1, 20), event(Action.RETURN, 1, 10)]
    got = build_profile(deeds, NOW_US)
    assert got.cart_item_ids == []
    assert [each.action for each in got.recent_actions] == [Action.CART]


def test_undoing_takes_back_every_earlier_one_but_none_that_follows():
    deeds = [
        event(Action.LIKE, 1, 40),
        event(Action.LIKE, 1, 30),
        event(Action.UNLIKE, 1, 20),
        event(Action.LIKE, 1, 10),
    ]
    assert [each.occurred_us for each in build_profile(deeds, NOW_US).recent_actions] == [NOW_US - 10]


@given(events(), st.randoms(use_true_random=False))
def test_the_order_in_which_events_come_does_not_matter(deeds, random):
    shuffled = deeds.copy()
    random.shuffle(shuffled)
    assert same(
        build_profile(deeds, NOW_US, FACETS, ENCODER, TIGHT), build_profile(shuffled, NOW_US, FACETS, ENCODER, TIGHT)
    )


@given(events(), st.integers(0, 11 * DAY_US))
def test_a_history_rebuilds_the_profile_of_any_earlier_time_bit_for_bit(deeds, age_us):
    at_us = NOW_US - age_us
    direct = build_profile(deeds, at_us, FACETS, ENCODER, TIGHT)
    assert same(History(deeds).profile(at_us, FACETS, ENCODER, TIGHT), direct)


@given(events())
def test_what_the_store_keeps_gives_the_same_profile_as_everything(deeds):
    ordered = in_time_order(deeds)
    kept = [ordered[position] for position in kept_beyond_window(ordered, TIGHT.window)]
    shown = Counter(
        each.item_id for each in deeds if each.action == IMPRESSION and each.occurred_us >= NOW_US - 7 * DAY_US
    )
    hot = build_profile(kept, NOW_US, FACETS, ENCODER, TIGHT, impression_counts=shown)
    assert same(hot, build_profile(deeds, NOW_US, FACETS, ENCODER, TIGHT))


@given(events())
def test_a_profile_keeps_its_own_rules(deeds):
    got = build_profile(deeds, NOW_US, FACETS, ENCODER, TIGHT)
    times = [each.occurred_us for each in got.recent_actions]
    assert times == sorted(times, reverse=True)
    assert all(
        each.action not in UNDOES and each.action not in (IMPRESSION, Action.SEARCH) for each in got.recent_actions
    )
    assert len(set(got.seen_item_ids)) == len(got.seen_item_ids) <= TIGHT.seen_items
    assert len(got.hidden_item_ids) <= TIGHT.hidden_items
    for facet in ("brand", "category", "colour", "price_band"):
        weights = [each.weight for each in got.affinities if each.facet == facet]
        assert weights == sorted(weights, reverse=True)
        assert sum(weights) <= 1 + 1e-9


@given(events())
@settings(max_examples=50)
def test_training_reads_what_serving_encodes(deeds):
    vector = interaction_vector(deeds, NOW_US, FACETS, ENCODER.weighting, TIGHT)
    served = build_profile(deeds, NOW_US, FACETS, ENCODER, TIGHT).embedding
    assert (served is None) == (len(vector) == 0)
    if served is not None:
        assert np.array_equal(ENCODER.encode(vector), served)
    assert np.array_equal(History(deeds).interactions(NOW_US, FACETS, ENCODER.weighting, TIGHT).rows, vector.rows)


def test_seen_is_what_the_contract_calls_a_click_a_view_or_more():
    assert Action.IMPRESSION not in SEEN and Action.HIDE not in SEEN and Action.UNCART not in SEEN
    assert {Action.CLICK, Action.VIEW, Action.PURCHASE, Action.SHARE} <= SEEN
