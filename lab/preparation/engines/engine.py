"""What preparation needs of an engine, and which engines there are."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

import ibis

EngineName = Literal["duckdb", "spark"]

MOMENT: Final = "timestamp('UTC')"
"""How exported files hold a time."""


class EngineMissing(Exception):  # noqa: N818  named like the errors of kit
    """The engine is not installed; the message says how to get it."""


@dataclass(frozen=True)
class Budget:
    """What an engine may use of the machine."""

    memory_mb: int = 1_024
    """Beyond it, what does not fit goes to the spill folder."""
    threads: int = 2


class Engine(Protocol):
    """Runs expressions over Parquet files."""

    def read(self, path: Path) -> ibis.Table:
        """The rows of a file or folder. A timestamp `<name>_at` comes as int64 microseconds `<name>_us`."""

    def write(self, rows: ibis.Table, path: Path) -> None:
        """Write rows as Parquet, in their order, with the types that the expression declares."""


@contextmanager
def open_engine(name: EngineName, spill: Path, budget: Budget | None = None) -> Iterator[Engine]:
    """Start an engine, and end it. `spill` is a folder for what does not fit. Raises: EngineMissing."""
    spill.mkdir(parents=True, exist_ok=True)
    with _ENGINES[name](spill, budget or Budget()) as engine:
        yield engine


def in_microseconds(rows: ibis.Table, microseconds: Callable[[ibis.Value], ibis.Value]) -> ibis.Table:
    """Replace timestamps by integers: the one conversion for which Ibis has no word that both engines know."""
    moments = [name for name, kind in rows.schema().items() if kind.is_timestamp()]
    if not moments:
        return rows
    converted = {f"{name.removesuffix('_at')}_us": microseconds(rows[name]) for name in moments}
    return rows.mutate(**converted).drop(*moments)


def _duckdb(spill: Path, budget: Budget) -> AbstractContextManager[Engine]:
    from lab.preparation.engines.duck import DuckEngine

    return DuckEngine.opened(spill, budget)


def _spark(spill: Path, budget: Budget) -> AbstractContextManager[Engine]:
    from lab.preparation.engines.spark import SparkEngine

    return SparkEngine.opened(spill, budget)


_ENGINES: Final[Mapping[EngineName, Callable[[Path, Budget], AbstractContextManager[Engine]]]] = {
    "duckdb": _duckdb,
    "spark": _spark,
}
