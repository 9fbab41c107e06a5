"""Between the domain's microseconds and PostgreSQL's timestamps: both count whole microseconds, so nothing is lost."""

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def moment(us: int) -> datetime:
    """The aware datetime of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=us)


def optional_moment(us: int | None) -> datetime | None:
    """As `moment`, None for None."""
    return None if us is None else moment(us)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime."""
    return (moment - EPOCH) // _MICROSECOND


def optional_microseconds(moment: datetime | None) -> int | None:
    """As `microseconds`, None for None."""
    return None if moment is None else microseconds(moment)
