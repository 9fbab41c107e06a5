"""Sending over real channels: failures that pass are waited out, and nothing is counted twice."""

from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest

from lab.importing.packing import pack
from lab.importing.problems import ServiceRefused
from lab.importing.sending import (
    EVENTS_A_MESSAGE,
    ITEMS_A_MESSAGE,
    MESSAGE_BYTES,
    Addresses,
    Services,
    batches_of,
    parts_of,
)
from services.kit.status import make_status
from tests.contract.event_columns import rows_of
from vitrine.item_vision.v1 import item_vision_pb2, item_vision_pb2_grpc
from vitrine.user_profile.v1 import user_profile_pb2, user_profile_pb2_grpc


@dataclass
class Plan:
    """How often the service fails first, and with what."""

    failures: list[tuple[grpc.StatusCode, dict[str, str]]] = field(default_factory=list)
    calls: int = 0

    def fail_if_planned(self, context: grpc.ServicerContext) -> None:
        self.calls += 1
        if self.failures:
            code, metadata = self.failures.pop(0)
            status = make_status(code, "not now", "DATABASE_DOWN", "vitrine.test", metadata=metadata)
            context.set_trailing_metadata(status.trailers)
            context.abort(code, status.message)


class Profiles(user_profile_pb2_grpc.UserProfileServiceServicer):
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.known: set[str] = set()

    def StreamEvents(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        answer = user_profile_pb2.StreamEventsResponse()
        number = index = -1
        for number, message in enumerate(requests):
            if number == 1:
                self.plan.fail_if_planned(context)
            for event_id in message.columns.event_ids:
                index += 1
                if event_id.startswith("bad"):
                    answer.rejected_count += 1
                    if len(answer.rejections) < 1_000:
                        answer.rejections.add(index=index, event_id=event_id)
                    continue
                answer.duplicate_count += event_id in self.known
                answer.recorded_count += event_id not in self.known
                self.known.add(event_id)
        if number < 0:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "shop_id: required")
        return answer


def list_errors(answer: Any, messages: list[Any]) -> None:
    """List three errors of every "bad" item, a message's the last first, as many as fit into the thousand."""
    start = 0
    for items in messages:
        for index in reversed(range(len(items))):
            wrong = 3 if items[index].item_id.startswith("bad") else 0
            for place in range(min(wrong, 1_000 - len(answer.errors))):
                answer.errors.add(index=start + index, item_id=items[index].item_id, field=f"images[{place}]")
        start += len(items)


