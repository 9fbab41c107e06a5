"""A leaderboard that was cut short goes on where it stopped, and says of nothing that it was measured that was not."""

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.evaluation import strong_generalisation
from lab.evaluation.kept_rows import KeptRows
from lab.evaluation.leaderboard import measuring, run
from lab.evaluation.leaderboard.learning_curves import LearningCurve, Point
from lab.evaluation.leaderboard.published import published
from lab.evaluation.leaderboard.tables import sequence_tables
from lab.leaderboard.held_out import HeldOut
from lab.leaderboard.histories import Histories

ITEMS = 20


def write_chains(folder: Path, users: int = 130, seed: int = 1) -> Path:
    """A data set of users who go from an item to the next."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / run.SEQUENCES
    with gzip.open(path, "wt") as file:
        file.write("user_id,position,item_id\n")
        for user in range(users):
            start = int(random.integers(0, ITEMS))
            file.writelines(f"u{user},{step},i{(start + step) % ITEMS:02}\n" for step in range(7))
    return path


class Trainings:
    """Counts what is trained, and stops before the last of what it lets pass."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, stop_at: tuple[str, int] | None = None) -> None:
        self.done: Counter[tuple[str, int]] = Counter()
        measure = measuring.Measuring._measure

        def counted(own: measuring.Measuring, name: str, seed: int) -> dict[str, Any]:
            if (name, seed) == stop_at:
                raise KeyboardInterrupt
            self.done[name, seed] += 1
            return measure(own, name, seed)

        monkeypatch.setattr(measuring.Measuring, "_measure", counted)


def compared(folder: Path, models: tuple[str, ...] = ("popularity", "ease", "item_cf")) -> dict[str, Any]:
    kept = KeptRows(folder / "rows")
    task = run.Task(folder / "data", ("sequences",), (), models, kept)
    return run.compare_all(task, lambda *_: None)["sequences"]["chains"]


def without_times(found: dict[str, Any]) -> dict[str, Any]:
    rows = [
        {name: each for name, each in row.items() if name not in {"cpu_seconds", "measured_at"}}
        for row in found["rows"]
    ]
    return {**found, "rows": rows}


def test_a_run_that_was_killed_trains_only_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_chains(tmp_path / "data" / "chains")
    with monkeypatch.context() as patch:
        first = Trainings(patch, stop_at=("item_cf", 1))
        with pytest.raises(KeyboardInterrupt):
            compared(tmp_path)
    assert set(first.done) == {("popularity", 1), ("ease", 1)}
    with monkeypatch.context() as patch:
        second = Trainings(patch)
        resumed = compared(tmp_path)
    assert set(second.done) == {("item_cf", 1)}
    whole = run.compare_all(
        run.Task(tmp_path / "data", ("sequences",), (), ("popularity", "ease", "item_cf")), lambda *_: None
    )
    assert without_times(resumed) == without_times(whole["sequences"]["chains"])


def test_a_changed_file_or_grid_trains_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_chains(tmp_path / "data" / "chains")
    compared(tmp_path, ("ease", "popularity"))
    again = Trainings(monkeypatch)
    monkeypatch.setattr(measuring, "GRIDS", {**measuring.GRIDS, "ease": ({"regularisation": 7.0},)})
    compared(tmp_path, ("ease", "popularity"))
    assert set(again.done) == {("ease", 1)}
    again.done.clear()
    write_chains(tmp_path / "data" / "chains", seed=2)
    compared(tmp_path, ("ease", "popularity"))
    assert set(again.done) == {("ease", 1), ("popularity", 1)}


def test_a_model_of_several_seeds_is_kept_by_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_chains(tmp_path / "data" / "chains")
    monkeypatch.setattr(run, "RIVALS", ("item_cf",))
    first = Trainings(monkeypatch, stop_at=("item_cf", 3))
    with pytest.raises(KeyboardInterrupt):
        compared(tmp_path, ("item_cf",))
    assert set(first.done) == {("item_cf", 1), ("item_cf", 2)}
    assert sorted(path.name for path in (tmp_path / "rows" / "chains").iterdir()) == [
        "sequences.item_cf.1.json", "sequences.item_cf.2.json",
    ]  # fmt: skip


