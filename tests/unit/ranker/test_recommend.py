"""From pools to scored columns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import DependencyDown
from services.ranker.model.signature import Tensors, check_tensors
from services.ranker.model_client import Prediction
from services.ranker.pool_filter import PoolFilter
from services.ranker.pools import FilledPool, Pool
from services.ranker.recommend import gather, gather_given, order_pools, score, unite
from tests.unit.ranker.conftest import fan

EVERY_KIND = [
    *(Pool(source, source, limit=25) for source in ("item_cf", "user_cf", "als", "two_tower", "visual", "content")),
    *(Pool(source, source, limit=25) for source in ("knowledge_graph", "popular", "new", "catalogue")),
    Pool("given", "given", item_ids=("item-003", "item-064")),
]


async def by_first_feature(tensors: Tensors) -> Prediction:
    """A model whose score of a candidate depends on that candidate alone."""
    check_tensors(tensors)
    logits = tensors["candidate_features"] @ np.linspace(-0.4, 0.5, 12, dtype=np.float32)
    new = tensors["new_items"].sum(axis=1) if len(tensors["new_items"]) else np.zeros(1, np.float32)
    rows = tensors["candidate_rows"]
    logits = logits + np.where(rows < 60, np.sin(rows), new[np.maximum(rows - 60, 0)])
    click = (1.0 / (1.0 + np.exp(-logits))).astype(np.float32)
    return Prediction(click, click * 0.1, 7)


async def unreachable(tensors: Tensors) -> Prediction:
    raise DependencyDown("model_server", cause="timeout")


def pool(*positions: int, stand_in: float = 0.1) -> FilledPool:
    size = len(positions)
    return FilledPool(
        "p",
        np.array(positions, np.int64),
        np.linspace(1.0, 0.5, size, dtype=np.float32),
        np.full(size, stand_in, np.float32),
        np.full(size, -1, np.int32),
    )


def test_a_union_takes_from_each_pool_in_turn():
    assert unite([pool(1, 2, 3), pool(9, 2, 8, 7)], 100).tolist() == [1, 9, 2, 3, 8, 7]
    assert unite([pool(1, 2, 3), pool(9, 2, 8, 7)], 4).tolist() == [1, 9, 2, 3]
    assert unite([], 10).tolist() == unite([pool()], 10).tolist() == []


@given(st.lists(st.lists(st.integers(0, 30), unique=True, max_size=20), max_size=6), st.integers(1, 40))
def test_a_union_holds_each_item_once_and_the_best_of_every_pool(pools, limit):
    united = unite([pool(*positions) for positions in pools], limit).tolist()
    everything = {position for positions in pools for position in positions}
    assert len(united) == len(set(united)) == min(limit, len(everything))
    assert set(united) <= everything
    if limit >= len(pools):
        assert {positions[0] for positions in pools if positions} <= set(united)


async def test_columns_name_each_item_once_and_pools_are_ordered_by_probability(grown_shop):
    gathered = gather(EVERY_KIND, 1_000, grown_shop.ground())
    scored = await score(gathered, by_first_feature)
    assert len(set(gathered.item_ids)) == len(gathered.item_ids) == len(scored.click)
    assert "item-064" in gathered.item_ids
    ordered = order_pools(gathered, scored.click)
    assert [each.filled.pool_id for each in ordered] == [each.pool_id for each in EVERY_KIND]
    for each in ordered:
        assert len(each.columns)
        assert (np.diff(scored.click[each.columns]) <= 0).all()
        named = [gathered.item_ids[column] for column in each.columns.tolist()]
        filled = grown_shop.ids(each.filled)
        assert named == [filled[place] for place in each.order.tolist()]
        assert sorted(named) == sorted(filled)


async def test_a_search_puts_whole_matches_before_probable_clicks(grown_shop):
    searched = Pool("searched", "catalogue", filter=PoolFilter(query="aster dress"))
    gathered = gather([searched], 1_000, grown_shop.ground())
    (ordered,) = order_pools(gathered, (await score(gathered, by_first_feature)).click)
    words = ordered.filled.words[ordered.order]
    click = (await score(gathered, by_first_feature)).click[ordered.columns]
    assert (np.diff(words) <= 0).all()
    assert len(set(words.tolist())) > 1
    for share in set(words.tolist()):
        assert (np.diff(click[words == share]) <= 0).all()


async def test_a_score_does_not_depend_on_the_pools_it_came_with(grown_shop):
    ground = grown_shop.ground()
    together = gather(EVERY_KIND, 1_000, ground)
    everything = dict(zip(together.item_ids, (await score(together, by_first_feature)).click.tolist(), strict=True))
    for each in EVERY_KIND:
        alone = gather([each], 1_000, ground)
        clicks = (await score(alone, by_first_feature)).click.tolist()
        assert dict(zip(alone.item_ids, clicks, strict=True)) == {name: everything[name] for name in alone.item_ids}


async def test_a_small_union_keeps_every_pools_best(grown_shop):
    gathered = gather(EVERY_KIND, 14, grown_shop.ground())
    assert len(gathered.item_ids) == 14
    ordered = order_pools(gathered, (await score(gathered, by_first_feature)).click)
    for each in ordered:
        best = grown_shop.ids(each.filled)[0]
        assert best in gathered.item_ids
        assert set(each.columns.tolist()) <= set(range(14))
        assert len(each.order) == len(each.columns) >= 1


async def test_source_scores_stand_in_for_the_model(grown_shop):
    gathered = gather(EVERY_KIND, 1_000, grown_shop.ground())
    scored = await score(gathered, unreachable)
    assert scored.model_version == 0
    assert scored.missing is not None
    assert scored.missing.cause == "timeout"
    np.testing.assert_array_equal(scored.click, gathered.stand_in)
    np.testing.assert_allclose(scored.purchase, scored.click * np.float32(0.1))
    assert ((scored.click > 0) & (scored.click < 1)).all()


async def test_the_stand_in_is_the_most_that_any_source_says(grown_shop):
    gathered = gather(EVERY_KIND, 1_000, grown_shop.ground())
    for filled, columns in zip(gathered.pools, gathered.columns, strict=True):
        assert (gathered.stand_in[columns] >= filled.stand_in).all()


async def test_no_candidates_need_no_model(grown_shop):
    gathered = gather([Pool("p", "given", item_ids=("nobody",))], 1_000, grown_shop.ground())
    scored = await score(gathered, unreachable)
    assert (len(scored.click), scored.missing, gathered.item_ids) == (0, None, [])


def test_what_the_model_sees_of_a_known_and_of_a_fresh_item(grown_shop):
    positions = grown_shop.catalogue.positions(["item-001", "item-063", "item-002", "item-061"])
    tensors = gather_given(positions, grown_shop.ground()).tensors
    check_tensors(tensors)
    assert tensors["candidate_rows"].tolist() == [1, 60, 2, 61]
    np.testing.assert_array_equal(tensors["new_items"], grown_shop.release.fresh.content(["item-063", "item-061"]))
    assert np.abs(tensors["new_items"]).sum(axis=1).min() > 1.0
    assert tensors["history_rows"][0, -2:].tolist() == [0, 4]


def test_the_live_price_is_what_the_model_sees(shop):
    positions = shop.catalogue.positions(["item-001"])
    before = gather_given(positions, shop.ground()).tensors["candidate_features"]
    shop.catalogue._numbers["price_minor"][positions] //= 2
    after = gather_given(positions, shop.ground()).tensors["candidate_features"]
    assert after[0, 0] < before[0, 0]


def test_the_answer_names_the_state_of_the_catalogue_it_used(shop):
    shop.catalogue.cursor = "41"
    gathered = gather(EVERY_KIND, 100, shop.ground(fan()))
    shop.catalogue.cursor = "42"
    assert (gathered.item_cursor, gathered.live) == ("41", True)


@pytest.mark.parametrize("count", [1, 300])
def test_pools_of_any_number_are_filled(grown_shop, count):
    pools = [Pool(f"p{number}", "popular", limit=10) for number in range(count)]
    gathered = gather(pools, 1_000, grown_shop.ground())
    assert len(gathered.pools) == count
    assert len(gathered.item_ids) == 10
