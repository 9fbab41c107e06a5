"""What ranker.proto promises, shown on the real servicer with a real model server and on the fake that others test
against.
"""

import asyncio
import math
from collections.abc import AsyncIterator

import grpc
import numpy as np
import pytest
import pytest_asyncio

from services.kit.status import RemoteError, read_error
from tests.contract.coverage import covers
from tests.contract.ranker_houses import House, fake_house, real_house
from tests.small_shop import NOW
from vitrine.common.v1 import common_pb2
from vitrine.ranker.v1 import ranker_pb2 as pb
from vitrine.user_profile.v1.user_profile_pb2 import Profile

pytestmark = pytest.mark.asyncio(loop_scope="module")

INVALID = (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
NOT_READY = (grpc.StatusCode.FAILED_PRECONDITION, "RELEASE_NOT_READY")
SOURCES = ("item_cf", "user_cf", "als", "two_tower", "visual", "content", "knowledge_graph", "popular", "new")
PATIENT_S = 60.0


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["real", "fake"])
async def house(request, tmp_path_factory) -> AsyncIterator[House]:
    if request.param == "fake":
        async with fake_house() as made:
            yield made
    else:
        folder = tmp_path_factory.mktemp("ranker")
        async with real_house(request.getfixturevalue("small_release"), folder) as made:
            yield made


def visit(house: House, **fields) -> common_pb2.VisitContext:
    return common_pb2.VisitContext(**({"user_id": "ada", "region": "DE", "release_id": house.release_id} | fields))


def profile(house: House, space_id: str = "") -> Profile:
    known = Profile(
        recent_actions=[{"action": common_pb2.ACTION_CLICK, "item_id": f"item-{n:03}"} for n in (0, 4, 8)],
        affinities=[{"facet": "brand", "value": "Aster", "weight": 0.5}],
        exposures=[{"item_id": "item-001", "impression_count": 2}],
    )
    known.embedding.space_id = space_id or house.user_space
    known.embedding.values.extend(np.linspace(-1, 1, 64))
    for action in known.recent_actions:
        action.occurred_at.FromDatetime(NOW)
    return known


def asked(house: House, *pools: dict, **fields) -> pb.RecommendRequest:
    request = pb.RecommendRequest(
        **({"shop_id": house.shop_id, "visit": visit(house), "profile": profile(house), "pools": pools} | fields)
    )
    request.at.FromDatetime(NOW)
    return request


async def refused(call) -> RemoteError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return read_error(caught.value)


def log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


# RankerService.Recommend


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
        ({"shop_id": "No Shop!"}, "shop_id"),
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
    remote = await refused(house.ranker.Recommend(request))
    assert (remote.code, remote.reason) == INVALID
    assert [violation.field for violation in remote.violations] == [field]


async def test_an_embedding_of_another_space_is_refused(house):
    other = profile(house, space_id="another")
    calls = (
        house.ranker.Recommend(asked(house, {"pool_id": "a", "source": "new"}, profile=other)),
        house.ranker.ScoreItems(
            pb.ScoreItemsRequest(shop_id=house.shop_id, visit=visit(house), profile=other, item_ids=["item-001"])
        ),
    )
    for call in calls:
        remote = await refused(call)
        assert (remote.code, remote.reason) == INVALID
        assert [violation.field for violation in remote.violations] == ["profile.embedding.space_id"]


@covers("RankerService.Recommend", "FAILED_PRECONDITION RELEASE_NOT_READY")
async def test_recommending_by_a_release_that_is_not_loaded_is_refused_and_names_it(house):
    unknown = visit(house, release_id="r20990101000000")
    remote = await refused(house.ranker.Recommend(asked(house, {"pool_id": "a", "source": "new"}, visit=unknown)))
    assert (remote.code, remote.reason) == NOT_READY
    assert remote.metadata["release_id"] == "r20990101000000"


# RankerService.ScoreItems


def to_score(house: House, *item_ids: str, **fields) -> pb.ScoreItemsRequest:
    whole = {"shop_id": house.shop_id, "visit": visit(house), "profile": profile(house), "item_ids": item_ids}
    request = pb.ScoreItemsRequest(**(whole | fields))
    request.at.FromDatetime(NOW)
    return request


