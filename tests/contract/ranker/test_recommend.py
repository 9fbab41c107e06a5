"""What RankerService.Recommend promises."""

import asyncio

import grpc
import pytest

from services.kit.status import read_error
from tests.contract.coverage import covers
from tests.contract.ranker.calls import PATIENT_S, asked, profile, visit
from tests.contract.refusals import BAD_SHOP, INVALID, RELEASE_NOT_READY, refused
from vitrine.ranker.v1 import ranker_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOURCES = ("item_cf", "user_cf", "als", "two_tower", "visual", "content", "knowledge_graph", "popular", "new")


@covers("RankerService.Recommend")
async def test_pools_are_answered_in_columns_each_item_once_best_first(house):
    pools = [{"pool_id": source, "source": source, "limit": 20} for source in (*SOURCES, "catalogue")]
    answer = await house.ranker.Recommend(asked(house, *pools))
    size = len(answer.item_ids)
    assert size == len(set(answer.item_ids)) == len(answer.p_click_if_seen) == len(answer.p_purchase_if_seen)
    assert all(0 < p < 1 for p in answer.p_click_if_seen)
    assert all(0 <= b <= c for b, c in zip(answer.p_purchase_if_seen, answer.p_click_if_seen, strict=True))
    assert [pool.pool_id for pool in answer.pools] == [pool["pool_id"] for pool in pools]
    for pool in answer.pools:
        assert 0 < len(pool.indexes) <= 20
        assert len(set(pool.indexes)) == len(pool.indexes) == len(pool.source_scores) == len(pool.evidence_indexes)
        clicks = [answer.p_click_if_seen[index] for index in pool.indexes]
        assert clicks == sorted(clicks, reverse=True)
        assert all(-1 <= place < len(pool.evidence_item_ids) for place in pool.evidence_indexes)
        assert len(pool.evidence_paths) in (0, len(pool.indexes))
    assert {index for pool in answer.pools for index in pool.indexes} == set(range(size))
    assert answer.release_id == house.release_id
    assert answer.model_version > 0
    assert answer.calibrated
    assert answer.item_cursor
    assert not answer.HasField("degraded")


@covers("RankerService.Recommend")
async def test_a_source_that_the_release_does_not_ship_gives_an_empty_pool_and_the_others_theirs(house):
    missing = ("item_cf", "two_tower", "new")
    release_id = house.publish_without("frugal", missing)
    pools = [{"pool_id": source, "source": source, "limit": 20} for source in (*SOURCES, "catalogue")]
    request = asked(house, *pools, shop_id="frugal", visit=visit(house, release_id=release_id))
    async with asyncio.timeout(PATIENT_S):
        while True:  # until the ranker and the model server have loaded it
            try:
                answer = await house.ranker.Recommend(request)
            except grpc.aio.AioRpcError as error:
                assert read_error(error).reason == "RELEASE_NOT_READY"
            else:
                if not answer.HasField("degraded"):
                    break
            await asyncio.sleep(0.1)
    filled = {pool.pool_id: len(pool.indexes) for pool in answer.pools}
    assert list(filled) == [*SOURCES, "catalogue"]
    assert {source for source, count in filled.items() if not count} == {"item_cf", "two_tower"}
    assert answer.release_id == release_id


async def test_the_same_request_has_the_same_answer(house):
    request = asked(house, {"pool_id": "a", "source": "visual"}, {"pool_id": "b", "source": "popular"})
    answers = [await house.ranker.Recommend(request) for _ in range(2)]
    assert answers[0].item_ids == answers[1].item_ids
    assert answers[0].p_click_if_seen == answers[1].p_click_if_seen
    assert answers[0].pools == answers[1].pools


async def test_people_differ(house):
    pools = [{"pool_id": "a", "source": "catalogue", "limit": 30}]
    someone = await house.ranker.Recommend(asked(house, *pools))
    nobody = await house.ranker.Recommend(asked(house, *pools, profile=None, visit=visit(house, user_id="bob")))
    assert dict(zip(someone.item_ids, someone.p_click_if_seen, strict=True)) != dict(
        zip(nobody.item_ids, nobody.p_click_if_seen, strict=True)
    )


async def test_a_score_does_not_depend_on_the_other_pools(house):
    mine = {"pool_id": "a", "source": "visual", "limit": 15}
    alone = await house.ranker.Recommend(asked(house, mine))
    together = await house.ranker.Recommend(asked(house, {"pool_id": "b", "source": "new"}, mine))
    everything = dict(zip(together.item_ids, together.p_click_if_seen, strict=True))
    for item_id, p_click in zip(alone.item_ids, alone.p_click_if_seen, strict=True):
        assert everything[item_id] == pytest.approx(p_click, rel=1e-5)


