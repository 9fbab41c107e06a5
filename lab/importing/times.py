"""Points in time as shops write them."""

import re
from datetime import UTC, date, datetime, tzinfo

_EPOCH = re.compile(r"-?\d{9,13}(\.\d+)?")
_OFFSET = re.compile(r"[T ]\d.*[+-]\d\d(:?\d\d){0,2}$")
_LARGEST_SECONDS = 1e11
"""More than this, as a number, is milliseconds."""


def names_no_zone(written: object) -> bool:
    """Say whether a time depends on where its clock hung: it names neither a zone nor an offset."""
    if isinstance(written, str):
        text = written.strip()
        return bool(text) and text[-1] not in "Zz" and not _OFFSET.search(text) and not _EPOCH.fullmatch(text)
    if isinstance(written, datetime):
        return written.tzinfo is None
    return isinstance(written, date)


def in_zone(written: object, zone: tzinfo) -> object:
    """Return a time that names no zone as one of `zone`; what is no time is returned as it is."""
    try:
        return moment(written).replace(tzinfo=zone)
    except ValueError:
        return written


def moment(written: object) -> datetime:
    """Read ISO 8601, a date, a datetime, or Unix seconds or milliseconds; without a zone it is UTC.

    Raises: ValueError when it is none of these.
    """
    if isinstance(written, str):
        text = written.strip()
        if _EPOCH.fullmatch(text):
            return _of_number(float(text))
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text[:40]!r} is not a time; write it as 2026-01-31T12:00:00Z") from None
    elif isinstance(written, datetime):
        found = written
    elif isinstance(written, date):
        found = datetime(written.year, written.month, written.day)
    elif isinstance(written, int | float) and not isinstance(written, bool):
        return _of_number(written)
    else:
        raise ValueError(f"{written!r} is not a time; write it as 2026-01-31T12:00:00Z")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _of_number(written: float) -> datetime:
    try:
        seconds = float(written)
        return datetime.fromtimestamp(seconds / 1000 if abs(seconds) > _LARGEST_SECONDS else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{str(written)[:40]} is not a time; write it as 2026-01-31T12:00:00Z") from None
