"""One import from file to report: what the command, the demo and the tests call."""

import hashlib
import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from lab.importing.checkpoint import ImportFolder, file_identity
from lab.importing.held import HeldStore, Origin
from lab.importing.importers import Kind, Surroundings, importer_of
from lab.importing.joining import join_held
from lab.importing.ledger import Ledger
from lab.importing.mapping import KindMapping, load_mapping
from lab.importing.pictures import PictureFolder
from lab.importing.problems import FileRefused
from lab.importing.reading.formats import open_source
from lab.importing.reading.reading import Progress, Reading
from lab.importing.reading.rejects import is_reject_file
from lab.importing.reconcile import Reconcile
from lab.importing.report import ImportReport, report_of
from lab.importing.sending import Services

__all__ = ["ImportJob", "Kind", "held_store", "run_import"]


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
    """Where checkpoints and held rows are kept, so that a repeated import goes on where a killed one stood.

    Without one, an import that is cut begins again, and rows whose items are missing are rejected.
    """
    restart: bool = False
    """Forget the checkpoint and begin at the beginning."""
    whole: Reconcile | None = None
    """That a file of items is the shop's whole catalogue: items that it does not name are retired."""


def held_store(work: Path, shop_id: str) -> HeldStore:
    """Return the holding store of a shop."""
    return HeldStore(work / "imports" / shop_id / "held.sqlite3")


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
    if job.whole is not None and job.path.is_file() and is_reject_file(job.path):
        raise FileRefused(f"{job.path} is a reject file, not the whole catalogue; import it without --mode full.")
    with tempfile.TemporaryDirectory(prefix="vitrine-import-") as temporary:
        durable = job.work is not None and services is not None
        folder = ImportFolder(_folder_of(job, mapping) if durable else Path(temporary))
        around = Surroundings(
            mapping, _pictures(job, mapping), services, now, job.whole if job.kind == "items" else None
        )
        finished = False
        try:
            report = _Run(job, around, folder, progress).report()
            finished = True
        finally:
            if job.rejects is not None and folder.entered and folder.rejects.exists():
                job.rejects.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder.rejects, job.rejects)
            folder.leave(finished=finished)
    return report


@dataclass(frozen=True)
class _Run:
    """One run of an import in its folder."""

    job: ImportJob
    around: Surroundings
    folder: ImportFolder
    progress: Progress

    def report(self) -> ImportReport:
        """Import what is left to import, then what was held and has its items now."""
        job, services = self.job, self.around.services
        begun = self.folder.enter(restart=job.restart)
        report = ImportReport(job.kind, str(job.path), job.shop_id, dry_run=services is None)
        if begun is not None:
            report = report_of(begun.report)
            report.resumed_rows = report.read
        started_s = time.monotonic()
        source = open_source(job.path, self.around.mapping.file)
        held = held_store(job.work, job.shop_id) if job.work is not None and services is not None else None
        origin = Origin(job.kind, str(job.path), self.around.mapping, str(self.around.pictures.root))
        keeping = () if held is None else (partial(held.hold, origin), partial(held.supersede, job.kind))
        ledger = Ledger(report, self.folder, begun, *keeping)
        try:
            reading = Reading(source, report.read, self.progress, report.problems)
            importer_of(job.kind, ledger, self.around).run(reading)
            ledger.commit()
            if held is not None and services is not None and job.kind in ("items", "changes"):
                report.joined.update(join_held(held, job.shop_id, services, self.around.now))
        finally:
            ledger.close()
            source.close()
            if held is not None:
                held.close()
            report.seconds = time.monotonic() - started_s
        return _checked(report)


def _checked(report: ImportReport) -> ImportReport:
    if report.read == 0 and not report.problems:
        report.problems.append(f"{report.file} holds no rows")
    if not report.balanced():
        raise AssertionError(f"the import lost count: {report.as_dict()}")
    return report


def _folder_of(job: ImportJob, mapping: KindMapping) -> Path:
    """Return the folder of an import: the same for the same file with the same mapping into the same shop."""
    assert job.work is not None
    identity = f"{file_identity(job.path)} {mapping.model_dump_json()} {job.picture_folder}"
    key = hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
    return job.work / "imports" / job.shop_id / f"{job.kind}-{key}"


def _pictures(job: ImportJob, mapping: KindMapping) -> PictureFolder:
    return PictureFolder(job.picture_folder or job.path.parent / mapping.picture_folder)
