from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.errors import InvalidRequest
from services.ranker.visits import referrer_kind, situation_of, visitor_of
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2

AT = datetime(2026, 3, 4, 18, 30, tzinfo=UTC)  # a Wednesday


def at(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def profile(**fields) -> user_profile_pb2.Profile:
    embedding = common_pb2.ModalityVector(modality="user", space_id="abc", values=np.linspace(0, 1, 64))
    return user_profile_pb2.Profile(**({"embedding": embedding} | fields))


def test_a_profile_becomes_a_visitor():
    visitor = visitor_of(
        common_pb2.VisitContext(device=common_pb2.DEVICE_PHONE, region="DE", locale="de"),
        profile(
            recent_actions=[
                {"action": common_pb2.ACTION_CART, "item_id": "a", "occurred_at": at(AT - timedelta(days=2))},
                {"action": common_pb2.ACTION_VIEW, "item_id": "b", "occurred_at": at(AT + timedelta(hours=1))},
            ],
            affinities=[
                {"facet": "brand", "value": "Aster", "weight": 0.5},
                {"facet": "brand", "value": "Birch", "weight": 0.25},
                {"facet": "category", "value": "Women", "weight": 1.0},
            ],
            exposures=[{"item_id": "a", "impression_count": 4}, {"item_id": "b", "impression_count": -4}],
        ),
        AT,
        "abc",
    )
    np.testing.assert_allclose(visitor.user_embedding, np.linspace(0, 1, 64), rtol=1e-6)
    assert [(each.item_id, each.action, each.age_days) for each in visitor.recent_actions] == [
        ("a", common_pb2.ACTION_CART, 2.0),
        ("b", common_pb2.ACTION_VIEW, 0.0),
    ]
    assert visitor.affinities == {"brand": {"Aster": 0.5, "Birch": 0.25}, "category": {"Women": 1.0}}
    assert visitor.exposures == {"a": 4, "b": 0}


@pytest.mark.parametrize("known", [None, profile(anonymous=True)])
def test_an_anonymous_visit_keeps_only_its_situation(known):
    visitor = visitor_of(common_pb2.VisitContext(region="ES"), known, AT, "abc")
    assert visitor.user_embedding is None
    assert (visitor.recent_actions, visitor.affinities, visitor.exposures) == ((), {}, {})
    assert visitor.situation.region == "ES"


def test_a_profile_without_an_embedding_has_none():
    known = user_profile_pb2.Profile(exposures=[{"item_id": "a", "impression_count": 1}])
    assert visitor_of(common_pb2.VisitContext(), known, AT, "abc").user_embedding is None


@pytest.mark.parametrize(
    ("embedding", "field"),
    [
        ({"space_id": "another", "values": [0.0] * 64}, "profile.embedding.space_id"),
        ({"space_id": "abc", "values": [0.0] * 63}, "profile.embedding.values"),
    ],
)
def test_an_embedding_of_another_space_or_size_is_refused(embedding, field):
    known = profile(embedding=common_pb2.ModalityVector(**embedding))
    with pytest.raises(InvalidRequest) as caught:
        visitor_of(common_pb2.VisitContext(), known, AT, "abc")
    assert [violation.field for violation in caught.value.violations] == [field]


def test_the_situation_is_read_in_utc():
    situation = situation_of(common_pb2.VisitContext(), AT)
    assert (situation.hour, situation.weekday, situation.device) == (18.5, 2, 0)


@pytest.mark.parametrize(
    ("referrer", "kind"),
    [
        ("", "direct"),
        ("https://www.google.com/search?q=dress", "search"),
        ("https://www.BAIDU.com/", "search"),
        ("https://l.instagram.com/", "social"),
        ("https://shop.example/?utm_campaign=spring", "campaign"),
        ("campaign:spring", "campaign"),
        ("https://blog.example/post", "other"),
        ("https://x.com/someone", "social"),
        ("https://www.fedex.com/", "other"),
        ("https://blog.example/?from=google.com", "other"),
        ("google.de", "search"),
        ("http://[broken", "other"),
    ],
)
def test_a_referrer_says_what_brought_the_visitor(referrer, kind):
    assert referrer_kind(referrer) == kind
