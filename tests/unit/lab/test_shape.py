"""The counts behind the report's plots: right, mergeable, and small whatever the data."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import numpy as np

from lab.importing.shape import (
    MOST_KEYS,
    MOST_USERS,
    OTHERS,
    USERS,
    Shape,
    add_shape,
    event_shape,
    history_lengths,
    shape_of_events,
    shape_of_items,
)
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2
from vitrine.user_profile.v1 import user_profile_pb2


def event(user_id: str, at: str, action: int = common_pb2.ACTION_VIEW) -> user_profile_pb2.Event:
    made = user_profile_pb2.Event(user_id=user_id, action=action)
    made.occurred_at.FromDatetime(datetime.fromisoformat(at).replace(tzinfo=UTC))
    return made


def item(minor: int = 0, currency: str = "EUR", **fields: Any) -> item_vision_pb2.ItemInput:
    return item_vision_pb2.ItemInput(price=common_pb2.Money(amount_minor=minor, currency=currency), **fields)


def test_events_are_counted_by_day_hour_weekday_and_action() -> None:
    shape = shape_of_events(
        [event("u", "2026-01-05T10:30:00"), event("u", "2026-01-05T23:00:00", common_pb2.ACTION_CART),
         event("v", "2026-01-11T10:00:00")]
    )  # fmt: skip
    assert shape["events by day"] == {"2026-01-05": 2, "2026-01-11": 1}
    assert shape["events by hour (UTC)"] == {"10": 2, "23": 1}
    assert shape["events by weekday"] == {"Mon": 2, "Sun": 1}
    assert shape["events by action"] == {"view": 2, "cart": 1}
    assert history_lengths(shape, 0) == {"1": 1, "2": 1}
    assert all(not counts for counts in shape_of_events([]).values())


def test_items_are_counted_by_what_they_have_and_lack() -> None:
    shape = shape_of_items(
        [item(1_250, category="Home/Tea/Green", brand="Aster", titles={"en": "Tea", "zh": "茶"}, stock=5, link="/a"),
         item(999, "JPY", titles={"en": "Mug"}, images=[item_vision_pb2.Picture(url="http://a.b")]), item(0, "JPY")]
    )  # fmt: skip
    assert shape["items by category"] == {"Home/Tea": 1, "(none)": 2}
    assert shape["items by price"] == {"EUR 10": 1, "JPY 500": 1, "JPY 0": 1}
    assert shape["items by stock"] == {"1-9": 1, "not tracked": 2}
    assert shape["items by language"] == {"en": 2, "zh": 1}
    assert shape["items by pictures"] == {"0": 2, "1": 1}
    assert shape["items without"]["a picture"] == 2


def test_parts_add_up_to_the_whole() -> None:
    events = [event(f"u{n % 7}", f"2026-01-{1 + n % 9:02d}T10:00:00") for n in range(100)]
    known: Shape = {}
    for start in range(0, 100, 30):
        assert add_shape(known, shape_of_events(events[start : start + 30]), 0) == 0
    assert known == shape_of_events(events)


def test_it_stays_small_and_the_sample_keeps_users_whole() -> None:
    chance = np.random.default_rng(1)
    known: Shape = {}
    bits, users = 0, 60_000
    lengths = chance.integers(1, 9, users)
    subjects = np.repeat(np.arange(users), lengths)
    chance.shuffle(subjects)
    for part in np.array_split(subjects, 40):
        named = [f"user-{number}" for number in part]
        more = event_shape([1] * len(part), [0] * len(part), named)
        bits = add_shape(known, {**more, "items by brand": Counter(named)}, bits)
        assert len(known[USERS]) <= MOST_USERS
        assert len(known["items by brand"]) <= 2 * MOST_KEYS + len(part)
    assert known["items by brand"].total() == len(subjects)
    assert known["items by brand"][OTHERS] > 0
    estimate = history_lengths(known, bits)
    assert bits >= 4
    assert abs(sum(estimate.values()) - users) < users / 10
    assert list(estimate) == ["1", "2", "3-4", "5-8"]
    assert abs(estimate["5-8"] / users - 0.5) < 0.05
