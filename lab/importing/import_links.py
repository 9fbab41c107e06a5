"""Relations between products (related, upsell, cross-sell): read and accounted for, not imported.

The catalogue's contract has no place for relations; a file that a shop exports with its products is still read to its
end, so that nobody wonders where its rows went.
"""

from collections.abc import Iterable

from lab.importing.columns import ColumnMapper
from lab.importing.items import identifier
from lab.importing.ledger import Ledger
from lab.importing.mapping import KindMapping
from lab.importing.problems import RowRefused, Violation
from lab.importing.reading.rows import BrokenRow, Row

ROWS_A_BATCH = 2_000
_NO_PLACE = Violation("", "no_place", "the catalogue keeps no relations; the shelf 'complete the look' learns its own")


class LinkImport:
    """One file of relations."""

    def __init__(self, mapping: KindMapping, ledger: Ledger, known_items: frozenset[str]) -> None:
        self._mapper = ColumnMapper(mapping, ledger.filled)
        self._ledger = ledger
        self._known_items = known_items

    def run(self, rows: Iterable[Row | BrokenRow]) -> None:
        """Account for every row."""
        for row in rows:
            self._ledger.read()
            if isinstance(row, BrokenRow):
                self._ledger.broken(row)
            else:
                self._ledger.rejected(row.line, self._verdict(row), row.values)
            if self._ledger.open.read_count == ROWS_A_BATCH:
                self._ledger.commit()
                self._ledger.checkpoint()

    def _verdict(self, row: Row) -> Violation:
        fields = self._mapper.fields_of(row.values)
        try:
            ends = [identifier(fields.get(name), name, required=True) for name in ("item_id", "linked_item_id")]
        except RowRefused as refusal:
            return refusal.violation
        for name, item_id in zip(("item_id", "linked_item_id"), ends, strict=True):
            if self._known_items and item_id not in self._known_items:
                self._ledger.dangling("items", row.line, item_id)
                return Violation(name, "item_unknown", f"there is no item {item_id}")
        return _NO_PLACE
