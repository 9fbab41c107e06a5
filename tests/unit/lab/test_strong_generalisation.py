"""Models measured on users they have not seen, and predictions for such users from files."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from lab.commands import application
from lab.commands.options import CommandFailed
from lab.evaluation.profile_files import ProfileFileRefused, read_purchases, read_ratings
from lab.evaluation.profile_models import UnfitModelError, fit_model
from lab.evaluation.profiles import ProfileJob, predict_profiles
from lab.evaluation.strong_generalisation import TooSmallError, compare, splits
from lab.leaderboard.histories import Histories
from lab.leaderboard.model import UnknownModelError
from lab.leaderboard.sequence_files import SequenceFileRefused

ITEMS, GROUPS = 40, 4


def silently(what: str, done: int, total: int) -> None:
    pass


def grouped(users: int, seed: int) -> list[list[int]]:
    random = np.random.default_rng(seed)
    chances = [np.where(np.arange(ITEMS) % GROUPS == group, 20.0, 1.0) for group in range(GROUPS)]
    chances = [each / each.sum() for each in chances]
    return [random.choice(ITEMS, 7, replace=False, p=chances[user % GROUPS]).tolist() for user in range(users)]


def write(path: Path, profiles: dict[str, list[str]]) -> Path:
    with gzip.open(path, "wt", newline="") if path.suffix == ".gz" else path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "position", "item_id"])
        for user, items in profiles.items():
            writer.writerows((user, place, item) for place, item in enumerate(items))
    return path


@pytest.fixture
def known(tmp_path: Path) -> Path:
    profiles = {f"u{user}": [f"i{item}" for item in items] for user, items in enumerate(grouped(80, seed=1))}
    return write(tmp_path / "train.csv.gz", profiles)


ASKED = {"new1": ["i0", "i4", "i8", "elsewhere"], "new2": ["i1", "i5", "i9"], "new3": ["elsewhere"]}


def predicted(output: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    with output.open(newline="") as file:
        for row in csv.DictReader(file):
            items = found.setdefault(row["user_id"], [])
            items.append(row["item_id"])
            assert int(row["rank"]) == len(items)
    return found


def test_new_users_get_what_their_kind_has_and_never_what_they_have(tmp_path, known):
    asked = write(tmp_path / "asked.csv", ASKED)
    figures = predict_profiles(ProfileJob(known, asked, "ease", 1, 5, tmp_path / "out.csv"), silently)
    found = predicted(tmp_path / "out.csv")
    assert {user: len(items) for user, items in found.items()} == {"new1": 5, "new2": 5, "new3": 5}
    for user in ("new1", "new2"):
        assert not set(found[user]) & set(ASKED[user])
    assert all(int(item[1:]) % GROUPS == 0 for item in found["new1"])
    assert all(int(item[1:]) % GROUPS == 1 for item in found["new2"])
    assert figures["lines"] == 15
    assert figures["validation_ndcg_100"]["low"] > 0.3
    assert figures["settings"]["regularisation"] > 0


def test_a_users_rows_depend_on_no_other_user_nor_on_the_order_of_lines(tmp_path, known):
    one, all_of_them = tmp_path / "one.csv", tmp_path / "all.csv"
    write(one, {"new1": list(reversed(ASKED["new1"]))})
    write(all_of_them, ASKED)
    lines = []
    for number, asked in enumerate((one, all_of_them)):
        output = tmp_path / f"out{number}.csv"
        predict_profiles(ProfileJob(known, asked, "infinite_autoencoder", 1, 8, output), silently)
        lines.append([line for line in output.read_text().splitlines() if line.startswith("new1,")])
    assert lines[0] == lines[1]


def test_names_that_cannot_serve_are_refused(tmp_path, known, monkeypatch):
    with pytest.raises(UnknownModelError, match="there is no model 'nonesuch'"):
        fit_model("nonesuch")
    import lab.models.popularity

    monkeypatch.setattr(lab.models.popularity, "USES_ORDER", True)
    with pytest.raises(UnfitModelError, match="order"):
        fit_model("popularity")
    with pytest.raises(SequenceFileRefused, match="folder"):
        predict_profiles(ProfileJob(known, known, "ease", 1, 5, tmp_path), silently)


def test_the_command_says_what_was_found_and_what_was_wrong(tmp_path, known):
    asked, output = write(tmp_path / "asked.csv", ASKED), tmp_path / "out.csv"
    options = ["--train", str(known), "--histories", str(asked), "--output", str(output), "--top", "3"]
    done = CliRunner().invoke(application, ["evaluate", "profiles", *options, "--model", "ease"])
    assert done.exit_code == 0, done.output
    assert "validation_ndcg_100" in done.output
    assert len(predicted(output)["new2"]) == 3
    refused = CliRunner().invoke(application, ["evaluate", "profiles", *options, "--model", "nonesuch"])
    assert isinstance(refused.exception, CommandFailed)
    assert "nonesuch" in str(refused.exception)


def test_too_few_users_are_refused_with_a_number(tmp_path):
    small = write(tmp_path / "small.csv", {"a": ["x", "y"], "b": ["x"]})
    refused = CliRunner().invoke(
        application,
        ["evaluate", "profiles", "--train", str(small), "--histories", str(small), "--output", str(tmp_path / "o.csv")],
    )
    assert isinstance(refused.exception, CommandFailed)
    assert "10 users" in str(refused.exception)
    with pytest.raises(TooSmallError, match="100 users"):
        splits(Histories.of([[0, 1]] * 50, 2), seed=1)


def test_each_user_judges_at_most_once_over_the_splits():
    rows = grouped(200, seed=3)
    judged = [
        tuple(sorted(fold.judging.given.of_user(user).tolist() + fold.judging.held_back.of_user(user).tolist()))
        for fold in splits(Histories.of(rows, ITEMS), seed=5)
        for user in range(20)
    ]
    assert len(judged) == 100
    whole = [tuple(sorted(row)) for row in rows]
    assert all(judged.count(each) <= whole.count(each) for each in set(judged))


def test_the_table_holds_each_measure_and_the_paired_difference():
    table = compare(Histories.of(grouped(160, seed=3), ITEMS), ["popularity", "infinite_autoencoder"], 1, silently)
    assert list(table["models"]) == ["ease", "popularity", "infinite_autoencoder"]
    assert (table["judges"], table["splits"]) == (80, 5)
    for row in table["models"].values():
        assert set(row["measures"]) == {"ndcg_100", "recall_20", "recall_50"}
        for measure, interval in row["measures"].items():
            assert interval["low"] <= interval["mean"] <= interval["high"]
            difference = row["above_ease"][measure]["mean"]
            own = table["models"]["ease"]["measures"][measure]["mean"]
            assert interval["mean"] == pytest.approx(own + difference, abs=1e-5)
    assert table["models"]["popularity"]["above_ease"]["ndcg_100"]["high"] < 0
    assert json.loads(json.dumps(table)) == table


def test_every_rating_counts_as_one(tmp_path):
    path = tmp_path / "ratings.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("userId,movieId,rating,timestamp\n2,10,0.5,1\n1,30,5.0,2\n2,30,1.0,3\n2,10,4.0,4\n")
    found = read_ratings(path)
    assert [found.of_user(user).tolist() for user in range(2)] == [[1], [0, 1]]
    path.write_bytes(b"broken")
    with pytest.raises(ProfileFileRefused, match="ratings"):
        read_ratings(path)


def test_items_of_few_households_are_left_out(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pairs = [(f"h{number:02}", "milk") for number in range(10)] * 2 + [("h00", "caviar")] * 12
    users, items = zip(*pairs, strict=True)
    pq.write_table(pa.table({"user_id": users, "item_id": items}), tmp_path / "purchases.parquet")
    found = read_purchases(tmp_path / "purchases.parquet")
    assert (len(found), found.item_count, found.rows.tolist()) == (10, 1, [0] * 10)
