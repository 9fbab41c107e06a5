"""What each kind of pool holds, and whether its evidence is true."""

import numpy as np
import pytest

from services.ranker.catalogue_watch import catalogue_item
from services.ranker.fill import fill
from services.ranker.fresh_neighbours import FRESH_SHARE
from services.ranker.pool_filter import PoolFilter, allowed
from services.ranker.pools import NONE, FilledPool, Ground, Pool
from services.ranker.visitor import RecentAction, Visitor
from tests.small_shop import NOW
from tests.unit.ranker.conftest import ALL, CART, CLICK, KNOWN, Shop, fan

SOURCES = ("item_cf", "user_cf", "als", "two_tower", "visual", "content", "knowledge_graph", "popular", "new")
SEEDED = ("item_cf", "als", "visual", "content", "knowledge_graph")
FRESH = [f"item-{number:03}" for number in range(KNOWN, ALL)]


def one(ground: Ground, **fields) -> FilledPool:
    (filled,) = fill([Pool("p", **fields)], ground)
    return filled


@pytest.mark.parametrize("source", [*SOURCES, "catalogue"])
def test_a_pool_holds_each_item_once_best_first_within_its_limit(grown_shop, source):
    filled = one(grown_shop.ground(), source=source, limit=17)
    assert 5 <= len(filled) <= 17
    assert len(set(filled.positions.tolist())) == len(filled)
    assert (np.diff(filled.scores) <= 0).all()
    assert len(filled.stand_in) == len(filled.evidence) == len(filled)
    assert ((filled.stand_in > 0) & (filled.stand_in < 1)).all()


@pytest.mark.parametrize("source", [*SOURCES, "catalogue"])
def test_a_pool_holds_only_what_its_filter_lets_through(grown_shop, source):
    wanted = PoolFilter(categories=("Women",), excluded_item_ids=("item-008", "item-012", "item-060"))
    filled = one(grown_shop.ground(), source=source, filter=wanted)
    assert len(filled)
    assert allowed(grown_shop.catalogue, wanted, NOW.timestamp())[filled.positions].all()


@pytest.mark.parametrize("source", [*SOURCES, "catalogue"])
def test_deleted_items_are_in_no_pool(grown_shop, source):
    before = grown_shop.ids(one(grown_shop.ground(), source=source))
    grown_shop.catalogue.delete(before[:3])
    after = grown_shop.ids(one(grown_shop.ground(), source=source))
    assert after
    assert not set(before[:3]) & set(after)


def test_what_everybody_is_shown_is_found_once_and_anew_when_the_catalogue_changes(grown_shop):
    first, other = fill([Pool("a", "catalogue", limit=9), Pool("b", "catalogue", limit=9)], grown_shop.ground())
    again = one(grown_shop.ground(fan("item-002")), source="catalogue", limit=9)
    assert [pool.pool_id for pool in (first, other, again)] == ["a", "b", "p"]
    assert first.positions is other.positions is again.positions
    assert one(grown_shop.ground(), source="catalogue", limit=4).positions.tolist() == first.positions[:4].tolist()
    assert len(one(grown_shop.ground(), source="catalogue", limit=9, filter=PoolFilter(brands=("Aster",)))) <= 9
    gone = grown_shop.with_item_id(grown_shop.ids(first)[0])
    grown_shop.catalogue.delete([gone.item_id])
    assert gone.item_id not in grown_shop.ids(one(grown_shop.ground(), source="catalogue", limit=9))
    grown_shop.catalogue.put([catalogue_item(gone.facts())])
    assert grown_shop.ids(one(grown_shop.ground(), source="catalogue", limit=9)) == grown_shop.ids(first)


@pytest.mark.parametrize("source", ["item_cf", "user_cf", "als", "two_tower", "visual", "content", "knowledge_graph"])
def test_what_a_pool_starts_from_is_not_in_it(grown_shop, source):
    seeds = ("item-000", "item-004", "item-061")
    assert not set(seeds) & set(grown_shop.ids(one(grown_shop.ground(), source=source, seed_item_ids=seeds)))


@pytest.mark.parametrize("source", SEEDED)
def test_without_seeds_the_visitors_history_is_what_speaks(grown_shop, source):
    filled = one(grown_shop.ground(fan("item-002", "item-006")), source=source)
    assert sorted(filled.seeds) == ["item-002", "item-006"]
    assert not {"item-002", "item-006"} & set(grown_shop.ids(filled))


