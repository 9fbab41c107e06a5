"""Where a reader of changes is: after one item of one transaction.

Transactions get their ids when they begin to write and may commit in another order. Readers therefore only see
changes of transactions below the oldest one still running (`pg_snapshot_xmin`): nothing can appear behind a cursor.
"""

from dataclasses import dataclass
from typing import Self

from services.kit.errors import InvalidRequest


@dataclass(frozen=True)
class Cursor:
    """After this item of this transaction; the empty cursor is before everything."""

    xid: int = 0
    item_id: str = ""

    def __str__(self) -> str:
        return f"{self.xid}:{self.item_id}"

    @classmethod
    def parse(cls, text: str, field: str = "cursor") -> Self:
        """Read what `str` wrote; "" is the empty cursor. Raises: InvalidRequest."""
        if not text:
            return cls()
        xid, separator, item_id = text.partition(":")
        if not separator or not xid.isdecimal() or len(xid) > 19 or "\x00" in item_id:
            raise InvalidRequest.of(field, "send a cursor as it was received, or leave it empty to start anew")
        return cls(int(xid), item_id)
