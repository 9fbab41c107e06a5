import numpy as np

from services.page_composer.candidates import ScoredPools, located
from services.page_composer.fallback import read_fallback
from services.page_composer.pools import Pool
from services.page_composer.proposal import Evidence, Proposal
from services.page_composer.stand_ins import (
    SEGMENTS_AT_MOST,
    Segment,
    SegmentCache,
    SegmentPools,
    pools_without_ranker,
    segment_of,
)
from services.page_composer.visit import Device
from tests.fakes.page_release import fallback
from tests.small_shop import small_items
from tests.unit.page_composer.shop import NOW_S, small_index, visit


def proposal(section_id: str, **pool) -> Proposal:
    return Proposal(section_id, section_id.partition(":")[0], Evidence("popularity"), Pool(**pool))


def items(scored: ScoredPools, pool_id: str) -> list[str]:
    return [scored.item_ids[position] for position in scored.pools[pool_id][0].tolist()]


def cached(**pools: list[str]) -> SegmentPools:
    union = sorted({item_id for listed in pools.values() for item_id in listed})
    places = {item_id: place for place, item_id in enumerate(union)}
    answer = ScoredPools(
        tuple(union),
        np.linspace(0.5, 0.1, len(union)),
        np.full(len(union), 0.01),
        {f"{name}:1": (np.asarray([places[each] for each in listed]), ()) for name, listed in pools.items()},
    )
    return SegmentPools({f"{name}:1": Pool(name) for name in pools}, answer)


def test_cached_pools_stand_in_where_the_same_was_asked():
    found = pools_without_ranker(
        [proposal("popular:1", source="popular"), proposal("new:1", source="new", brands=("Aster",))],
        cached(popular=["item-005", "item-003"], new=["item-001"]),
        small_index(),
        {},
        NOW_S,
    )
    assert items(found, "popular:1") == ["item-005", "item-003"]
    assert {small_index().get(each).brand for each in items(found, "new:1")} == {"Aster"}


def test_what_speaks_of_a_person_or_of_likeness_stays_empty_without_the_ranker():
    asked = [proposal(f"{name}:1", source=name) for name in ("item_cf", "visual", "two_tower", "user_cf")]
    asked.append(proposal("searched:1", source="catalogue", query="dress"))
    found = pools_without_ranker(asked, None, small_index(), {}, NOW_S)
    assert found.pools == {}
    assert [len(pool.positions) for pool in located(found, ["item_cf:1"], small_index()).pools] == [0]


def test_given_items_and_filters_are_filled_from_the_index():
    index = small_index(item_002={"stock": 0})
    asked = [
        proposal("continue:1", source="given", given=("item-009", "item-999", "item-001")),
        proposal("deals:1", source="catalogue", reduced_only=True, limit=5),
        proposal("popular:1", source="catalogue"),
    ]
    found = pools_without_ranker(asked, None, index, {"item-030": 0.9, "item-031": 0.8}, NOW_S)
    assert items(found, "continue:1") == ["item-009", "item-001"]
    assert len(items(found, "deals:1")) == 5
    assert all(index.get(each).list_price_minor for each in items(found, "deals:1"))
    assert items(found, "popular:1")[:2] == ["item-030", "item-031"]
    assert "item-002" not in items(found, "popular:1")
    assert found.p_click.max() == 0.9


def test_the_cache_falls_back_from_country_to_device_to_anything():
    cache = SegmentCache()
    phone, german = Segment(Device.PHONE), Segment(Device.PHONE, "DE")
    assert cache.get(german) is None
    first, second, third = (cached(popular=[f"item-{number:03}"]) for number in range(3))
    cache.put(Segment(Device.DESKTOP), first)
    assert cache.get(german) is first
    cache.put(phone, second)
    assert cache.get(german) is second
    cache.put(german, third)
    assert cache.get(german) is third
    assert segment_of(visit(region="DE-BE", device=Device.PHONE)) == german


def test_the_cache_keeps_the_segments_seen_last():
    cache = SegmentCache()
    for number in range(SEGMENTS_AT_MOST + 10):
        cache.want(Segment(Device.PHONE, f"{number:02}"))
    wanted = cache.wanted()
    assert len(wanted) == SEGMENTS_AT_MOST
    assert wanted[-1].country == f"{SEGMENTS_AT_MOST + 9:02}"


def test_the_releases_fallback_is_an_index_by_country():
    read = read_fallback(fallback(small_items(20)))
    assert len(read.index("")) == 20
    assert len(read.index("DE")) == 10
    assert len(read.index("FR")) == 20
    facts = read.index("DE").get("item-004")
    assert facts.titles["zh"]
    assert facts.link == "/items/item-004"
    assert read.p_click["item-000"] == 0.2


def test_items_that_this_composer_does_not_know_are_left_out_and_named():
    answer = ScoredPools(
        ("item-001", "stranger", "item-002"),
        np.array([0.1, 0.9, np.nan]),
        np.full(3, 0.01),
        {"a": (np.array([2, 1, 0]), ("x", "y", "z"))},
    )
    found = located(answer, ["a", "b"], small_index())
    assert found.unknown_item_ids == ("stranger",)
    assert found.pools[0].positions.tolist() == [1, 0]
    assert found.pools[0].speakers == ("x", "z")
    assert found.candidates.p_click.tolist() == [0.1, 0.0]
    assert len(found.pools[1].positions) == 0