@pytest.mark.parametrize("source", SEEDED)
def test_every_candidate_names_a_seed_that_was_used(grown_shop, source):
    filled = one(grown_shop.ground(), source=source, seed_item_ids=("item-001", "item-005", "item-010"))
    assert set(filled.seeds) <= {"item-001", "item-005", "item-010"}
    assert filled.evidence.max() < len(filled.seeds)
    if source == "knowledge_graph":  # a walk over two nodes may end at an item that shares nothing with any seed
        assert (filled.evidence[:10] >= 0).all()
    else:
        assert filled.evidence.min() >= 0


def test_item_cf_evidence_is_a_seed_that_has_the_candidate_among_its_neighbours(shop, bare_release):
    neighbours = bare_release.load_arrays("sources/item_cf.npz")["neighbours"]
    filled = one(shop.ground(), source="item_cf", seed_item_ids=("item-001", "item-005", "item-010"))
    for item_id, place in zip(shop.ids(filled), filled.evidence.tolist(), strict=True):
        seed = shop.with_item_id(filled.seeds[place]).number
        assert shop.with_item_id(item_id).number in neighbours[seed]


def test_visual_evidence_is_the_seed_that_looks_most_alike(grown_shop):
    filled = one(grown_shop.ground(), source="visual", seed_item_ids=("item-001", "item-004", "item-006"))
    seeds = grown_shop.release.vectors(filled.seeds)[:, :64]
    for item_id, place in zip(grown_shop.ids(filled), filled.evidence.tolist(), strict=True):
        cosines = seeds @ grown_shop.release.vectors([item_id])[0, :64]
        assert cosines[place] == pytest.approx(cosines.max())


def test_knowledge_graph_paths_end_at_a_node_of_the_item(shop):
    filled = one(shop.ground(), source="knowledge_graph", seed_item_ids=("item-001",))
    assert len(filled.paths) == len(filled)
    for item_id, path in zip(shop.ids(filled), filled.paths, strict=True):
        kind, _, value = path.split(" > ")[-1].partition(":")
        row = shop.with_item_id(item_id).number
        columns = {"brand": "brands", "category": "categories", "colour": "colours", "price_band": "price_bands"}
        assert getattr(shop.release.vocabulary, columns[kind])[row] == value


@pytest.mark.parametrize("source", ["popular", "new", "catalogue", "two_tower", "user_cf"])
def test_a_pool_whose_candidates_no_seed_speaks_for_says_so(shop, source):
    assert (one(shop.ground(), source=source).evidence == NONE).all()


@pytest.mark.parametrize("source", ["item_cf", "user_cf", "als", "two_tower", "visual", "content", "knowledge_graph"])
def test_a_visitor_without_history_fills_no_pool_that_needs_one(grown_shop, source):
    assert len(one(grown_shop.ground(Visitor()), source=source)) == 0


@pytest.mark.parametrize("source", ["popular", "new", "catalogue"])
def test_anybody_fills_the_other_pools(grown_shop, source):
    assert len(one(grown_shop.ground(Visitor()), source=source)) >= 20


def test_given_items_keep_their_order_without_the_unknown_and_the_repeated(shop):
    given = ("item-009", "nobody", "item-001", "item-009", "item-020")
    assert shop.ids(one(shop.ground(), source="given", item_ids=given)) == ["item-009", "item-001", "item-020"]
    few = one(shop.ground(), source="given", item_ids=given, limit=2)
    assert shop.ids(few) == ["item-009", "item-001"]


def test_the_catalogue_pool_is_by_words_first_and_then_by_popularity(shop):
    filled = one(shop.ground(), source="catalogue", filter=PoolFilter(query="green dress"))
    shares = shop.catalogue.words.match("green dress")[filled.positions]
    assert len(filled)
    assert (np.diff(shares) <= 0).all()
    assert shares[0] == 1.0
    popularity = shop.release.row_popularity[[shop.with_item_id(each).number for each in shop.ids(filled)], 1]
    for share in set(shares.tolist()):
        assert (np.diff(popularity[shares == share]) <= 0).all()


