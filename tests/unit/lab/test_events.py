"""Event rows: the contract's rules, each with its reason."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from lab.importing.amounts import Amounts
from lab.importing.events import ACTIONS, EventReader
from lab.importing.problems import RowRefused
from vitrine.common.v1 import common_pb2

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "event_id": "e1", "action": "click", "user_id": "u1", "item_id": "i1", "occurred_at": "2026-01-31T11:59:59.5Z",
}  # fmt: skip


def read(filled: Counter[str] | None = None, **changes: Any) -> Any:
    counts = filled if filled is not None else Counter[str]()

    def note(rule: str) -> None:
        counts[rule] += 1

    return EventReader(NOW, Amounts(), note).read({k: v for k, v in {**GOOD, **changes}.items() if v is not None})


def test_every_action_of_the_contract_is_known() -> None:
    assert len(ACTIONS) == len(common_pb2.Action.items()) - 1
    assert read(action="ACTION_VIEW").action == common_pb2.ACTION_VIEW


def test_a_full_event_is_read() -> None:
    event = read(
        action="purchase", session_id="s1", quantity=2, price=1999, currency="EUR", device="phone", channel="app",
        region="DE", locale="de", page_id="p1", section_id="for_you:1", row=1, column=2,
    )  # fmt: skip
    assert (event.occurred_at.nanos, event.quantity, event.price.amount_minor) == (500_000_000, 2, 1999)
    assert (event.placement.page_id, event.placement.row, event.placement.column) == ("p1", 1, 2)
    assert (event.device, event.placement.device) == (common_pb2.DEVICE_PHONE, common_pb2.DEVICE_PHONE)


def test_a_search_has_words_and_no_item() -> None:
    event = read(action="search", query="linen shirt")
    assert (event.query, event.item_id) == ("linen shirt", "")


def test_a_rating_of_a_page_needs_no_item() -> None:
    assert read(action="rate", rating="4", item_id=None, page_id="p1").rating == 4


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"action": "jump"}, "action", "action_unknown"),
        ({"action": None}, "action", "action_unknown"),
        ({"user_id": None}, "user_id", "subject_missing"),
        ({"item_id": None}, "item_id", "item_id_missing"),
        ({"item_id": "x" * 129}, "item_id", "item_id_malformed"),
        ({"item_id": "a\x00b"}, "item_id", "item_id_malformed"),
        ({"occurred_at": None}, "occurred_at", "occurred_at_missing"),
        ({"occurred_at": "soon"}, "occurred_at", "occurred_at_malformed"),
        ({"occurred_at": "1999-12-31T23:59:59Z"}, "occurred_at", "occurred_at_too_early"),
        ({"occurred_at": "2026-01-31T12:10:01Z"}, "occurred_at", "occurred_at_in_future"),
        ({"action": "search"}, "query", "query_missing"),
        ({"action": "search", "query": "x" * 501}, "query", "query_malformed"),
        ({"action": "rate"}, "rating", "rating_malformed"),
        ({"action": "rate", "rating": 6}, "rating", "rating_malformed"),
        ({"action": "review"}, "text", "text_missing"),
        ({"device": "toaster"}, "device", "device_unknown"),
        ({"quantity": 0.5}, "quantity", "quantity_malformed"),
        ({"price": "free", "currency": "EUR"}, "price", "price_malformed"),
        ({"channel": "c" * 33}, "channel", "channel_malformed"),
    ],
)
def test_a_broken_rule_is_named(changes: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(RowRefused) as refusal:
        read(**changes)
    assert (refusal.value.violation.field, refusal.value.violation.reason) == (field, reason)
    assert refusal.value.violation.remedy


def test_a_missing_event_id_is_left_to_be_made_of_the_content() -> None:
    filled: Counter[str] = Counter()
    assert not read(filled, event_id=None).event_id
    assert filled == {"event_id: from the row's content": 1}


def amounts(filled: Counter[str] | None = None, **fields: Any) -> tuple[int, int]:
    counts = filled if filled is not None else Counter[str]()

    def note(rule: str) -> None:
        counts[rule] += 1

    rules = Amounts("major", "line", measured_above=200)
    event = EventReader(NOW, rules, note).read({**GOOD, "action": "purchase", "currency": "USD", **fields})
    return event.quantity, event.price.amount_minor


def test_the_price_of_a_line_becomes_the_price_of_one() -> None:
    filled: Counter[str] = Counter()
    assert amounts(filled, quantity=4, price="5.00") == (4, 125)
    assert amounts(filled, quantity=3, price=1) == (3, 33)
    assert amounts(filled, quantity=2, price=0.01) == (2, 1)
    assert amounts(filled, quantity=1, price=2.5) == (1, 250)
    assert filled == {
        "price: of the line, divided by its quantity": 3, "price: rounded to the minor unit": 2,
    }  # fmt: skip


def test_a_measure_counts_as_one_piece_and_nothing_is_no_event() -> None:
    filled: Counter[str] = Counter()
    assert amounts(filled, quantity=200, price=200) == (200, 100)
    assert amounts(filled, quantity=10_531, price="25.01") == (1, 2501)
    assert filled["quantity: 1 for measures above 200"] == 1
    with pytest.raises(RowRefused) as refusal:
        amounts(quantity=0, price=0)
    assert refusal.value.violation.reason == "quantity_zero"
    event = EventReader(NOW, Amounts(zero_pieces="one"), lambda _: None).read({**GOOD, "quantity": "0"})
    assert event.quantity == 1
    with pytest.raises(RowRefused):
        read(quantity=10_001)
