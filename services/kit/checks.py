"""Field checks for the `requests.py` of each service: they collect every violation and raise once."""

import math
import re
from collections.abc import Iterable, Sized
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.errors import FieldViolation, InvalidRequest
from vitrine.common.v1 import common_pb2

if TYPE_CHECKING:
    from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper

SHOP_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
RELEASE_ID = re.compile(r"r[0-9]{1,20}")
_LOCALE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}")
_REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_PAGE = re.compile(r"home|category:.+|item:.+")

MAX_ID_CHARS = 128
MAX_CHANNEL_CHARS = 32
MAX_REFERRER_CHARS = 2_048
MAX_PAGE_CHARS = 512


class Checks:
    """Collects violations field by field; `raise_if_any` ends it.

    Each check returns True when the field is in order, so that dependent checks can be skipped.
    """

    def __init__(self) -> None:
        self._violations: list[FieldViolation] = []

    @property
    def violations(self) -> tuple[FieldViolation, ...]:
        """What was found so far."""
        return tuple(self._violations)

    def raise_if_any(self) -> None:
        """Raise InvalidRequest naming every violated field; return when there is none."""
        if self._violations:
            raise InvalidRequest(self._violations)

    def that(self, condition: bool, field: str, description: str) -> bool:
        """Add a violation unless the condition holds. The description says what to send instead."""
        if not condition:
            self._violations.append(FieldViolation(field, description))
        return condition

    def shop_id(self, value: str, field: str = "shop_id") -> bool:
        """Check a shop's id."""
        return self.that(
            SHOP_ID.fullmatch(value) is not None,
            field,
            "required: 1 to 64 characters of a-z, 0-9, '-' and '_', starting with a letter or digit",
        )

    def request_id(self, value: str, field: str = "request_id", *, required: bool = False) -> bool:
        """Check an idempotency and log id."""
        return self.identifier(field, value, required=required)

    def release_id(self, value: str, field: str = "release_id", *, required: bool = False) -> bool:
        """Check a release's id, "r" and its version."""
        if not value:
            return self.that(not required, field, "required: the id of a release, such as r20260131120000")
        return self.that(RELEASE_ID.fullmatch(value) is not None, field, "send 'r' and the release's version number")

    def identifier(self, field: str, value: str, *, required: bool = False, max_length: int = MAX_ID_CHARS) -> bool:
        """Check an id of the shop's own: printable characters without surrounding blanks."""
        if not value:
            return self.that(not required, field, f"required: 1 to {max_length} printable characters")
        if len(value) <= max_length and value.isprintable() and value == value.strip():
            return True
        return self.that(False, field, f"send 1 to {max_length} printable characters without surrounding blanks")

    def text(self, field: str, value: str, *, max_length: int, required: bool = False) -> bool:
        """Check free text: its length, and that it holds no NUL (which PostgreSQL cannot store)."""
        if not value.strip():
            return self.that(not required, field, f"required: 1 to {max_length} characters")
        if len(value) <= max_length and "\x00" not in value:
            return True
        return self.that(False, field, f"send at most {max_length} characters and no NUL; got {len(value)}")

    def number(self, field: str, value: float, low: float, high: float) -> bool:
        """Check that a number is finite and within the closed range."""
        if math.isfinite(value) and low <= value <= high:
            return True
        return self.that(False, field, f"send a number from {low:,} to {high:,}; got {value}")

    def count(self, field: str, values: Sized, low: int, high: int) -> bool:
        """Check how many elements a repeated field has."""
        size = len(values)
        if low <= size <= high:
            return True
        return self.that(False, field, f"send {low:,} to {high:,} elements; got {size:,}")

    def finite(self, field: str, values: Iterable[float]) -> bool:
        """Check that no component is NaN or infinite."""
        return self.that(all(map(math.isfinite, values)), field, "send finite numbers; NaN and infinity are refused")

    def known_enum(self, field: str, value: int, enum: "_EnumTypeWrapper[Any]", *, required: bool = False) -> bool:
        """Check that an enum number is declared, and when required that it is not the 0 of 'not said'."""
        if value == 0:
            return self.that(not required, field, "required: set one of the declared values")
        return self.that(value in enum.values(), field, f"{value} is not a declared value; see the contract")

    def timestamp(
        self,
        field: str,
        value: Timestamp,
        *,
        required: bool = False,
        earliest: datetime | None = None,
        latest: datetime | None = None,
    ) -> bool:
        """Check that a timestamp is set where required, valid, and within the bounds (aware datetimes)."""
        if value.seconds == 0 and value.nanos == 0:
            return self.that(not required, field, "required: set the time")
        try:
            moment = value.ToDatetime(tzinfo=UTC)
        except (ValueError, OverflowError):
            return self.that(False, field, "send a time between the years 1 and 9999 with 0 to 999,999,999 nanos")
        if earliest is not None and moment < earliest:
            return self.that(False, field, f"send a time not before {earliest.isoformat()}")
        late = latest is not None and moment > latest
        return self.that(not late, field, f"send a time not after {latest.isoformat() if latest else ''}")

    def locale(self, field: str, value: str) -> bool:
        """Check the form of a BCP 47 tag; empty is allowed."""
        fits = not value or (len(value) <= 35 and _LOCALE.fullmatch(value) is not None)
        return self.that(fits, field, "send a BCP 47 language tag such as 'en' or 'es-MX'")

    def region(self, field: str, value: str) -> bool:
        """Check the form of an ISO 3166 country or subdivision; empty is allowed."""
        fits = not value or _REGION.fullmatch(value) is not None
        return self.that(fits, field, "send an ISO 3166 code in capitals such as 'DE' or 'CN-31'")

    def currency(self, field: str, value: str, *, required: bool = False) -> bool:
        """Check the form of an ISO 4217 code; empty is allowed unless required."""
        fits = _CURRENCY.fullmatch(value) is not None if value else not required
        return self.that(fits, field, "send an ISO 4217 code of three capital letters such as 'EUR'")

    def visit_context(self, prefix: str, visit: common_pb2.VisitContext, *, needs_subject: bool = False) -> bool:
        """Check a VisitContext by the rules of its contract; violations are named `<prefix>.<field>`."""
        before = len(self._violations)
        if needs_subject:
            self.that(
                bool(visit.user_id or visit.session_id),
                f"{prefix}.user_id",
                "required: set user_id, or session_id for an anonymous visitor",
            )
        self.identifier(f"{prefix}.user_id", visit.user_id)
        self.identifier(f"{prefix}.session_id", visit.session_id)
        self.identifier(f"{prefix}.channel", visit.channel, max_length=MAX_CHANNEL_CHARS)
        self.locale(f"{prefix}.locale", visit.locale)
        self.region(f"{prefix}.region", visit.region)
        self.currency(f"{prefix}.currency", visit.currency)
        self.known_enum(f"{prefix}.device", visit.device, common_pb2.Device)
        page_fits = len(visit.page) <= MAX_PAGE_CHARS and (not visit.page or _PAGE.fullmatch(visit.page))
        self.that(bool(page_fits), f"{prefix}.page", "send 'home', 'category:<path>' or 'item:<item_id>'")
        self.text(f"{prefix}.referrer", visit.referrer, max_length=MAX_REFERRER_CHARS)
        self.release_id(visit.release_id, f"{prefix}.release_id")
        return len(self._violations) == before