def test_a_source_that_the_release_does_not_ship_gives_an_empty_pool(shop):
    del shop.release.sources["als"]
    assert len(one(shop.ground(), source="als")) == 0


# Items newer than the release


def test_the_newest_items_come_first_whether_the_release_knows_them_or_not(grown_shop):
    ids = grown_shop.ids(one(grown_shop.ground(), source="new", limit=10))
    assert ids == [f"item-{number:03}" for number in range(ALL - 1, ALL - 11, -1)]


@pytest.mark.parametrize("source", ["visual", "content"])
def test_fresh_items_join_neighbours_in_the_place_their_likeness_gives_them(grown_shop, source):
    filled = one(grown_shop.ground(), source=source, seed_item_ids=("item-000",), limit=40)
    fresh = [item_id for item_id in grown_shop.ids(filled) if item_id in FRESH]
    alike = [each for each in FRESH if grown_shop.with_item_id(each).category == "Women/Dresses"]
    assert set(alike) <= set(fresh)
    assert grown_shop.ids(filled).index(alike[0]) < 20


def test_fresh_items_take_at_most_a_share_of_a_pool_of_neighbours(grown_shop):
    filled = one(grown_shop.ground(), source="visual", seed_item_ids=("item-000",), limit=8)
    fresh = [item_id for item_id in grown_shop.ids(filled) if item_id in FRESH]
    assert 1 <= len(fresh) <= 8 * FRESH_SHARE


@pytest.mark.parametrize("source", ["visual", "content"])
def test_a_pool_may_start_from_a_fresh_item(grown_shop, source):
    filled = one(grown_shop.ground(Visitor()), source=source, seed_item_ids=("item-060",), limit=12)
    categories = {grown_shop.with_item_id(item_id).category for item_id in grown_shop.ids(filled)[:8]}
    assert categories == {grown_shop.with_item_id("item-060").category}
    assert filled.seeds == ["item-060"]
    assert (filled.evidence == 0).all()


@pytest.mark.parametrize("source", ["visual", "content"])
def test_a_history_of_fresh_items_alone_is_enough(grown_shop, source):
    filled = one(grown_shop.ground(fan("item-061")), source=source)
    assert len(filled)
    assert "item-061" not in grown_shop.ids(filled)
    assert filled.seeds == ["item-061"]


@pytest.mark.parametrize("source", ["item_cf", "als", "two_tower", "knowledge_graph", "user_cf"])
def test_a_source_that_cannot_see_the_seed_does_not_pretend_with_the_history(grown_shop, source):
    assert len(one(grown_shop.ground(), source=source, seed_item_ids=("item-060",))) == 0


def test_a_fresh_item_without_vectors_joins_no_neighbours(shop, grown_shop):
    shop.catalogue.put([item_of(grown_shop, "item-063")])
    assert "item-063" not in shop.ids(one(shop.ground(), source="visual", seed_item_ids=("item-003",)))
    assert shop.ids(one(shop.ground(), source="new", limit=1)) == ["item-063"]


def item_of(shop: Shop, item_id: str):
    from services.ranker.catalogue_watch import catalogue_item

    return catalogue_item(shop.with_item_id(item_id).facts())


def test_strong_and_recent_actions_weigh_more_among_neighbours(grown_shop):
    bought = RecentAction("item-060", CART, 0.0)
    old = RecentAction("item-061", CLICK, 60.0)
    ids = grown_shop.ids(one(grown_shop.ground(Visitor(recent_actions=(old, bought))), source="visual", limit=5))
    assert {grown_shop.with_item_id(each).category for each in ids} == {grown_shop.with_item_id("item-060").category}


# Before item_vision has been read


def test_the_vocabulary_stands_in_until_the_catalogue_is_complete(grown_shop):
    grown_shop.catalogue.complete = False
    ground = grown_shop.ground()
    assert not ground.items.live
    for source in SOURCES:
        positions = one(ground, source=source, limit=10).positions
        ids = [ground.items.catalogue.item_ids[position] for position in positions.tolist()]
        assert ids
        assert not set(ids) & set(FRESH)


def test_the_remembered_items_are_as_old_as_training_knew(shop):
    remembered = shop.release.remembered.catalogue.created_s
    np.testing.assert_allclose(remembered, [item.created_at.timestamp() for item in shop.items], atol=60.0)
