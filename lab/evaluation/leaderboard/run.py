"""The leaderboard from a folder of data sets: which parts there are, and in what order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.benchmark.machine import machine
from lab.evaluation import strong_generalisation
from lab.evaluation.leaderboard import sequences
from lab.evaluation.profile_files import read_purchases, read_ratings, read_sequence_profiles
from lab.leaderboard.histories import Histories
from lab.leaderboard.model import AUTO, Progress, module_of, names
from lab.leaderboard.sequence_files import attribute_matrix, read_attributes, read_sequences

SEQUENCES, ATTRIBUTES = "sequences.csv.gz", "item_attributes.csv.gz"
PARTS = ("sequences", "profiles")
SEEDS = (1, 2, 3)
CHOSEN = "blend"
"""What `auto` comes to: the default. It and its two strongest rivals are trained with three seeds."""
RIVALS = ("sasrec", "sequence_linear")
LARGEST_PROFILES = 20_000
"""Sets of sequences with more users than this are not taken for profiles as well: five splits of each are trained."""

PROFILES: Mapping[str, tuple[str, Callable[[Path], Histories]]] = {
    "movielens_small": ("ratings.csv.gz", read_ratings),
    "grocery": ("purchases.parquet", read_purchases),
}
"""Folders that are known by name: their file and its reader. Others are read as sequences."""


@dataclass(frozen=True)
class Task:
    """What is to be compared."""

    data: Path
    parts: Sequence[str]
    sets: Sequence[str]
    """Folder names; empty: all."""
    models: Sequence[str]
    """Empty: all."""


def compare_all(task: Task, progress: Progress) -> dict[str, Any]:
    """Figures by part and data set. Raises: UnknownModelError; SequenceFileRefused; ProfileFileRefused."""
    for name in task.models:
        if name != AUTO:
            module_of(name)
    found: dict[str, Any] = {"date": datetime.now(UTC).isoformat(), "machine": machine()}
    if "sequences" in task.parts:
        folders = [folder for folder in _folders(task) if (folder / SEQUENCES).is_file()]
        found["sequences"] = {folder.name: _sequences(folder, task, progress) for folder in folders}
    if "profiles" in task.parts:
        read = {folder.name: _profile_file(folder) for folder in _folders(task)}
        found["profiles"] = {
            name: _profiles(histories, task, progress)
            for name, histories in read.items()
            if histories is not None and len(histories) <= LARGEST_PROFILES
        }
    return found


def _folders(task: Task) -> list[Path]:
    return [each for each in sorted(task.data.iterdir()) if each.is_dir() and (not task.sets or each.name in task.sets)]


def _sequences(folder: Path, task: Task, progress: Progress) -> dict[str, Any]:
    known, path = read_sequences(folder / SEQUENCES), folder / ATTRIBUTES
    attributes = read_attributes(path) if path.is_file() else None
    item_ids = sorted({*known.item_ids, *(attributes or ())})
    chosen = tuple(task.models) or tuple(names())
    options = sequences.Options(
        names=chosen,
        seeds=dict.fromkeys((CHOSEN, AUTO, *RIVALS), SEEDS),
        cold=tuple(name for name in ("ease", *RIVALS, CHOSEN) if name in chosen),
    )
    matrix = attribute_matrix(attributes, item_ids) if attributes else None
    return sequences.compare(known.over(item_ids), matrix, options, progress)


def _profile_file(folder: Path) -> Histories | None:
    if folder.name in PROFILES:
        name, read = PROFILES[folder.name]
        return read(folder / name) if (folder / name).is_file() else None
    return read_sequence_profiles(folder / SEQUENCES) if (folder / SEQUENCES).is_file() else None


def _profiles(histories: Histories, task: Task, progress: Progress) -> dict[str, Any]:
    chosen = [name for name in task.models or names() if not module_of(name).USES_ORDER]
    found = strong_generalisation.compare(histories, chosen, 1, progress)
    yardstick = strong_generalisation.YARDSTICK
    rows = [
        {
            "model": name,
            **row["measures"],
            "difference_in_ndcg_100": None if name == yardstick else row[f"above_{yardstick}"]["ndcg_100"],
        }
        for name, row in found["models"].items()
    ]
    return {
        **{name: found[name] for name in ("users", "judges", "items", "splits")},
        "entries": len(histories.rows),
        "held_against": yardstick,
        "rows": sorted(rows, key=lambda row: -row["ndcg_100"]["mean"]),
    }
