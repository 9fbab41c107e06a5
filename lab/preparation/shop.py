"""A running shop's data, exported through its services and prepared."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.exporting.export import ExportJob, Kind, run_export
from lab.preparation.engines.engine import Budget, EngineName
from lab.preparation.occupied import occupied
from lab.preparation.prepare import EXPORTED, Prepared, PrepareJob, Progress, prepare

EXPORTED_KINDS: tuple[Kind, ...] = ("items", "events")


@contextmanager
def shop_folder(work: Path, shop_id: str) -> Iterator[Path]:
    """`<work>/prepared/<shop>`, for nobody else until its tables are made and read. Raises: ShopOccupied."""
    folder = work / "prepared" / shop_id
    with occupied(folder):
        yield folder


def prepare_shop(
    shop_id: str,
    folder: Path,
    addresses: Mapping[str, Sequence[str]],
    progress: Progress,
    engine: EngineName = "duckdb",
    budget: Budget | None = None,
) -> Prepared:
    """Export what the services hold, consent applied, and prepare it in the shop's folder, which the caller occupies.

    Raises: RpcError; EngineMissing; OSError.
    """
    exported = folder / "exported"
    for kind in EXPORTED_KINDS:
        run_export(
            ExportJob(kind, shop_id, exported / f"{kind}.parquet"),
            addresses,
            lambda rows, kind=kind: progress(f"export {kind}", rows, 0),  # type: ignore[misc]
        )
    return prepare_exported(shop_id, folder, exported, progress, engine, budget)


def prepare_exported(
    shop_id: str,
    folder: Path,
    exported: Path,
    progress: Progress,
    engine: EngineName = "duckdb",
    budget: Budget | None = None,
) -> Prepared:
    """Prepare files that are exported already. Raises: FileNotFoundError; EngineMissing; OSError."""
    for name in EXPORTED:
        if not (exported / f"{name}.parquet").is_file():
            raise FileNotFoundError(f"{exported / name}.parquet is missing; write it with `vitrine export {name}`")
    now_us = time.time_ns() // 1_000
    return prepare(PrepareJob(shop_id, exported, folder, now_us, engine, budget or Budget()), progress)
