"""`vitrine import` and `vitrine held` as a user meets them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lab.commands import application
from lab.commands.options import CommandFailed
from lab.importing.held import Origin
from lab.importing.importer import held_store
from lab.importing.mapping import KindMapping
from lab.importing.tally import HeldRow


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application, list(arguments))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work folder where two pictures and a campaign wait."""
    store = held_store(tmp_path, "tea")
    pictures = Origin("pictures", "pictures.csv", KindMapping(), str(tmp_path))
    store.hold(pictures, [HeldRow(2, {"item_id": "i1"}, ("i1",)), HeldRow(3, {"item_id": "i1"}, ("i1",))])
    store.hold(Origin("campaigns", "campaigns.jsonl", KindMapping(), ""), [HeldRow(1, {}, ("i1", "[i2]"))])
    store.close()
    return tmp_path


def test_held_lists_what_waits_for_what(work: Path) -> None:
    told = run("held", "--shop", "tea", "--work", str(work)).output.split("\n")
    assert [line.split()[:4] for line in told if line.startswith("pictures")] == [["pictures", "2", "i1", "2"]]
    assert sorted(line.split()[2] for line in told if line.startswith("campaigns")) == ["[i2]", "i1"]


def test_held_rows_are_dropped_by_kind_or_all(work: Path) -> None:
    assert "1 rows dropped" in run("held", "--shop", "tea", "--drop", "--kind", "campaigns", "--work", str(work)).output
    assert "2 rows dropped" in run("held", "--shop", "tea", "--drop", "--work", str(work)).output
    assert "nothing of tea is held" in run("held", "--shop", "tea", "--work", str(work)).output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["held", "--shop", "Tea Shop"], "is not a shop id"),
        (["held", "--retry", "--drop"], "exclude each other"),
        (["held", "--kind", "pictures"], "give it with --drop"),
        (["import", "items", "x.csv", "--dry-run", "--report", "report.txt"], "ends in .json or .html"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], message: str) -> None:
    error = run(*arguments).exception
    assert isinstance(error, CommandFailed)
    assert message in str(error)


def test_an_import_writes_both_reports_and_names_an_example(tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    item = {"item_id": "i1", "titles": {"en": "Tea"}, "price_minor": 500, "currency": "EUR"}
    file.write_text(json.dumps(item) + "\n" + json.dumps({**item, "currency": "XQX"}) + "\n", encoding="utf-8")
    page, counts = tmp_path / "report.html", tmp_path / "report.json"
    result = run("import", "items", str(file), "--dry-run", "--report", str(page), "--report", str(counts))
    assert result.exit_code == 0
    assert "line 2: XQX is no ISO 4217 currency" in " ".join(result.output.split())
    assert "--rejects FILE.jsonl" in result.output
    assert "currency_unknown" in page.read_text(encoding="utf-8")
    assert json.loads(counts.read_text(encoding="utf-8"))["shape"]["items by price"] == {"EUR 5": 1}
