"""One import from file to report: what the command, the demo and the tests call."""

import hashlib
import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from lab.importing.checkpoint import ImportFolder, file_identity
from lab.importing.import_campaigns import CampaignImport
from lab.importing.import_events import EventImport
from lab.importing.import_items import ItemImport
from lab.importing.import_links import LinkImport
from lab.importing.import_pictures import PictureImport
from lab.importing.ledger import Ledger
from lab.importing.mapping import KindMapping, load_mapping
from lab.importing.pictures import PictureFolder
from lab.importing.problems import FileRefused
from lab.importing.reading.formats import open_source
from lab.importing.reading.reading import Progress, Reading
from lab.importing.report import ImportReport, report_of
from lab.importing.sending import Services

Kind = Literal["items", "changes", "events", "pictures", "campaigns", "links"]


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
    work: Path | None = None
    """Where checkpoints are kept, so that a repeated import goes on where a killed one stood; None: nowhere."""
    restart: bool = False
    """Forget the checkpoint and begin at the beginning."""


class _Importer(Protocol):
    def run(self, rows: Reading) -> None:
        """Import the rows that are still to be imported.

        Counts them into the ledger, and commits and checkpoints it after each acknowledged batch.
        """


def run_import(
    job: ImportJob, services: Services | None, now: datetime, progress: Progress = lambda *_: None
) -> ImportReport:
    """Import a file; without services it is a dry run: everything is read and checked, nothing is sent.

    A file that breaks off is imported as far as it goes; the report's `problems` say where it broke.
    Raises: MappingRefused; FileRefused when the file cannot be opened; ServiceRefused.
    """
    mapping = load_mapping(job.mapping, job.kind)
    if job.rejects is not None and job.rejects.resolve() == job.path.resolve():
        raise FileRefused(f"{job.rejects} is the file to be imported; name another reject file.")
    with tempfile.TemporaryDirectory(prefix="vitrine-import-") as temporary:
        durable = job.work is not None and services is not None
        folder = ImportFolder(_folder_of(job, mapping) if durable else Path(temporary))
        finished = False
        try:
            report = _run_in(folder, job, mapping, services, now, progress)
            finished = True
        finally:
            if job.rejects is not None and folder.rejects.exists():
                job.rejects.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder.rejects, job.rejects)
            folder.leave(finished=finished)
    return report


def _run_in(
    folder: ImportFolder,
    job: ImportJob,
    mapping: KindMapping,
    services: Services | None,
    now: datetime,
    progress: Progress,
) -> ImportReport:
    begun = folder.enter(restart=job.restart)
    report = ImportReport(job.kind, str(job.path), job.shop_id, dry_run=services is None)
    if begun is not None:
        report = report_of(begun.report)
        report.resumed_rows = report.read
    started_s = time.monotonic()
    source = open_source(job.path, mapping.file)
    ledger = Ledger(report, folder, begun)
    try:
        reading = Reading(source, report.read, progress, report.problems)
        _importer(job, mapping, ledger, services, now).run(reading)
        ledger.commit()
    finally:
        ledger.close()
        source.close()
        report.seconds = time.monotonic() - started_s
    if report.read == 0 and not report.problems:
        report.problems.append(f"{job.path} holds no rows")
    if not report.balanced():
        raise AssertionError(f"the import lost count: {report.as_dict()}")
    return report


def _folder_of(job: ImportJob, mapping: KindMapping) -> Path:
    """Return the folder of an import: the same for the same file with the same mapping into the same shop."""
    assert job.work is not None
    identity = f"{file_identity(job.path)} {mapping.model_dump_json()} {job.picture_folder}"
    key = hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
    return job.work / "imports" / job.shop_id / f"{job.kind}-{key}"


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