def test_splits_of_profiles_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[str] = []
    train = strong_generalisation.train_chosen

    def counted(name: str, *given: Any) -> Any:
        if len(trained) == 3:
            raise KeyboardInterrupt
        trained.append(name)
        return train(name, *given)

    random = np.random.default_rng(1)
    users = Histories.of([random.permutation(ITEMS)[:8].tolist() for _ in range(120)], ITEMS)
    kept = KeptRows(tmp_path)
    monkeypatch.setattr(strong_generalisation, "train_chosen", counted)
    with pytest.raises(KeyboardInterrupt):
        strong_generalisation.compare(users, ["popularity"], 1, lambda *_: None, kept)
    assert trained == ["ease"] * 3
    monkeypatch.setattr(strong_generalisation, "train_chosen", train)
    assert len(list(tmp_path.iterdir())) == 3
    resumed = strong_generalisation.compare(users, ["popularity"], 1, lambda *_: None, kept)
    assert resumed == strong_generalisation.compare(users, ["popularity"], 1, lambda *_: None)


def test_models_of_attributes_are_left_out_and_named_where_there_are_none(tmp_path: Path) -> None:
    write_chains(tmp_path / "data" / "chains")
    found = compared(tmp_path, ("popularity", "content"))
    assert [row["model"] for row in found["rows"]] == ["popularity"]
    assert "content" in sequence_tables("chains", found)


class Fixed:
    """Has learned so many epochs, and puts one item first."""

    def __init__(self, epochs: int, item: int) -> None:
        self.epochs, self.item = epochs, item

    def score(self, histories: Histories) -> np.ndarray:
        return np.tile(np.eye(3, dtype=np.float32)[self.item], (len(histories), 1))


def test_a_learning_curve_is_that_of_the_settings_that_were_chosen() -> None:
    held = HeldOut(Histories.of([[0]], 3), np.array([2], np.int32))
    seen = HeldOut(Histories.of([[0]], 3), np.array([1], np.int32))
    curve = LearningCurve(held, seen)
    assert curve.best() == []
    told = [curve(Fixed(epochs, item)) for epochs, item in ((2, 1), (4, 1), (2, 1), (4, 2))]
    assert told[-1] == 1.0 > told[0]
    assert curve.best() == [Point(2, told[0], 1.0), Point(4, 1.0, told[0])]


def test_models_that_do_not_tell_their_epochs_are_counted() -> None:
    held = HeldOut(Histories.of([[0]], 3), np.array([2], np.int32))
    curve, one = LearningCurve(held, held), Fixed(0, 2)
    for model in (one, one, Fixed(0, 1)):
        curve(model)
    assert [point.epoch for point in curve.best()] == [1, 2]


def test_published_figures_stand_beside_the_same_data_alone(tmp_path: Path) -> None:
    assert published("lastfm", 1_090, 52_551)["ease"].ndcg_10 == 0.0517
    assert published("lastfm", 1_090, 52_550) == published("chains", 1_090, 52_551) == {}
    write_chains(tmp_path / "data" / "chains")
    found = compared(tmp_path, ("popularity", "ease"))
    assert "published" not in sequence_tables("lastfm", found)
    rows = [{**row, "ndcg_10": {**row["ndcg_10"], "mean": 0.0517 * 1.1}} for row in found["rows"]]
    shown = sequence_tables("lastfm", {**found, "users": 1_090, "entries": 52_551, "rows": rows})
    assert "1.10 of .0517" in shown and "NDCG@10 to published" in shown


def test_the_row_of_ratings_says_both_numbers_and_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data" / "chosen"
    folder.mkdir(parents=True)
    lines = [f"{user},{item},{1 + (user * item) % 5},0.{1 + item % 8}" for user in range(12) for item in range(6)]
    (folder / run.RATINGS).write_text("user,item,rating,propensity\n" + "\n".join(lines) + "\n", encoding="utf-8")
    asked: list[int] = []

    class Found:
        def as_dict(self) -> dict[str, Any]:
            return {"without_propensities": {"value": 1.27, "low": 1.2, "high": 1.3}, "gain": None}

    def debiasing(log: Any, _: Any) -> Found:
        assert log.propensities is not None
        asked.append(len(log))
        return Found()

    monkeypatch.setattr(run.study, "debiasing", debiasing)
    task = run.Task(tmp_path / "data", ("ratings",), (), (), KeptRows(tmp_path / "rows"))
    for _ in range(2):
        found = run.compare_all(task, lambda *_: None)["ratings"]["chosen"]
    assert asked == [72]
    assert (found["users"], found["items"], found["ratings"]) == (12, 6, 72)
    assert found["without_propensities"]["value"] == 1.27