@covers("RankerService.ScoreItems")
async def test_given_items_are_scored_in_the_order_asked(house):
    answer = await house.ranker.ScoreItems(to_score(house, "item-009", "nobody", "item-002", "item-062"))
    assert list(answer.item_ids) == ["item-009", "item-002", "item-062"]
    assert list(answer.missing_item_ids) == ["nobody"]
    assert all(0 < b <= c < 1 for b, c in zip(answer.p_purchase_if_seen, answer.p_click_if_seen, strict=True))
    assert len(answer.p_click_if_seen) == 3
    assert (answer.release_id, answer.calibrated) == (house.release_id, True)
    assert answer.model_version > 0


async def test_an_item_scores_the_same_in_a_pool_and_by_itself(house):
    pooled = await house.ranker.Recommend(asked(house, {"pool_id": "a", "source": "catalogue", "limit": 10}))
    scored = await house.ranker.ScoreItems(to_score(house, *pooled.item_ids))
    assert list(scored.p_click_if_seen) == pytest.approx(list(pooled.p_click_if_seen), rel=1e-5)


@covers("RankerService.ScoreItems", "INVALID_ARGUMENT INVALID_REQUEST")
@pytest.mark.parametrize(
    ("item_ids", "changes", "field"),
    [
        ([], {}, "item_ids"),
        (["x"] * 1_001, {}, "item_ids"),
        (["fine", ""], {}, "item_ids[1]"),
        (["fine"], {"shop_id": ""}, "shop_id"),
    ],
)
async def test_a_bad_scoring_request_is_refused_by_field(house, item_ids, changes, field):
    remote = await refused(house.ranker.ScoreItems(to_score(house, *item_ids, **changes)))
    assert (remote.code, remote.reason) == INVALID
    assert [violation.field for violation in remote.violations] == [field]


@covers("RankerService.ScoreItems", "FAILED_PRECONDITION RELEASE_NOT_READY")
async def test_scoring_by_a_release_that_is_not_loaded_is_refused(house):
    request = to_score(house, "item-001", visit=visit(house, release_id="r20990101000000"))
    remote = await refused(house.ranker.ScoreItems(request))
    assert (remote.code, remote.reason) == NOT_READY


# RankerService.Explain


def to_explain(house: House, item_id: str = "item-007", **fields) -> pb.ExplainRequest:
    whole = {"shop_id": house.shop_id, "visit": visit(house), "profile": profile(house), "item_id": item_id}
    return pb.ExplainRequest(**(whole | fields))


@covers("RankerService.Explain")
async def test_contributions_add_up_to_the_difference_of_the_log_odds_strongest_first(house):
    answer = await house.ranker.Explain(to_explain(house))
    distance = log_odds(answer.p_click_if_seen) - log_odds(answer.baseline_p_click_if_seen)
    whole = sum(each.log_odds for each in answer.contributions) + answer.unattributed_log_odds
    assert whole == pytest.approx(distance, abs=1e-4)
    assert abs(answer.unattributed_log_odds) <= 0.01 * max(abs(distance), 1.0)
    strengths = [abs(each.log_odds) for each in answer.contributions]
    assert strengths == sorted(strengths, reverse=True)
    assert all(each.input_group for each in answer.contributions)
    assert answer.release_id == house.release_id


