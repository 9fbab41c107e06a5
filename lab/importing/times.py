"""Points in time as shops write them."""

import re
from datetime import UTC, date, datetime

_EPOCH = re.compile(r"-?\d{9,13}(\.\d+)?")
_LARGEST_SECONDS = 1e11
"""More than this, as a number, is milliseconds."""


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
        return _of_number(float(written))
    else:
        raise ValueError(f"{written!r} is not a time; write it as 2026-01-31T12:00:00Z")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _of_number(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds / 1000 if abs(seconds) > _LARGEST_SECONDS else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{seconds} is not a time; write it as 2026-01-31T12:00:00Z") from None
