import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from services.kit.checks import Checks
from services.kit.errors import InvalidRequest
from services.ranker.requests import (
    _check_pool,
    _in_order,
    check_explain,
    check_list_releases,
    check_promote,
    check_recommend,
    check_rollback,
    check_score_items,
)
from vitrine.ranker.v1 import ranker_pb2 as pb


def recommend(**fields) -> pb.RecommendRequest:
    whole = {"shop_id": "boutique", "visit": {}, "pools": [{"pool_id": "a", "source": "popular"}]}
    return pb.RecommendRequest(**(whole | fields))


def with_pool(**fields) -> pb.RecommendRequest:
    return recommend(pools=[{"pool_id": "a", "source": "popular", **fields}])


def violated(check, request) -> list[str]:
    with pytest.raises(InvalidRequest) as caught:
        check(request)
    return [violation.field for violation in caught.value.violations]


IDS = st.lists(st.sampled_from(["a", "b c", "", " a", "a\n", "x" * 128, "x" * 129]) | st.text(max_size=3), max_size=3)
PRICES = st.sampled_from([-1, 0, 5, 10**15, 10**15 + 1])


@given(
    pool_id=st.sampled_from(["a", "", " a", "x" * 64, "x" * 65, "a\t"]),
    source=st.sampled_from(["popular", "given", "catalogue", "als", "", "nobody"]),
    seed_item_ids=IDS | st.just(["a"] * 51),
    item_ids=IDS | st.just(["a"] * 501),
    limit=st.sampled_from([-1, 0, 500, 501]),
    filter=st.none()
    | st.fixed_dictionaries(
        {},
        optional={
            "categories": st.lists(st.just("c"), min_size=19, max_size=21),
            "brands": st.lists(st.just("b"), min_size=49, max_size=51),
            "maximum_age_days": st.sampled_from([-1, 0, 36_500, 36_501]),
            "minimum_price_minor": PRICES,
            "maximum_price_minor": PRICES,
            "query": st.sampled_from(["", "hat", "h\x00", "x" * 500, "x" * 501]),
        },
    ),
)
def test_a_pool_is_in_order_when_it_breaks_no_rule(**fields):
    pool, checks = pb.Pool(**fields), Checks()
    _check_pool(checks, "pools[0]", pool)
    assert _in_order(pool) == (not checks.violations)


def test_requests_in_order_pass():
    check_recommend(recommend())
    check_recommend(with_pool(source="given", item_ids=["x"] * 500, limit=500))
    check_recommend(with_pool(filter={"minimum_price_minor": 5, "maximum_price_minor": 5, "maximum_age_days": 0}))
    check_recommend(recommend(pools=[{"pool_id": str(n), "source": "new"} for n in range(64)], union_limit=1_000))
    check_score_items(pb.ScoreItemsRequest(shop_id="boutique", visit={}, item_ids=["a"] * 1_000))
    check_explain(pb.ExplainRequest(shop_id="boutique", visit={}, item_id="a"))
    check_list_releases(pb.ListReleasesRequest(shop_id="boutique"))
    check_promote(pb.PromoteReleaseRequest(shop_id="boutique", release_id="r1", label=pb.RELEASE_LABEL_CANARY))
    check_rollback(pb.RollbackReleaseRequest(shop_id="boutique"))


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (pb.RecommendRequest(), ["shop_id", "visit", "pools"]),
        (recommend(shop_id="Boutique"), ["shop_id"]),
        (recommend(request_id="x" * 129), ["request_id"]),
        (recommend(visit={"region": "germany"}), ["visit.region"]),
        (recommend(visit={"release_id": "stable"}), ["visit.release_id"]),
        (recommend(visit={"device": 9}), ["visit.device"]),
        (recommend(union_limit=-1), ["union_limit"]),
        (recommend(union_limit=1_001), ["union_limit"]),
        (recommend(at=Timestamp(seconds=2**60)), ["at"]),
        (recommend(profile={"embedding": {"values": [float("nan")]}}), ["profile.embedding.values"]),
        (recommend(profile={"affinities": [{"weight": float("inf")}]}), ["profile.affinities.weight"]),
        (recommend(pools=[{"pool_id": "a", "source": "new"}] * 2), ["pools[1].pool_id"]),
        (recommend(pools=[{"pool_id": str(n), "source": "new"} for n in range(65)]), ["pools"]),
        (with_pool(pool_id=""), ["pools[0].pool_id"]),
        (with_pool(pool_id="x" * 65), ["pools[0].pool_id"]),
        (with_pool(source="trending"), ["pools[0].source"]),
        (with_pool(source="given"), ["pools[0].item_ids"]),
        (with_pool(item_ids=["x"] * 501), ["pools[0].item_ids"]),
        (with_pool(seed_item_ids=["x"] * 51), ["pools[0].seed_item_ids"]),
        (with_pool(seed_item_ids=["fine", " blank"]), ["pools[0].seed_item_ids[1]"]),
        (with_pool(limit=501), ["pools[0].limit"]),
        (with_pool(limit=-1), ["pools[0].limit"]),
        (with_pool(filter={"categories": ["x"] * 21}), ["pools[0].filter.categories"]),
        (with_pool(filter={"brands": ["x"] * 51}), ["pools[0].filter.brands"]),
        (with_pool(filter={"excluded_item_ids": ["x"] * 2_001}), ["pools[0].filter.excluded_item_ids"]),
        (with_pool(filter={"maximum_age_days": -1}), ["pools[0].filter.maximum_age_days"]),
        (with_pool(filter={"minimum_price_minor": -1}), ["pools[0].filter.minimum_price_minor"]),
        (
            with_pool(filter={"minimum_price_minor": 9, "maximum_price_minor": 8}),
            ["pools[0].filter.maximum_price_minor"],
        ),
        (with_pool(filter={"query": "x" * 501}), ["pools[0].filter.query"]),
    ],
)
def test_every_rule_of_recommend_is_checked(request_, fields):
    assert violated(check_recommend, request_) == fields


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (pb.ScoreItemsRequest(), ["shop_id", "visit", "item_ids"]),
        (pb.ScoreItemsRequest(shop_id="a", visit={}, item_ids=["x"] * 1_001), ["item_ids"]),
        (pb.ScoreItemsRequest(shop_id="a", visit={}, item_ids=["", "x" * 129]), ["item_ids[0]", "item_ids[1]"]),
    ],
)
def test_every_rule_of_score_items_is_checked(request_, fields):
    assert violated(check_score_items, request_) == fields


def test_the_rules_of_the_others_are_checked():
    assert violated(check_explain, pb.ExplainRequest()) == ["shop_id", "visit", "item_id"]
    assert violated(check_list_releases, pb.ListReleasesRequest()) == ["shop_id"]
    assert violated(check_rollback, pb.RollbackReleaseRequest()) == ["shop_id"]
    assert violated(check_promote, pb.PromoteReleaseRequest(release_id="1")) == ["shop_id", "release_id"]
    previous = pb.PromoteReleaseRequest(shop_id="a", release_id="r1", label=pb.RELEASE_LABEL_PREVIOUS)
    assert violated(check_promote, previous) == ["label"]
    unknown = pb.PromoteReleaseRequest(shop_id="a", release_id="r1", label=7)
    assert violated(check_promote, unknown) == ["label"]
