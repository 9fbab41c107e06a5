"""One import from file to report: what the command, the demo and the tests call."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from lab.importing.import_campaigns import CampaignImport
from lab.importing.import_events import EventImport
from lab.importing.import_items import ItemImport
from lab.importing.import_links import LinkImport
from lab.importing.import_pictures import PictureImport
from lab.importing.mapping import KindMapping, load_mapping
from lab.importing.pictures import PictureFolder
from lab.importing.problems import FileRefused
from lab.importing.reading.formats import open_source
from lab.importing.reading.rows import BrokenRow, Row, Source
from lab.importing.report import ImportReport, Ledger
from lab.importing.sending import Services

Kind = Literal["items", "changes", "events", "pictures", "campaigns", "links"]
Progress = Callable[[int, int, int], None]
"""Called now and then with (bytes behind us, bytes in all, rows read)."""

_ROWS_BETWEEN_REPORTS = 500


@dataclass(frozen=True)
class ImportJob:
    """What to import."""

    kind: Kind
    path: Path
    shop_id: str
    mapping: str = "boutique"
    """A mapping file, or the name of a built-in one."""
    picture_folder: Path | None = None
    """Where relative picture paths begin; default: what the mapping says, relative to the file's folder."""
    rejects: Path | None = None
    """Where rejected rows are written as JSON Lines."""


class _Importer(Protocol):
    def run(self, rows: Iterator[Row | BrokenRow]) -> None:
        """Import the rows."""


def run_import(
    job: ImportJob, services: Services | None, now: datetime, progress: Progress = lambda *_: None
) -> ImportReport:
    """Import a file; without services it is a dry run: everything is read and checked, nothing is sent.

    A file that breaks off is imported as far as it goes; the report's `problems` say where it broke.
    Raises: MappingRefused; FileRefused when the file cannot be opened; ServiceRefused.
    """
    mapping = load_mapping(job.mapping, job.kind)
    report = ImportReport(job.kind, str(job.path), job.shop_id, dry_run=services is None)
    started_s = time.monotonic()
    source = open_source(job.path, mapping.file)
    try:
        with Ledger(report, job.rejects) as ledger:
            importer = _importer(job, mapping, ledger, services, now)
            importer.run(_watched(source, report, progress))
    finally:
        source.close()
        report.seconds = time.monotonic() - started_s
    if report.read == 0 and not report.problems:
        report.problems.append(f"{job.path} holds no rows")
    if not report.balanced():
        raise AssertionError(f"the import lost count: {report.as_dict()}")
    return report


def _importer(
    job: ImportJob, mapping: KindMapping, ledger: Ledger, services: Services | None, now: datetime
) -> _Importer:
    pictures = PictureFolder(job.picture_folder or job.path.parent / mapping.picture_folder)
    if job.kind in ("items", "changes"):
        return ItemImport(mapping, pictures, ledger, services)
    if job.kind == "pictures":
        return PictureImport(mapping, pictures, ledger, services)
    if job.kind == "campaigns":
        return CampaignImport(mapping.picture_address, ledger, services)
    known = services.known_item_ids(job.shop_id) if services is not None else frozenset()
    if known is None:
        ledger.report.note("item_vision is not reachable: whether the items exist was not checked")
    if job.kind == "links":
        return LinkImport(mapping, ledger, known or frozenset())
    return EventImport(mapping, ledger, services, now, known or frozenset())


def _watched(source: Source, report: ImportReport, progress: Progress) -> Iterator[Row | BrokenRow]:
    """Pass rows on, tell the progress, and turn a file that breaks off into a problem of the report."""
    count = 0
    try:
        for row in source.rows():
            yield row
            count += 1
            if count % _ROWS_BETWEEN_REPORTS == 0:
                progress(source.bytes_read(), source.total_bytes, count)
    except FileRefused as error:
        report.problems.append(str(error))
    progress(source.total_bytes, source.total_bytes, count)
