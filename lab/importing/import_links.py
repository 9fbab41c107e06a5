"""The import of links between items (related, upsell, cross-sell): sent as they are, whether or not both ends exist.

The catalogue keeps a link whose item or target is missing and answers it once both are there, so nothing is held here.
"""

from collections.abc import Iterable
from typing import Any

from lab.importing.columns import ColumnMapper
from lab.importing.items import identifier
from lab.importing.ledger import Ledger
from lab.importing.mapping import KindMapping
from lab.importing.problems import RowRefused, Violation
from lab.importing.reading.rows import BrokenRow, Row
from lab.importing.sending import Services
from vitrine.item_vision.v1 import item_vision_pb2 as pb

ROWS_A_BATCH = 2_000
LINKS_AN_ENTRY = 200
KINDS = {
    name.removeprefix("LINK_KIND_").lower().replace("_", ""): number for name, number in pb.LinkKind.items() if number
}
"""Names as shops write them, blanks, hyphens and underscores taken out."""


class LinkImport:
    """One file of links. They are added to those that an item has; the first of the file come first."""

    def __init__(self, mapping: KindMapping, ledger: Ledger, services: Services | None) -> None:
        self._mapper = ColumnMapper(mapping, ledger.filled)
        self._ledger = ledger
        self._services = services
        self._pending: dict[str, list[tuple[Row, Any]]] = {}

    def run(self, rows: Iterable[Row | BrokenRow]) -> None:
        """Import the rows; without services they are only checked. Raises: ServiceRefused."""
        for row in rows:
            self._ledger.read()
            if isinstance(row, BrokenRow):
                self._ledger.broken(row)
            else:
                self._take(row)
            if self._ledger.open.read_count == ROWS_A_BATCH:
                self._send()
        self._send()

    def _take(self, row: Row) -> None:
        try:
            fields = self._mapper.fields_of(row.values)
            item_id = identifier(fields.get("item_id"), "item_id", required=True)
            target = identifier(fields.get("linked_item_id"), "linked_item_id", required=True)
            link = pb.ItemLink(kind=_kind(fields.get("relation")), item_id=target)
            if target == item_id:
                raise RowRefused("linked_item_id", "link_to_itself", "an item cannot be linked to itself")
        except RowRefused as refusal:
            self._ledger.rejected(row.line, refusal.violation, row.values)
            return
        there = self._pending.setdefault(item_id, [])
        if any(link == other for _, other in there):
            self._ledger.merged("same content")
        else:
            there.append((row, link))

    def _send(self) -> None:
        pending = [
            (item_id, there[start : start + LINKS_AN_ENTRY])
            for item_id, there in self._pending.items()
            for start in range(0, len(there), LINKS_AN_ENTRY)
        ]
        self._pending = {}
        refused: dict[int, Violation] = {}
        if self._services is not None and pending:
            entries = [
                pb.ItemLinks(item_id=item_id, links=[link for _, link in there], keep_others=True)
                for item_id, there in pending
            ]
            answer = self._services.put_links(self._ledger.report.shop_id, entries)
            self._ledger.open.dangling("links whose items are not there yet", count=int(answer.held_count))
            self._ledger.filled("links: the first 200 of an item kept", int(answer.dropped_count))
            refused = {
                each.index: Violation(each.field, each.reason.lower(), each.description) for each in answer.errors
            }
        for place, (_, there) in enumerate(pending):
            for row, _ in there:
                if place in refused:
                    self._ledger.rejected(row.line, refused[place], row.values)
                else:
                    self._ledger.imported()
        self._ledger.commit()
        self._ledger.checkpoint()


def _kind(value: Any) -> Any:
    written = "".join(character for character in str(value or "").lower() if character.isalnum())
    if written not in KINDS:
        raise RowRefused("relation", "relation_unknown", f"{str(value)[:40]!r} is none of related, upsell, crosssell")
    return KINDS[written]
