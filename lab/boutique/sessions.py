"""Visits: who comes when, on what, signed in or not."""

from dataclasses import dataclass

import numpy as np

from lab.boutique.calendar import DAY_MS, Calendar, Times
from lab.boutique.catalogue import Column
from lab.boutique.regions import REGIONS
from lab.boutique.users import CHANNELS, DEVICES, Users

SIGNED_IN, SIGNS_IN_LATER, ANONYMOUS = 0, 1, 2
MAX_SESSIONS = 40
NEWCOMERS = 0.08
"""Users whose first visit falls into the last five days."""


@dataclass(frozen=True)
class Sessions:
    """Sessions in columns, ordered by start."""

    user: Column
    """Who it really is, signed in or not."""
    start_ms: Times
    device: Column
    channel: Column
    kind: Column
    """SIGNED_IN, SIGNS_IN_LATER or ANONYMOUS."""

    @property
    def count(self) -> int:
        """Number of sessions."""
        return len(self.user)

    def of_day(self, calendar: Calendar, day: int) -> Column:
        """Rows of the sessions that start on a day."""
        low, high = np.searchsorted(self.start_ms, [calendar.day_ms(day), calendar.day_ms(day + 1)])
        return np.arange(low, high)


def session_id(row: int) -> str:
    """The shop's id of session `row`."""
    return f"session-{row + 1:06d}"


def make_sessions(users: Users, calendar: Calendar, rng: np.random.Generator) -> Sessions:
    """Every user's visits: more at weekends, in the evening where they live, and after they first came."""
    newcomer = rng.random(users.count) < NEWCOMERS
    first_day = np.where(newcomer, rng.integers(calendar.days - 5, calendar.days, users.count), 0)
    late = rng.random(users.count) < 0.45
    first_day = np.where(late & ~newcomer, rng.integers(0, calendar.days - 4, users.count), first_day)
    present = (calendar.days - first_day) / calendar.days
    expected = users.activity * np.maximum(present, 0.25)
    visits = np.clip(rng.poisson(expected), 1, MAX_SESSIONS)
    user = np.repeat(np.arange(users.count), visits)
    day = _days(first_day[user], calendar, rng)
    start = calendar.day_ms(0) + day * DAY_MS + _moments(users.region[user], rng)
    order = np.lexsort((user, start))
    user, start = user[order], start[order]
    kind = rng.choice([SIGNED_IN, SIGNS_IN_LATER, ANONYMOUS], len(user), p=[0.70, 0.16, 0.14])
    kind[np.unique(user, return_index=True)[1]] = SIGNED_IN  # everybody signed in when they registered
    away = rng.random(len(user)) < 0.22
    device = np.where(away, rng.choice(len(DEVICES), len(user), p=[0.35, 0.15, 0.5]), users.home_device[user])
    on_web = rng.random(len(user)) < np.where(device == DEVICES.index("desktop"), 0.92, 0.45)
    other = rng.choice(np.arange(1, len(CHANNELS)), len(user), p=[0.76, 0.14, 0.10])
    return Sessions(user, start, device, np.where(on_web, 0, other), kind)


def _days(first: Column, calendar: Calendar, rng: np.random.Generator) -> Column:
    """A day from each first day on; weekends are busier, and the shop grows."""
    days = np.arange(calendar.days)
    weekday = (calendar.end.toordinal() - calendar.days + days) % 7  # 0 is Sunday, 6 Saturday
    weight = np.where((weekday == 0) | (weekday == 6), 1.35, 1.0) * (1 + 0.6 * days / calendar.days)
    cumulative = np.concatenate([[0.0], np.cumsum(weight)])
    low = cumulative[first]
    draw = low + rng.random(len(first)) * (cumulative[-1] - low)
    return np.asarray(np.clip(np.searchsorted(cumulative, draw, side="right") - 1, first, calendar.days - 1))


def _moments(region: Column, rng: np.random.Generator) -> Times:
    """Milliseconds into the UTC day: evenings and lunch-times, local time."""
    evening = rng.random(len(region)) < 0.65
    local = np.where(evening, rng.normal(20, 2.4, len(region)), rng.normal(12.5, 2.2, len(region)))
    offset = np.array([code.utc_offset_hours for code in REGIONS])[region]
    hours = (local - offset) % 24
    return np.asarray(np.clip(hours * 3_600_000, 0, DAY_MS - 1_500_000), dtype=np.int64)
