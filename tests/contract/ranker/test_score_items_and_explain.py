"""What RankerService.ScoreItems and Explain promise."""

import asyncio
import math

import grpc
import pytest

from tests.contract.coverage import covers
from tests.contract.ranker.calls import PATIENT_S, asked, profile, visit
from tests.contract.ranker.houses import House
from tests.contract.refusals import INVALID, RELEASE_NOT_READY, failure, refused
from tests.small_shop import NOW
from vitrine.ranker.v1 import ranker_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")


def log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def to_score(house: House, *item_ids: str, **fields) -> pb.ScoreItemsRequest:
    whole = {"shop_id": house.shop_id, "visit": visit(house), "profile": profile(house), "item_ids": item_ids}
    request = pb.ScoreItemsRequest(**(whole | fields))
    request.at.FromDatetime(NOW)
    return request


def to_explain(house: House, item_id: str = "item-007", **fields) -> pb.ExplainRequest:
    whole = {"shop_id": house.shop_id, "visit": visit(house), "profile": profile(house), "item_id": item_id}
    return pb.ExplainRequest(**(whole | fields))


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
    await refused(house.ranker.ScoreItems(to_score(house, *item_ids, **changes)), INVALID, field)


@covers("RankerService.ScoreItems", "FAILED_PRECONDITION RELEASE_NOT_READY")
async def test_scoring_by_a_release_that_is_not_loaded_is_refused(house):
    request = to_score(house, "item-001", visit=visit(house, release_id="r20990101000000"))
    await refused(house.ranker.ScoreItems(request), RELEASE_NOT_READY)


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
    await refused(house.ranker.Explain(to_explain(house, item_id="")), INVALID, "item_id")


@covers("RankerService.Explain", "NOT_FOUND ITEM_UNKNOWN")
async def test_explaining_an_unknown_item_is_refused(house):
    unknown = (grpc.StatusCode.NOT_FOUND, "ITEM_UNKNOWN")
    await refused(house.ranker.Explain(to_explain(house, item_id="nobody")), unknown)


@covers("RankerService.Explain", "FAILED_PRECONDITION RELEASE_NOT_READY")
async def test_explaining_by_a_release_that_is_not_loaded_is_refused(house):
    request = to_explain(house, visit=visit(house, release_id="r20990101000000"))
    await refused(house.ranker.Explain(request), RELEASE_NOT_READY)


@covers("RankerService.Explain", "FAILED_PRECONDITION EXPLANATION_NOT_EXPORTED")
async def test_a_model_that_was_exported_without_explanations_scores_but_does_not_explain(house):
    release_id = house.publish_unexplained("antique")
    unexplained = {"shop_id": "antique", "visit": visit(house, release_id=release_id)}
    async with asyncio.timeout(PATIENT_S):
        while True:  # until the ranker and the model server have loaded it
            remote = await failure(house.ranker.Explain(to_explain(house, **unexplained)))
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
    remote = await failure(house.ranker.Explain(to_explain(house)))
    await house.start_model_server()
    assert len(pooled.item_ids) == 20
    for answer in (pooled, scored):
        assert answer.model_version == 0
        assert (answer.degraded.dependency, answer.degraded.stand_in) == ("model_server", "source_scores")
        assert answer.degraded.cause in ("unavailable", "timeout", "breaker_open")
        assert all(0 < p < 1 for p in answer.p_click_if_seen)
    assert (remote.code, remote.reason) == (grpc.StatusCode.UNAVAILABLE, "MODEL_SERVER_DOWN")