class Catalogue(item_vision_pb2_grpc.CatalogueServiceServicer):
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.shops: list[str] = []

    def UpsertItems(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        messages = [message.items for message in requests]
        self.plan.fail_if_planned(context)
        answer = item_vision_pb2.UpsertItemsResponse(created_count=sum(map(len, messages)))
        list_errors(answer, messages)
        return answer

    def PutLinks(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        answer = item_vision_pb2.PutLinksResponse()
        list_errors(answer, [message.items for message in requests])
        return answer

    def ListItems(self, request: Any, context: grpc.ServicerContext) -> Any:
        place = int(request.page_token or 0)
        facts = [item_vision_pb2.ItemFacts(item_id=f"i{n}") for n in range(place, min(place + 3, 7))]
        return item_vision_pb2.ListItemsResponse(items=facts, next_page_token=str(place + 3) if place + 3 < 7 else "")


@pytest.fixture
def plan() -> Plan:
    return Plan()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def services(plan: Plan, waits: list[float]) -> Iterator[Services]:
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=4), options=[("grpc.max_receive_message_length", 16 * 2**20)]
    )
    user_profile_pb2_grpc.add_UserProfileServiceServicer_to_server(Profiles(plan), server)
    item_vision_pb2_grpc.add_CatalogueServiceServicer_to_server(Catalogue(plan), server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    made = Services(Addresses([address], [address], [address]), wait=waits.append)
    yield made
    made.close()
    server.stop(None)


def events(count: int) -> list[Any]:
    return [user_profile_pb2.Event(event_id=f"e{number}") for number in range(count)]


def test_what_an_attempt_of_ours_made_durable_is_recorded_not_a_duplicate(
    services: Services, plan: Plan, waits: list[float]
) -> None:
    plan.failures = [(grpc.StatusCode.UNAVAILABLE, {"recorded_batch_count": "1"})]
    answer = services.send_events("shop", events(2 * EVENTS_A_MESSAGE + 5))
    assert (answer.recorded_count, answer.duplicate_count) == (2 * EVENTS_A_MESSAGE + 5, 0)
    assert waits == [0.2]
    again = services.send_events("shop", events(EVENTS_A_MESSAGE))
    assert (again.recorded_count, again.duplicate_count) == (0, EVENTS_A_MESSAGE)


def test_without_events_there_is_no_stream_that_the_service_would_refuse(services: Services) -> None:
    assert services.send_event_columns("shop", []) == user_profile_pb2.StreamEventsResponse()
    assert services.send_events("shop", []) == user_profile_pb2.StreamEventsResponse()


def test_a_service_that_stays_down_ends_the_import_with_what_to_do(
    services: Services, plan: Plan, waits: list[float]
) -> None:
    plan.failures = [(grpc.StatusCode.UNAVAILABLE, {})] * 20
    with pytest.raises(ServiceRefused, match="vitrine up"):
        services.send_items("shop", [item_vision_pb2.ItemInput(item_id="i1")])
    assert (plan.calls, len(waits)) == (7, 6)
    assert sum(waits) < 15


def test_every_refused_item_is_told_although_the_service_lists_a_thousand(services: Services) -> None:
    names = [f"{'bad' if number % 3 else 'ok'}{number}" for number in range(1_700)]
    items = [item_vision_pb2.ItemInput(item_id=name) for name in names]
    answer = services.send_items("shop", items)
    told = sorted((error.index, error.item_id) for error in answer.errors)
    assert told == [(n, name) for n, name in enumerate(names) if name.startswith("bad") for _ in range(3)]
    assert answer.created_count == 1_700
    links = [item_vision_pb2.ItemLinks(item_id=name) for name in names]
    assert sorted((error.index, error.item_id) for error in services.put_links("shop", links).errors) == told


def test_every_rejected_event_is_told_although_the_service_lists_a_thousand(services: Services) -> None:
    names = [f"{'bad' if number % 4 else 'ok'}{number}" for number in range(EVENTS_A_MESSAGE + 3)]
    answer = services.send_events("shop", [user_profile_pb2.Event(event_id=name) for name in names])
    told = [(each.index, each.event_id) for each in answer.rejections]
    assert told == [(n, name) for n, name in enumerate(names) if name.startswith("bad")]
    assert (answer.recorded_count, answer.rejected_count) == (len(names) - len(told), len(told))


def test_events_with_long_texts_are_sent_in_messages_that_a_service_takes(services: Services) -> None:
    long = [
        user_profile_pb2.Event(event_id=f"e{n}", user_id=f"u{n % 2}", rating=1 + n % 5, text=f"{n % 2_999:04}" * 2_000)
        for n in range(EVENTS_A_MESSAGE)
    ]
    packed = pack(long)
    parts = parts_of(packed)
    assert packed.ByteSize() > 16 * 2**20 > MESSAGE_BYTES >= max(part.ByteSize() for part in parts)
    assert [event for part in parts for event in rows_of(part)] == rows_of(packed)
    assert services.send_events("shop", long).recorded_count == EVENTS_A_MESSAGE


def test_an_item_that_no_message_can_carry_ends_the_import_at_once_with_what_to_do(
    services: Services, waits: list[float]
) -> None:
    item = item_vision_pb2.ItemInput(item_id="i1", descriptions={"en": "x" * (17 * 2**20)})
    with pytest.raises(ServiceRefused, match="make its pictures smaller"):
        services.send_items("shop", [item])
    assert waits == []


def test_a_refused_request_is_not_repeated(services: Services, plan: Plan, waits: list[float]) -> None:
    plan.failures = [(grpc.StatusCode.INVALID_ARGUMENT, {})]
    with pytest.raises(ServiceRefused, match="item_vision refused the import: not now"):
        services.send_items("My Shop", [item_vision_pb2.ItemInput(item_id="i1")])
    assert (plan.calls, waits) == (1, [])


def test_the_whole_catalogue_is_paged_through(services: Services) -> None:
    assert [facts.item_id for facts in services.item_facts("shop")] == [f"i{number}" for number in range(7)]
    known = services.known_items("shop")
    assert known is not None
    assert known.unknown(["i6", "", "i7", "i0"]) == [2]


def test_whether_items_exist_is_only_asked_in_passing(waits: list[float]) -> None:
    nowhere = Services(Addresses(["127.0.0.1:1"], ["127.0.0.1:1"], ["127.0.0.1:1"]), wait=waits.append)
    assert nowhere.known_items("shop") is None
    assert waits == []
    nowhere.close()


def test_messages_are_small_and_hold_an_item_once() -> None:
    states = [item_vision_pb2.ItemInput(item_id=item_id) for item_id in ("a", "b", "a", "c", "a", "a")]
    assert [[each.item_id for each in batch] for batch in batches_of(states)] == [["a", "b"], ["a", "c"], ["a"], ["a"]]
    many = [item_vision_pb2.ItemInput(item_id=str(number)) for number in range(2 * ITEMS_A_MESSAGE + 1)]
    assert [len(batch) for batch in batches_of(many)] == [ITEMS_A_MESSAGE, ITEMS_A_MESSAGE, 1]
    heavy = [item_vision_pb2.ItemInput(item_id=str(n), link="x" * 4_000_000) for n in range(3)]
    assert [len(batch) for batch in batches_of(heavy)] == [1, 1, 1]
    pictured = [item_vision_pb2.ItemInput(item_id=str(n), images=[{"url": "https://a.b/c.jpg"}] * 5) for n in range(5)]
    assert [len(batch) for batch in batches_of(pictured)] == [2, 2, 1]
