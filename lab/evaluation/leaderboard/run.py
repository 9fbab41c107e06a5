"""The leaderboard from a folder of data sets: which parts there are, and in what order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lab.evaluation import strong_generalisation
from lab.evaluation.kept_rows import KeptRows, code_sha256
from lab.evaluation.leaderboard import sequences
from lab.evaluation.profile_files import read_purchases, read_ratings, read_sequence_profiles
from lab.evaluation.profile_models import AUTO_MODEL
from lab.evaluation.ratings import study
from lab.evaluation.ratings.choosing import Choosing
from lab.evaluation.ratings.reading import read_ratings as read_rating_log
from lab.evaluation.reports import EVALUATION, origin
from lab.evaluation.sections.profiles import profile_rows
from lab.leaderboard.histories import Histories
from lab.leaderboard.model import AUTO, Progress, module_of, names
from lab.leaderboard.selection import OF_ATTRIBUTES
from lab.leaderboard.sequence_files import attribute_matrix, read_attributes, read_sequences
from lab.leaderboard.setting_choice import WITHOUT_ORDER

SEQUENCES, ATTRIBUTES = "sequences.csv.gz", "item_attributes.csv.gz"
RATINGS, PROPENSITY = "ratings.csv", "propensity"
"""A file of chosen ratings, and its column of the chances that they would be given."""
PARTS = ("sequences", "profiles", "ratings")
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
    kept: KeptRows = field(default_factory=KeptRows)
    """Rows of an earlier run."""


def compare_all(task: Task, progress: Progress) -> dict[str, Any]:
    """Figures by part and data set. Raises: UnknownModelError; SequenceFileRefused; ProfileFileRefused;
    TableRefused.
    """
    for name in task.models:
        if name != AUTO:
            module_of(name)
    found: dict[str, Any] = {EVALUATION: "leaderboard", **origin()}
    if "sequences" in task.parts:
        folders = [folder for folder in _folders(task) if (folder / SEQUENCES).is_file()]
        found["sequences"] = {folder.name: _sequences(folder, task, progress) for folder in folders}
    if "profiles" in task.parts:
        files = {folder.name: _profile_file(folder) for folder in _folders(task)}
        read = {name: (path, reader(path)) for name, (path, reader) in files.items() if path.is_file()}
        found["profiles"] = {
            name: _profiles(histories, replace(task, kept=task.kept.of_set(name, [path])), progress)
            for name, (path, histories) in read.items()
            if len(histories) <= LARGEST_PROFILES
        }
    if "ratings" in task.parts:
        folders = [folder for folder in _folders(task) if (folder / RATINGS).is_file()]
        found["ratings"] = {folder.name: _ratings(folder, task, progress) for folder in folders}
    return found


def _folders(task: Task) -> list[Path]:
    return [each for each in sorted(task.data.iterdir()) if each.is_dir() and (not task.sets or each.name in task.sets)]


def _sequences(folder: Path, task: Task, progress: Progress) -> dict[str, Any]:
    known, path = read_sequences(folder / SEQUENCES), folder / ATTRIBUTES
    attributes = read_attributes(path) if path.is_file() else None
    item_ids = sorted({*known.item_ids, *(attributes or ())})
    wanted = tuple(task.models) or tuple(names())
    left_out = [name for name in wanted if attributes is None and name in OF_ATTRIBUTES]
    chosen = tuple(name for name in wanted if name not in left_out)
    files = [each for each in (folder / SEQUENCES, path) if each.is_file()]
    options = sequences.Options(
        names=chosen,
        seeds=dict.fromkeys((CHOSEN, AUTO, *RIVALS), SEEDS),
        cold=tuple(name for name in ("ease", *RIVALS, CHOSEN) if name in chosen),
        kept=task.kept.of_set(folder.name, files),
    )
    matrix = attribute_matrix(attributes, item_ids) if attributes else None
    return {**sequences.compare(known.over(item_ids), matrix, options, progress), "left_out": left_out}


def _profile_file(folder: Path) -> tuple[Path, Callable[[Path], Histories]]:
    """The file of a folder, if it is there, and its reader."""
    name, read = PROFILES.get(folder.name, (SEQUENCES, read_sequence_profiles))
    return folder / name, read


def _ratings(folder: Path, task: Task, progress: Progress) -> dict[str, Any]:
    path = folder / RATINGS
    log, choosing = read_rating_log(path, PROPENSITY), Choosing(progress=progress)
    kept = task.kept.of_set(folder.name, [path]).under(part="ratings", code=code_sha256([study.__name__]))
    found = kept.row("ratings", lambda: study.debiasing(log, choosing).as_dict())
    users, items = log.shape
    return {"users": users, "items": items, "ratings": len(log), **found}


def _profiles(histories: Histories, task: Task, progress: Progress) -> dict[str, Any]:
    wanted = [AUTO_MODEL if name == AUTO else name for name in task.models or names()]
    chosen = [name for name in wanted if name in WITHOUT_ORDER or not module_of(name).USES_ORDER]
    found = strong_generalisation.compare(histories, chosen, 1, progress, task.kept)
    return {
        **{name: found[name] for name in ("users", "judges", "items", "splits")},
        "entries": len(histories.rows),
        "held_against": strong_generalisation.YARDSTICK,
        "rows": profile_rows(found["models"]),
    }
