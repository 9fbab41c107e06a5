"""Imports held rows whose items have come."""

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lab.importing.checkpoint import ImportFolder
from lab.importing.held import HeldStore, Origin
from lab.importing.importers import Surroundings, importer_of
from lab.importing.ledger import Ledger
from lab.importing.pictures import PictureFolder
from lab.importing.reading.reading import Reading
from lab.importing.reading.rows import Row
from lab.importing.report import ImportReport
from lab.importing.sending import Services

_UNCHANGED = 0


def join_held(store: HeldStore, shop_id: str, services: Services, now: datetime) -> Counter[str]:
    """Import what waited for items that are there now; return rows by kind and fate, such as "pictures imported".

    Cut at any point and repeated it does the rest: a row leaves the store when what it brings is acknowledged. Rows
    that are refused stay in the store with the reason. Raises: ServiceRefused.
    """
    for item_ids in store.awaited():
        missing = set(services.missing_item_ids(shop_id, item_ids))
        store.arrived([item_id for item_id in item_ids if item_id not in missing])
    fates: Counter[str] = Counter()
    for origin_id, origin in store.ready():
        report = _join(store, origin_id, origin, shop_id, (services, now))
        for fate in ("imported", "merged", "held", "rejected"):
            if getattr(report, fate):
                fates[f"{origin.kind} {fate}"] += getattr(report, fate)
    return fates


def _join(
    store: HeldStore, origin_id: int, origin: Origin, shop_id: str, to: tuple[Services, datetime]
) -> ImportReport:
    report = ImportReport(origin.kind, origin.file, shop_id)
    with tempfile.TemporaryDirectory(prefix="vitrine-join-") as temporary:
        folder = ImportFolder(Path(temporary))
        ledger = Ledger(report, folder, hold=lambda rows: store.hold(origin, rows))
        try:
            around = Surroundings(origin.mapping, PictureFolder(Path(origin.pictures)), *to)
            importer_of(origin.kind, ledger, around).run(Reading(_HeldRows(store, origin_id)))
            ledger.commit()
        finally:
            ledger.close()
        rejects = [json.loads(line) for line in folder.rejects.read_text(encoding="utf-8").splitlines()]
    store.settle(origin_id, [(entry["line"], entry["row"], entry["remedy"]) for entry in rejects])
    return report


@dataclass
class _HeldRows:
    """Held rows as a source of rows."""

    store: HeldStore
    origin_id: int
    total_bytes: int = _UNCHANGED

    def rows(self, skip: int = 0) -> Iterator[Row]:
        """Yield the rows; a join is never resumed, so none are skipped."""
        del skip
        return self.store.rows(self.origin_id)

    def bytes_read(self) -> int:
        """Held rows are not measured in bytes."""
        return _UNCHANGED

    def close(self) -> None:
        """The store is closed by its owner."""
