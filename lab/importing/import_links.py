"""Relations between products (related, upsell, cross-sell): read and accounted for, not imported.

The catalogue's contract has no place for relations; a file that a shop exports with its products is still read to its
end, so that nobody wonders where its rows went.
"""

from collections.abc import Iterable, Sequence

from lab.importing.columns import ColumnMapper
from lab.importing.items import identifier
from lab.importing.ledger import Ledger
from lab.importing.mapping import KindMapping
from lab.importing.problems import RowRefused, Violation
from lab.importing.reading.rows import BrokenRow, Row
from lab.importing.sending import Services

ROWS_A_BATCH = 2_000
_ENDS = ("item_id", "linked_item_id")
_NO_PLACE = Violation("", "no_place", "the catalogue keeps no relations; the shelf 'complete the look' learns its own")


class LinkImport:
    """One file of relations."""

    def __init__(self, mapping: KindMapping, ledger: Ledger, services: Services | None) -> None:
        self._mapper = ColumnMapper(mapping, ledger.filled)
        self._ledger = ledger
        self._services = services
        self._pending: list[tuple[Row, list[str]]] = []

    def run(self, rows: Iterable[Row | BrokenRow]) -> None:
        """Account for every row; those whose items are not there are held. Raises: ServiceRefused."""
        for row in rows:
            self._ledger.read()
            if isinstance(row, BrokenRow):
                self._ledger.broken(row)
            else:
                self._take(row)
            if self._ledger.open.read_count == ROWS_A_BATCH:
                self._settle()
        self._settle()

    def _take(self, row: Row) -> None:
        fields = self._mapper.fields_of(row.values)
        try:
            ends = [identifier(fields.get(name), name, required=True) for name in _ENDS]
        except RowRefused as refusal:
            self._ledger.rejected(row.line, refusal.violation, row.values)
        else:
            self._pending.append((row, ends))

    def _settle(self) -> None:
        pending, self._pending = self._pending, []
        missing = self._missing(sorted({item_id for _, ends in pending for item_id in ends}))
        for row, ends in pending:
            lacking = [item_id for item_id in dict.fromkeys(ends) if item_id in missing]
            if lacking:
                self._ledger.dangling("items", row.line, lacking[0])
                self._ledger.held(row, lacking)
            else:
                self._ledger.rejected(row.line, _NO_PLACE, row.values)
        self._ledger.commit()
        self._ledger.checkpoint()

    def _missing(self, item_ids: Sequence[str]) -> set[str]:
        if self._services is None:
            return set()
        return set(self._services.missing_item_ids(self._ledger.report.shop_id, item_ids))
