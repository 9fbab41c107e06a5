"""Runs the steps of preparation with an engine, and writes down what was made of what."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from lab.preparation.engines.engine import Budget, Engine, EngineName, open_engine
from lab.preparation.integers import DAY_US
from lab.preparation.tables import STEPS

Progress = Callable[[str, int, int], None]
"""(what, done, of how many)."""

MANIFEST: Final = "manifest.json"
EXPORTED: Final = ("events", "items")
STRAGGLERS: Final = 1_000
"""One event in so many may come long after the others and is then not the end of the log."""
STRAGGLING_US: Final = 7 * DAY_US


@dataclass(frozen=True)
class PrepareJob:
    """What to prepare, and where to."""

    shop_id: str
    exported: Path
    """Folder with `events.parquet` and `items.parquet`, as `vitrine export` writes them."""
    prepared: Path
    """Folder that the shop's prepared tables lie in, each preparation in one of its own."""
    now_us: int
    """Microseconds since 1970 UTC."""
    engine: EngineName = "duckdb"
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True)
class Prepared:
    """What was prepared; also the manifest beside it."""

    shop_id: str
    engine: str
    as_of_us: int
    """The moment that recency and popularity are counted back from."""
    sources: Mapping[str, Mapping[str, Any]]
    """By exported file: `sha256` and `rows`."""
    tables: Mapping[str, int]
    """Rows of each table."""
    seconds: Mapping[str, float]
    """Wall time of each table."""
    folder: Path

    def path(self, table: str) -> Path:
        """A Parquet file, or a folder of them, in the order of their names."""
        return self.folder / f"{table}.parquet"


def prepare(job: PrepareJob, progress: Progress = lambda *_: None) -> Prepared:
    """Make every table. The folder appears when it is complete, in place of an earlier one by the same engine: what
    was erased at its source is then gone here too. The same sources and moment give the same folder and rows.

    Raises: EngineMissing; OSError.
    """
    sources = {name: _source(job.exported / f"{name}.parquet") for name in EXPORTED}
    as_of_us = preparation_moment(job.exported / "events.parquet", job.now_us)
    folder = job.prepared / f"{_digest(sources, as_of_us)}-{job.engine}"
    draft, spill = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".spill")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        with open_engine(job.engine, spill, job.budget) as engine:
            seconds = _run(engine, job.exported, draft, as_of_us, progress)
        rows = {step.name: count_rows(draft / f"{step.name}.parquet") for step in STEPS}
        made = Prepared(job.shop_id, job.engine, as_of_us, sources, rows, seconds, folder)
        (draft / MANIFEST).write_text(json.dumps(asdict(made) | {"folder": folder.name}, indent=2) + "\n", "utf-8")
        for older in job.prepared.glob(f"*-{job.engine}"):
            shutil.rmtree(older)
        draft.rename(folder)
    finally:
        shutil.rmtree(spill, ignore_errors=True)
        shutil.rmtree(draft, ignore_errors=True)
    return made


def preparation_moment(events: Path, now_us: int) -> int:
    """Now for a shop that is alive; the end of the log for one whose newest event is more than a day old.

    A log that was brought in long after it ended would otherwise have no recent action at all. Nor would it with the
    first clicks in its new storefront: the log ends with the newest event that is at most a week newer than all but a
    thousandth of the events.
    """
    moments_us = pq.read_table(events, columns=["occurred_at"]).column(0).cast("int64").to_numpy()
    if not len(moments_us):
        return now_us
    place = len(moments_us) - 1 - len(moments_us) // STRAGGLERS
    settled_us = np.partition(moments_us, place)[place]
    end_us = int(moments_us[moments_us <= settled_us + STRAGGLING_US].max())
    return now_us if end_us > now_us - DAY_US else end_us + 1


def count_rows(path: Path) -> int:
    """Rows of a Parquet file, or of a folder of them."""
    return int(ds.dataset(path, format="parquet").count_rows())


def _run(engine: Engine, exported: Path, folder: Path, as_of_us: int, progress: Progress) -> dict[str, float]:
    tables = {f"exported_{name}": engine.read(exported / f"{name}.parquet") for name in EXPORTED}
    seconds: dict[str, float] = {}
    for done, step in enumerate(STEPS, start=1):
        began_s = time.perf_counter()
        path = folder / f"{step.name}.parquet"
        engine.write(step.make(tables, as_of_us).order_by(*step.keys), path)
        tables[step.name] = engine.read(path)
        seconds[step.name] = round(time.perf_counter() - began_s, 2)
        progress(f"table {step.name}", done, len(STEPS))
    return seconds


def _source(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "rows": count_rows(path)}


def _digest(sources: Mapping[str, Mapping[str, Any]], as_of_us: int) -> str:
    text = json.dumps([{name: each["sha256"] for name, each in sources.items()}, as_of_us], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
