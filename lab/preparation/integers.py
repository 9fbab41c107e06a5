"""Whole-number arithmetic that every engine does alike: days, hours, weekdays, and sums that stay integers.

Moments are int64 microseconds since 1970 UTC, never an engine's own timestamps: those depend on a session's time zone.
"""

from typing import Any, Final

import ibis

Column = Any
"""An Ibis value expression; the package has no types."""

SECOND_US: Final = 1_000_000
HOUR_US: Final = 3_600 * SECOND_US
DAY_US: Final = 24 * HOUR_US
WINDOWS_DAYS: Final = (1, 7, 30)
"""Popularity is counted over the last so many whole days."""


def quotient(value: Column, divisor: int) -> Column:
    """Whole quotient of a value of at least 0. The division leaves no remainder, so that no engine can round it."""
    return ((value - value % divisor) / divisor).cast("int64")


def day_start(moment_us: Column) -> Column:
    """The midnight (UTC) that a moment's day begins with, in microseconds."""
    return (moment_us - moment_us % DAY_US).cast("int64")


def hour_of_day(moment_us: Column) -> Column:
    """0 to 23."""
    return quotient(moment_us % DAY_US, HOUR_US)


def weekday(moment_us: Column) -> Column:
    """0 is Monday: 1 January 1970 was a Thursday."""
    return ((quotient(moment_us, DAY_US) + 3) % 7).cast("int64")


def count_where(condition: Column) -> Column:
    """How many rows of a group meet a condition, 0 included."""
    return ibis.ifelse(condition, 1, 0).sum().cast("int64")


def total_where(condition: Column, value: Column) -> Column:
    """Sum of an integer over the rows of a group that meet a condition, 0 included."""
    return ibis.ifelse(condition, value, 0).sum().cast("int64")


def share(part: Column, whole: Column) -> Column:
    """Part / whole as float64, null where the whole is 0. Of the same integers every engine makes the same number."""
    return part / whole.nullif(0)
