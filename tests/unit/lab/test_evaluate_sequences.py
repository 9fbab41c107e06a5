"""`vitrine evaluate sequences` from files to file."""

import csv
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.commands import application
from lab.commands.options import CommandFailed

RING = 12


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Users who walk along a ring of items; in `asked.csv` they are one step further."""
    for name, extra in (("known.csv", 0), ("asked.csv", 1)):
        lines = [
            f"u{user:02},{place},i{(user + place) % RING:02}"
            for user in range(30)
            for place in range(3 + user % 3 + extra)
        ]
        (tmp_path / name).write_text("\n".join(["user_id,position,item_id", *lines]) + "\n", encoding="utf-8")
    return tmp_path


def run(files: Path, *more: str, train="known.csv", asked="asked.csv", model="item_cf"):
    out = files / "out.csv"
    arguments = ["--train", files / train, "--histories", files / asked, "--output", out, "--model", model, *more]
    result = CliRunner().invoke(application, ["evaluate", "sequences", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result, out


def lines_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_user_gets_the_next_item_first_and_none_of_the_history(files):
    result, out = run(files, "--top", "4")
    assert result.exit_code == 0
    assert "NDCG@10" in result.output
    lines = lines_of(out)
    assert list(lines[0]) == ["user_id", "rank", "item_id", "score"]
    assert len(lines) == 30 * 4
    for number in range(30):
        own = lines[4 * number : 4 * number + 4]
        length = 4 + number % 3
        history = {f"i{(number + place) % RING:02}" for place in range(length)}
        assert {line["user_id"] for line in own} == {f"u{number:02}"}
        assert [line["rank"] for line in own] == ["1", "2", "3", "4"]
        assert own[0]["item_id"] == f"i{(number + length) % RING:02}"
        assert not history & {line["item_id"] for line in own}


def test_a_users_lines_depend_on_that_users_history_alone(files):
    _, out = run(files)
    everyone = lines_of(out)
    asked = (files / "asked.csv").read_text(encoding="utf-8").splitlines()
    some = [line for line in asked[1:] if line.startswith(("u04", "u21"))]
    (files / "some.csv").write_text("\n".join([asked[0], *reversed(some), "new,0,i03", "odd,0,never"]) + "\n")
    _, out = run(files, asked="some.csv")
    lines = lines_of(out)
    for user in ("u04", "u21"):
        expected = [line for line in everyone if line["user_id"] == user]
        assert [line for line in lines if line["user_id"] == user] == expected
    assert next(line for line in lines if line["user_id"] == "new")["item_id"] == "i04"
    assert sum(line["user_id"] == "odd" for line in lines) == RING


def test_the_same_seed_gives_the_same_file(files):
    texts = set()
    for _ in range(2):
        _, out = run(files, "--seed", "3", model="mf_sgd")
        texts.add(out.read_bytes())
    assert len(texts) == 1


def test_items_that_only_their_attributes_are_known_of_may_be_predicted(files):
    rows = [f"i{item:02},a{item % 2}" for item in range(RING)] + ["new,a1"]
    (files / "attributes.csv").write_text("\n".join(["item_id,attribute_ids", *rows]) + "\n", encoding="utf-8")
    _, out = run(files, "--attributes", str(files / "attributes.csv"), model="content")
    assert "new" in {line["item_id"] for line in lines_of(out)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "nothing"}, "there is no model 'nothing'"),
        ({"model": "content"}, "--attributes"),
        ({"train": "none.csv"}, "none.csv cannot be read"),
        ({"asked": "."}, "is a folder"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(files, options, message):
    with pytest.raises(CommandFailed, match=message):
        run(files, **options)


def test_auto_takes_histories_as_short_as_can_be(files):
    lines = [f"u{user},{place},i{(user + place) % 5}" for user in range(10) for place in range(2)]
    (files / "short.csv").write_text("\n".join(["user_id,position,item_id", *lines]) + "\n", encoding="utf-8")
    result, out = run(files, "--top", "1", train="short.csv", asked="short.csv", model="auto")
    assert "chosen, and trained on all of --train" in result.output
    # Everybody's next item is the one after: users who began there went on to it.
    following = {f"u{user}": f"i{(user + 2) % 5}" for user in range(10)}
    assert {line["user_id"]: line["item_id"] for line in lines_of(out)} == following


def test_nothing_to_choose_by_is_said(files):
    (files / "single.csv").write_text("user_id,position,item_id\nu,0,i\nv,0,j\n", encoding="utf-8")
    with pytest.raises(CommandFailed, match="two items"):
        run(files, train="single.csv")


def test_the_help_is_there_without_the_models():
    loaded = [name for name in sys.modules if name.startswith("lab.models.")]
    result = CliRunner().invoke(application, ["evaluate", "sequences", "--help"])
    assert result.exit_code == 0
    assert "--histories" in result.output
    assert [name for name in sys.modules if name.startswith("lab.models.")] == loaded
