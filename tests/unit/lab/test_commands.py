"""The command line: what it prints, and how it ends."""

import json
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from lab.commands import application, main
from lab.commands.options import CommandFailed, assignments
from lab.commands.terminal_page import draw_page, price_text
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import page_composer_pb2 as pb

ITEM = {"item_id": "i1", "titles": {"en": "Tea"}, "price_minor": 500, "currency": "EUR"}
COMMANDS = ("import", "train", "release", "up", "serve", "compose", "demo", "boutique", "simulate", "evaluate")


@pytest.fixture
def items(tmp_path: Path) -> Path:
    path = tmp_path / "items.jsonl"
    path.write_text(json.dumps(ITEM) + "\n" + json.dumps({"item_id": "i2"}) + "\n", encoding="utf-8")
    return path


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["vitrine", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(application, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_a_dry_run_reports_every_row(items: Path, tmp_path: Path) -> None:
    report, rejects = tmp_path / "report.json", tmp_path / "rejects.jsonl"
    result = CliRunner().invoke(
        application, ["import", "items", str(items), "--dry-run", "--report", str(report), "--rejects", str(rejects)]
    )
    assert result.exit_code == 0
    assert "2 read = 1 would be imported + 0 merged + 0 held + 1 rejected" in " ".join(result.output.split())
    written = json.loads(report.read_text())
    assert (written["read"], written["imported"], written["rejected"]) == (2, 1, 1)
    assert written["dry_run"] is True
    assert json.loads(rejects.read_text())["reason"] == "title_missing"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import", "items", "none.csv", "--dry-run"], "none.csv does not exist"),
        (["import", "items", ".", "--dry-run"], "is a folder"),
        (["import", "items", "x.csv", "--shop", "My Shop"], "is not a shop id"),
        (["import", "items", "x.csv", "--mapping", "none", "--dry-run"], "built in are"),
        (["up", "--replicas", "two"], "user_profile=2"),
        (["up", "--replicas", "shop=2"], "there is no process"),
        (["serve", "shop"], "there is no process"),
        (["boutique", "b", "--end", "soon"], "is not a date"),
    ],
)
def test_mistakes_end_in_one_readable_message(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_main(monkeypatch, *arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in " ".join(error.split())
    assert "Traceback" not in error


def test_services_that_do_not_run_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VITRINE_WORK", str(tmp_path))
    for service in ("RANKER", "PAGE_COMPOSER"):
        monkeypatch.setenv(f"VITRINE_{service}_ADDRESSES", "127.0.0.1:1")
    assert run_main(monkeypatch, "release", "list") == 1
    assert run_main(monkeypatch, "compose", "u1") == 1
    assert capsys.readouterr().err.count("vitrine up") == 2


def test_a_file_that_breaks_off_ends_with_one(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("item_id,title\n", encoding="utf-8")
    result = CliRunner().invoke(application, ["import", "items", str(tmp_path / "rows.csv"), "--dry-run"])
    assert result.exit_code == 1


def test_replicas_are_read() -> None:
    assert assignments(["ranker=2", "user_profile=3"], "replicas") == {"ranker": 2, "user_profile": 3}
    with pytest.raises(CommandFailed):
        assignments(["ranker"], "replicas")


def test_a_page_is_drawn_with_reasons_prices_and_what_was_missing() -> None:
    page = pb.Page(page_id="p", locale="en", template_id="home_desktop", personalised=True)
    section = page.sections.add(kind=pb.SECTION_KIND_SHELF, title="For you", reason="Because you like tea")
    section.layout.columns = 4
    slot = section.slots.add(
        item_id="i1", title="Green tea", brand="Aster", badges=["−20 %"], origin=pb.SLOT_ORIGIN_SELECTED
    )
    slot.price.CopyFrom(common_pb2.Money(amount_minor=1250, currency="EUR"))
    slot.list_price.CopyFrom(common_pb2.Money(amount_minor=1500, currency="EUR"))
    page.sections.add(kind=pb.SECTION_KIND_BANNER).banners.add(title="Tea time", link="/tea")
    page.sections.add(kind=pb.SECTION_KIND_COUPON).coupons.add(title="Ten off", code="TEA10")
    page.degraded.add(dependency="ranker", cause="timeout", stand_in="segment_pools")
    out = Console(record=True, width=120)
    draw_page(page, out)
    text = out.export_text()
    for words in ("For you", "Because you like tea", "Green tea", "EUR 12.50", "15.00", "−20 %", "Tea time", "TEA10",
                  "ranker was missing (timeout); segment_pools stood in"):  # fmt: skip
        assert words in text


def test_prices_are_written_by_their_currency() -> None:
    assert price_text(common_pb2.Money(amount_minor=980, currency="JPY")) == "JPY 980"
    assert price_text(common_pb2.Money(amount_minor=123456, currency="EUR")) == "EUR 1,234.56"