async def test_a_filter_and_a_limit_hold(house):
    wanted = {"categories": ["Women"], "excluded_item_ids": ["item-000", "item-004"], "maximum_price_minor": 15_000}
    pool = {"pool_id": "a", "source": "catalogue", "filter": wanted, "limit": 7}
    answer = await house.ranker.Recommend(asked(house, pool))
    assert 0 < len(answer.item_ids) <= 7
    assert all(int(item_id[-3:]) % 4 < 2 for item_id in answer.item_ids)
    assert not {"item-000", "item-004"} & set(answer.item_ids)


async def test_given_items_are_answered_without_the_unknown_ones(house):
    pool = {"pool_id": "a", "source": "given", "item_ids": ["item-003", "nobody", "item-001"]}
    answer = await house.ranker.Recommend(asked(house, pool))
    assert sorted(answer.item_ids) == ["item-001", "item-003"]


async def test_items_newer_than_the_release_are_scored_too(house):
    answer = await house.ranker.Recommend(asked(house, {"pool_id": "a", "source": "new", "limit": 3}))
    assert sorted(answer.item_ids) == ["item-061", "item-062", "item-063"]
    assert answer.model_version > 0


async def test_a_small_union_keeps_every_pools_best(house):
    pools = [{"pool_id": source, "source": source, "limit": 20} for source in ("popular", "new", "catalogue")]
    answer = await house.ranker.Recommend(asked(house, *pools, union_limit=6))
    assert len(answer.item_ids) == 6
    assert all(len(pool.indexes) for pool in answer.pools)
    assert max(index for pool in answer.pools for index in pool.indexes) < 6


async def test_seeds_are_the_evidence(house):
    pool = {"pool_id": "a", "source": "visual", "seed_item_ids": ["item-002"]}
    (filled,) = (await house.ranker.Recommend(asked(house, pool))).pools
    assert list(filled.evidence_item_ids) == ["item-002"]
    assert set(filled.evidence_indexes) == {0}


async def test_an_anonymous_visit_is_served_by_what_needs_no_history(house):
    pools = [{"pool_id": "a", "source": "popular"}, {"pool_id": "b", "source": "item_cf"}]
    answer = await house.ranker.Recommend(asked(house, *pools, profile=None))
    assert len(answer.pools[0].indexes) > 0
    assert len(answer.pools[1].indexes) == 0


@covers("RankerService.Recommend", "INVALID_ARGUMENT INVALID_REQUEST")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"shop_id": BAD_SHOP}, "shop_id"),
        ({"pools": []}, "pools"),
        ({"pools": [{"pool_id": "a", "source": "nowhere"}]}, "pools[0].source"),
        ({"pools": [{"pool_id": "a", "source": "new", "limit": 501}]}, "pools[0].limit"),
        ({"pools": [{"pool_id": "a", "source": "given"}]}, "pools[0].item_ids"),
        ({"union_limit": -1}, "union_limit"),
        ({"visit": None}, "visit"),
    ],
)
async def test_a_bad_request_is_refused_by_field(house, changes, field):
    request = asked(house, {"pool_id": "a", "source": "new"}, **changes)
    await refused(house.ranker.Recommend(request), INVALID, field)


async def test_an_embedding_of_another_space_is_refused(house):
    other = profile(house, space_id="another")
    calls = (
        house.ranker.Recommend(asked(house, {"pool_id": "a", "source": "new"}, profile=other)),
        house.ranker.ScoreItems(
            pb.ScoreItemsRequest(shop_id=house.shop_id, visit=visit(house), profile=other, item_ids=["item-001"])
        ),
    )
    for call in calls:
        await refused(call, INVALID, "profile.embedding.space_id")


@covers("RankerService.Recommend", "FAILED_PRECONDITION RELEASE_NOT_READY")
async def test_recommending_by_a_release_that_is_not_loaded_is_refused_and_names_it(house):
    unknown = visit(house, release_id="r20990101000000")
    request = asked(house, {"pool_id": "a", "source": "new"}, visit=unknown)
    remote = await refused(house.ranker.Recommend(request), RELEASE_NOT_READY)
    assert remote.metadata["release_id"] == "r20990101000000"