@covers("RankerService.Explain", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_explaining_nothing_is_refused(house):
    remote = await refused(house.ranker.Explain(to_explain(house, item_id="")))
    assert (remote.code, remote.reason) == INVALID
    assert [violation.field for violation in remote.violations] == ["item_id"]


@covers("RankerService.Explain", "NOT_FOUND ITEM_UNKNOWN")
async def test_explaining_an_unknown_item_is_refused(house):
    remote = await refused(house.ranker.Explain(to_explain(house, item_id="nobody")))
    assert (remote.code, remote.reason) == (grpc.StatusCode.NOT_FOUND, "ITEM_UNKNOWN")


@covers("RankerService.Explain", "FAILED_PRECONDITION RELEASE_NOT_READY")
async def test_explaining_by_a_release_that_is_not_loaded_is_refused(house):
    request = to_explain(house, visit=visit(house, release_id="r20990101000000"))
    remote = await refused(house.ranker.Explain(request))
    assert (remote.code, remote.reason) == NOT_READY


@covers("RankerService.Explain", "FAILED_PRECONDITION EXPLANATION_NOT_EXPORTED")
async def test_a_model_that_was_exported_without_explanations_scores_but_does_not_explain(house):
    release_id = house.publish_unexplained("antique")
    unexplained = {"shop_id": "antique", "visit": visit(house, release_id=release_id)}
    async with asyncio.timeout(PATIENT_S):
        while True:  # until the ranker and the model server have loaded it
            remote = await refused(house.ranker.Explain(to_explain(house, **unexplained)))
            if remote.code is not grpc.StatusCode.UNAVAILABLE and remote.reason != "RELEASE_NOT_READY":
                break
            await asyncio.sleep(0.1)
    assert (remote.code, remote.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "EXPLANATION_NOT_EXPORTED")
    scored = await house.ranker.ScoreItems(to_score(house, "item-009", **unexplained))
    assert scored.model_version


@covers("RankerService.Explain", "UNAVAILABLE MODEL_SERVER_DOWN")
async def test_without_a_model_server_source_scores_stand_in_and_nothing_can_be_explained(house):
    await house.stop_model_server()
    pooled = await house.ranker.Recommend(asked(house, {"pool_id": "a", "source": "popular", "limit": 20}))
    scored = await house.ranker.ScoreItems(to_score(house, "item-009"))
    remote = await refused(house.ranker.Explain(to_explain(house)))
    await house.start_model_server()
    assert len(pooled.item_ids) == 20
    for answer in (pooled, scored):
        assert answer.model_version == 0
        assert (answer.degraded.dependency, answer.degraded.stand_in) == ("model_server", "source_scores")
        assert answer.degraded.cause in ("unavailable", "timeout", "breaker_open")
        assert all(0 < p < 1 for p in answer.p_click_if_seen)
    assert (remote.code, remote.reason) == (grpc.StatusCode.UNAVAILABLE, "MODEL_SERVER_DOWN")


# ReleaseService


async def promote(house: House, shop_id: str, release_id: str, label: str = "STABLE") -> pb.Release:
    request = pb.PromoteReleaseRequest(shop_id=shop_id, release_id=release_id, label=f"RELEASE_LABEL_{label}")
    return (await house.releases.PromoteRelease(request, timeout=PATIENT_S)).release


async def listed(house: House, shop_id: str) -> list[pb.Release]:
    answer = await house.releases.ListReleases(pb.ListReleasesRequest(shop_id=shop_id), timeout=PATIENT_S)
    return list(answer.releases)


async def labels(house: House, shop_id: str) -> dict[str, list[str]]:
    return {
        each.release_id: [pb.ReleaseLabel.Name(label).removeprefix("RELEASE_LABEL_") for label in each.labels]
        for each in await listed(house, shop_id)
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two(house) -> tuple[str, str, str]:
    """A shop with two releases, each of which has been stable: shop id, older and newer release id."""
    older = house.publish("two")
    await promote(house, "two", older)
    newer = house.publish("two")
    await promote(house, "two", newer)
    return "two", older, newer


@covers("ReleaseService.ListReleases")
async def test_releases_are_listed_newest_first(house, two):
    shop_id, older, newer = two
    releases = await listed(house, shop_id)
    assert [each.release_id for each in releases] == [newer, older]
    assert [each.version for each in releases] == [int(newer[1:]), int(older[1:])]
    everyone = {"user_profile", "item_vision", "ranker", "page_composer", "model_server"}
    assert set(releases[1].ready_services) == everyone
    assert await listed(house, "nowhere") == []


@covers("ReleaseService.ListReleases", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_listing_no_shop_is_refused(house):
    remote = await refused(house.releases.ListReleases(pb.ListReleasesRequest(shop_id="No Shop!")))
    assert (remote.code, remote.reason) == INVALID
    assert [violation.field for violation in remote.violations] == ["shop_id"]


@covers("ReleaseService.PromoteRelease")
async def test_a_promotion_moves_labels_once_everyone_is_ready(house, two):
    shop_id, older, newer = two
    await promote(house, shop_id, older)
    assert pb.RELEASE_LABEL_CANARY in (await promote(house, shop_id, newer, "CANARY")).labels
    assert (await labels(house, shop_id))[older] == ["STABLE"]
    for label in ("UNSPECIFIED", "STABLE"):
        release = await promote(house, shop_id, newer, label)
        assert (release.release_id, list(release.labels)) == (newer, [pb.RELEASE_LABEL_STABLE])
    assert await labels(house, shop_id) == {newer: ["STABLE"], older: ["PREVIOUS"]}


@covers("ReleaseService.PromoteRelease", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_previous_cannot_be_promoted_to(house):
    remote = await refused(promote(house, house.shop_id, house.release_id, "PREVIOUS"))
    assert (remote.code, remote.reason) == INVALID
    assert [violation.field for violation in remote.violations] == ["label"]


@covers("ReleaseService.PromoteRelease", "NOT_FOUND RELEASE_UNKNOWN")
async def test_an_unknown_release_cannot_be_promoted(house):
    remote = await refused(promote(house, house.shop_id, "r20990101000000"))
    assert (remote.code, remote.reason) == (grpc.StatusCode.NOT_FOUND, "RELEASE_UNKNOWN")


@covers("ReleaseService.PromoteRelease", "FAILED_PRECONDITION RELEASE_NOT_READY")
async def test_a_promotion_names_who_is_not_ready_and_moves_nothing(house, two):
    shop_id, older, newer = two
    await promote(house, shop_id, newer)
    house.not_ready.add("page_composer")
    request = pb.PromoteReleaseRequest(shop_id=shop_id, release_id=older)
    remote = await refused(house.releases.PromoteRelease(request, timeout=2.0))
    house.not_ready.clear()
    assert (remote.code, remote.reason) == NOT_READY
    assert remote.metadata["not_ready"] == "page_composer"
    assert (await labels(house, shop_id))[newer] == ["STABLE"]


@covers("ReleaseService.PromoteRelease", "ABORTED LABELS_CONTENDED")
async def test_a_promotion_decided_on_labels_that_moved_is_refused(house, two):
    shop_id, older, newer = two
    await promote(house, shop_id, older)
    house.meddle(shop_id, older)
    remote = await refused(promote(house, shop_id, newer))
    assert (remote.code, remote.reason) == (grpc.StatusCode.ABORTED, "LABELS_CONTENDED")
    assert sorted((await labels(house, shop_id))[older]) == ["CANARY", "STABLE"]
    await promote(house, shop_id, newer)


@covers("ReleaseService.RollbackRelease")
async def test_a_rollback_makes_previous_stable_again(house, two):
    shop_id, older, newer = two
    await promote(house, shop_id, older)
    await promote(house, shop_id, newer)
    answer = await house.releases.RollbackRelease(pb.RollbackReleaseRequest(shop_id=shop_id), timeout=PATIENT_S)
    assert (answer.release.release_id, list(answer.release.labels)) == (older, [pb.RELEASE_LABEL_STABLE])
    assert await labels(house, shop_id) == {newer: ["PREVIOUS"], older: ["STABLE"]}


@covers("ReleaseService.RollbackRelease", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_rolling_back_no_shop_is_refused(house):
    remote = await refused(house.releases.RollbackRelease(pb.RollbackReleaseRequest(shop_id="No Shop!")))
    assert (remote.code, remote.reason) == INVALID


@covers("ReleaseService.RollbackRelease", "FAILED_PRECONDITION NO_PREVIOUS_RELEASE")
async def test_there_may_be_nothing_to_go_back_to(house):
    remote = await refused(house.releases.RollbackRelease(pb.RollbackReleaseRequest(shop_id=house.shop_id)))
    assert (remote.code, remote.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NO_PREVIOUS_RELEASE")


@covers("ReleaseService.RollbackRelease", "ABORTED LABELS_CONTENDED")
async def test_a_rollback_of_labels_that_moved_is_refused(house, two):
    shop_id, older, newer = two
    await promote(house, shop_id, older)
    await promote(house, shop_id, newer)
    house.meddle(shop_id, older)
    request = pb.RollbackReleaseRequest(shop_id=shop_id)
    remote = await refused(house.releases.RollbackRelease(request, timeout=PATIENT_S))
    assert (remote.code, remote.reason) == (grpc.StatusCode.ABORTED, "LABELS_CONTENDED")
    assert (await labels(house, shop_id))[newer] == ["STABLE"]
    await promote(house, shop_id, older)


@covers("ReleaseService.RollbackRelease", "FAILED_PRECONDITION RELEASE_NOT_READY")
async def test_a_rollback_names_who_is_not_ready(house, two):
    shop_id, older, newer = two
    await promote(house, shop_id, older)
    await promote(house, shop_id, newer)
    house.not_ready.add("user_profile")
    remote = await refused(house.releases.RollbackRelease(pb.RollbackReleaseRequest(shop_id=shop_id), timeout=2.0))
    house.not_ready.clear()
    assert (remote.code, remote.reason) == NOT_READY
    assert remote.metadata["not_ready"] == "user_profile"
    assert (await labels(house, shop_id))[newer] == ["STABLE"]
