"""Bad requests against the real ensemble: refused by name, and the service goes on."""

import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from services.kit.status import read_error
from tests.e2e.bad_requests import TIMEOUT_S, Bad, Counter, bomb, every_bad_request
from tests.e2e.ensemble import SmallEnsemble
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2
from vitrine.user_profile.v1 import user_profile_pb2

EUROS = common_pb2.Money(amount_minor=100, currency="EUR")
BAD_ITEMS: list[tuple[str, dict[str, Any], str, str]] = [
    ("negative price", {"price": common_pb2.Money(amount_minor=-1, currency="EUR")}, "price.amount_minor", ""),
    ("no currency", {"price": common_pb2.Money(amount_minor=5)}, "price.currency", ""),
    ("wrong currency", {"price": common_pb2.Money(amount_minor=5, currency="euro")}, "price.currency", ""),
    (
        "list price in other money",
        {"list_price": common_pb2.Money(amount_minor=200, currency="USD"), "price": EUROS},
        "list_price.currency",
        "",
    ),
    ("no title", {"titles": {}}, "titles", ""),
    ("negative stock", {"stock": -4}, "stock", ""),
    ("link that is a script", {"link": "javascript:alert(1)"}, "link", ""),
    (
        "NaN in a vector",
        {"vectors": [common_pb2.ModalityVector(modality="sound", space_id="s", values=[float("nan")])]},
        "vectors[0].values",
        "",
    ),
    (
        "picture bomb",
        {"images": [item_vision_pb2.Picture(content=bomb())]},
        "images[0]",
        "PICTURE_TOO_MANY_PIXELS",
    ),
    (
        "picture at a private address",
        {"images": [item_vision_pb2.Picture(url="http://10.0.0.1/a.jpg")]},
        "images[0]",
        "PICTURE_ADDRESS_REFUSED",
    ),
]


@pytest.fixture(scope="module")
def counter(small_ensemble: SmallEnsemble) -> Iterator[Counter]:
    secrets = json.loads((small_ensemble.processes.work / "secrets.json").read_text())
    opened = Counter(small_ensemble, secrets["tracking_key"].encode())
    yield opened
    opened.close()


def test_there_are_more_than_twenty_kinds() -> None:
    names = [bad.what for bad in every_bad_request()]
    assert len(set(names)) == len(names) >= 20


@pytest.mark.parametrize("bad", every_bad_request(), ids=lambda bad: bad.what)
def test_a_bad_request_is_refused_by_name_and_a_good_one_answered(counter: Counter, bad: Bad) -> None:
    with pytest.raises(grpc.RpcError) as refusal:
        bad.send(counter)
    error = read_error(refusal.value)
    assert (error.code, error.reason) == (bad.code, bad.reason)
    assert bool(error.violations) == bool(bad.field)
    if bad.field:
        assert bad.field in [violation.field for violation in error.violations]
    assert_all_services_answer(counter)


@pytest.mark.parametrize(
    ("changes", "field", "reason"), [each[1:] for each in BAD_ITEMS], ids=[b[0] for b in BAD_ITEMS]
)
def test_a_bad_item_is_answered_by_name(counter: Counter, changes: dict[str, Any], field: str, reason: str) -> None:
    answer = counter.upsert(**changes)
    assert [(error.item_id, error.field, error.reason) for error in answer.errors] == [
        ("bad-item", field, reason or "INVALID_REQUEST")
    ]
    assert answer.rejected_count == (0 if reason else 1)
    assert_all_services_answer(counter)


def test_a_message_over_the_size_limit_is_refused(counter: Counter, small_ensemble: SmallEnsemble) -> None:
    text = "x" * (17 * 2**20)
    address = small_ensemble.address("user_profile")[0]
    with grpc.insecure_channel(address, options=[("grpc.max_send_message_length", -1)]) as channel:
        record = channel.unary_unary(
            "/vitrine.user_profile.v1.UserProfileService/RecordEvents",
            request_serializer=user_profile_pb2.RecordEventsRequest.SerializeToString,
            response_deserializer=user_profile_pb2.RecordEventsResponse.FromString,
        )
        request = user_profile_pb2.RecordEventsRequest(
            shop_id=counter.shop_id, events=[user_profile_pb2.Event(event_id="large", text=text)]
        )
        with pytest.raises(grpc.RpcError) as refusal:
            record(request, timeout=TIMEOUT_S)
    assert refusal.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert_all_services_answer(counter)


def test_garbage_instead_of_a_message_is_refused(counter: Counter, small_ensemble: SmallEnsemble) -> None:
    with grpc.insecure_channel(small_ensemble.address("page_composer")[0]) as channel:
        compose = channel.unary_unary("/vitrine.page_composer.v1.PageComposerService/ComposePage")
        with pytest.raises(grpc.RpcError) as refusal:
            compose(b"\xff\xff\xff not a message", timeout=TIMEOUT_S)
    # gRPC itself refuses what cannot be parsed, before any code of ours sees it.
    assert refusal.value.code() is grpc.StatusCode.UNKNOWN
    assert_all_services_answer(counter)


def assert_all_services_answer(counter: Counter) -> None:
    """One good request to each."""
    assert len(counter.compose().page.sections) >= 3
    assert counter.event().recorded_count == 1
    assert counter.recommend().item_ids
    assert counter.similar(limit=2).items
