"""What the data looks like: counts for the report's plots, made while reading, in constant memory."""

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from math import floor, log10
from typing import Any

import numpy as np

from lab.importing.money import decimals_of
from vitrine.common.v1 import common_pb2

Shape = dict[str, Counter[str]]
"""Counts by key, by chart."""

USERS = "events of a sample of users"
"""Chart of event counts by hash of the user: thinned out as a whole, so that each user kept has all their events."""
MOST_USERS = 4_096
MOST_KEYS = 2_000
OTHERS = "(others)"
NONE = "(none)"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY_S = 86_400
_THURSDAY = 3  # 1 January 1970
_STEPS = (1, 2, 5, 10)
_STOCK_BANDS = ((100, "100 or more"), (10, "10-99"), (1, "1-9"), (0, "none"))


def event_shape(actions: Sequence[int], seconds: Sequence[int], subjects: Sequence[str]) -> Shape:
    """Return the shape of events given in columns: Action numbers, Unix seconds, and user (or session) ids."""
    at = np.asarray(seconds, np.int64)
    names = Counter(actions)
    return {
        "events by day": Counter({_day(day): n for day, n in _counted(at // _DAY_S)}),
        "events by hour (UTC)": Counter({f"{hour:02d}": n for hour, n in _counted(at // 3_600 % 24)}),
        "events by weekday": Counter({WEEKDAYS[day]: n for day, n in _counted((at // _DAY_S + _THURSDAY) % 7)}),
        "events by action": Counter({_action(number): n for number, n in names.items()}),
        USERS: _by_hash(Counter(subjects)),
    }


def shape_of_events(events: Iterable[Any]) -> Shape:
    """Return the shape of events given as messages."""
    rows = [(each.action, each.occurred_at.seconds, each.user_id or each.session_id) for each in events]
    actions, seconds, subjects = zip(*rows, strict=True) if rows else ((), (), ())
    return event_shape(actions, seconds, subjects)


def shape_of_items(items: Iterable[Any]) -> Shape:
    """Return the shape of items given as ItemInput messages."""
    names = ("items by category", "items by brand", "items by price", "items by stock", "items by language")
    shape: Shape = {name: Counter() for name in (*names, "items by pictures", "items without")}
    for item in items:
        shape["items by category"]["/".join(item.category.split("/")[:2]) or NONE] += 1
        shape["items by brand"][item.brand or NONE] += 1
        price = item.price
        shape["items by price"][f"{price.currency} {price_band(price.amount_minor, price.currency)}"] += 1
        shape["items by stock"][_stock_band(item)] += 1
        shape["items by language"].update(item.titles.keys())
        shape["items by pictures"][str(len(item.images))] += 1
        shape["items without"].update(_gaps(item))
    return shape


def add_shape(known: Shape, more: Mapping[str, Counter[str]], sample_bits: int) -> int:
    """Add a shape to another, which stays small; return how many bits of a user's hash are 0 in the sample."""
    for chart, counts in more.items():
        there = known.setdefault(chart, Counter())
        if chart == USERS:
            sample_bits = _add_users(there, counts, sample_bits)
            continue
        there.update(counts)
        if len(there) > 2 * MOST_KEYS:
            for key, count in there.most_common()[MOST_KEYS:]:
                del there[key]
                there[OTHERS] += count
    return sample_bits


def history_lengths(shape: Shape, sample_bits: int) -> dict[str, int]:
    """Return about how many users have 1, 2, 3-4, 5-8, ... events, scaled up from the sample."""
    lengths = shape.get(USERS, Counter())
    if not lengths:
        return {}
    edges = [0, *(1 << power for power in range(int(max(lengths.values())).bit_length() + 1))]
    found: dict[str, int] = {}
    for low, high in pairwise(edges):
        name = str(high) if high - low == 1 else f"{low + 1}-{high}"
        found[name] = sum(low < length <= high for length in lengths.values()) << sample_bits
    while found and not found[list(found)[-1]]:
        found.popitem()
    return found


@lru_cache(maxsize=16_384)
def price_band(amount_minor: int, currency: str) -> str:
    """Return the lower end of a price's band in the series 1, 2, 5, 10, 20, ... of the currency's major unit."""
    major = amount_minor / 10 ** decimals_of(currency)
    if major <= 0:
        return "0"
    power = floor(log10(major))
    step = max(step for step in _STEPS if step <= major / 10**power + 1e-9)
    return f"{step * 10.0**power:g}"


def _add_users(there: Counter[str], counts: Counter[str], bits: int) -> int:
    kept = {key: count for key, count in counts.items() if int(key) % (1 << bits) == 0} if bits else counts
    there.update(kept)
    while len(there) > MOST_USERS:
        bits += 1
        for key in [key for key in there if int(key) % (1 << bits)]:
            del there[key]
    return bits


def _by_hash(subjects: Mapping[str, int]) -> Counter[str]:
    hashed: Counter[str] = Counter()
    for subject, count in subjects.items():
        hashed[str(zlib.crc32(subject.encode()))] += count
    return hashed


def _counted(values: Any) -> list[tuple[int, int]]:
    keys, counts = np.unique(values, return_counts=True)
    return list(zip(keys.tolist(), counts.tolist(), strict=True))


def _day(number: int) -> str:
    return datetime.fromtimestamp(number * _DAY_S, UTC).date().isoformat()


def _action(number: int) -> str:
    return str(common_pb2.Action.Name(common_pb2.Action.ValueType(number))).removeprefix("ACTION_").lower()


def _stock_band(item: Any) -> str:
    if not item.HasField("stock"):
        return "not tracked"
    return next(
        name for low, name in ((100, "100 or more"), (10, "10-99"), (1, "1-9"), (0, "none")) if item.stock >= low
    )


def _gaps(item: Any) -> list[str]:
    there = {
        "a picture": item.images, "a description": item.descriptions, "a brand": item.brand,
        "a category": item.category, "a stock count": item.HasField("stock"), "attributes": item.attributes,
        "a link": item.link,
    }  # fmt: skip
    return [name for name, value in there.items() if not value]
