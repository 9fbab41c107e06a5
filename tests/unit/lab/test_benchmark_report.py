"""What a benchmark's report shows, from figures that are made up here."""

import json
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

from lab.benchmark.aims import aims
from lab.benchmark.report import page, write_report
from lab.benchmark.sampling import Sample, trends
from lab.benchmark.tables import BEGIN, END, put_into, table, tables
from lab.commands import application
from lab.commands.options import CommandFailed
from lab.reporting.drawing import FAINT, INK

SPREAD = {"p50": 20.0, "p95": 35.5, "p99": 41.0}
CPU = {"page_composer": 20.0, "ranker": 10.0, "benchmark": 2.0}


def load(rate: float) -> dict:
    return {
        "rate": rate, "seconds": 12.0, "degraded": 0, "errors": {}, "latency_ms": SPREAD, "other_load": 0.05,
        "cpu_ms_a_page": CPU, "disturbed": False,
    }  # fmt: skip


def catalogue(items: int) -> dict:
    return {
        "items": items,
        "users": 1_000,
        "floor_ratio": 3.8,
        "floor_ratio_interval": [3.7, 3.9],
        "page_ms": SPREAD,
        "floor_ms": SPREAD,
        "floor_parts_ms": {"hops": 3.0, "model": 2.0},
        "stage_ms": {"profile": 4.0, "select": 9.0},
        "floor_noise": {"other_load": 0.1, "disturbed": False},
        "alone": {"cpu_ms_a_page": CPU, "cpu_ms_by_stage": {"profile": 5.0}, "services_cpu_ms_a_page": 30.0},
        "closed_loop_pages_a_second": 25.0,
        "loads": [load(5.0), load(20.0)],
        "half": load(10.0),
        "highest": load(20.0),
        "memory_mib": {"page_composer": 95.0, "ranker": 60.0},
        "sessions": {
            **load(10.0), "pages_a_second": 9.5, "events_a_second": 120.0, "stale": 0, "latency_ms": {"page": SPREAD},
        },
        "swap": {
            "rate": 10.0, "before_ms": SPREAD, "during_ms": SPREAD, "p99_ratio": 1.2, "p99_ratio_interval": [0.9, 1.6],
            "pages": [300, 400], "errors": {}, "degraded": 0, "timeline": [[0.1, 20.0], [30.2, 44.0]],
            "marks_s": {"copied": 33.0, "published": 34.0, "promoted": 36.0, "first_page": 37.1},
        },
    }  # fmt: skip


@pytest.fixture
def result() -> dict:
    step = {
        "users": 1_000, "page_ms": SPREAD, "services_cpu_ms_a_page": 30.0, "memory_mib_in_all": 1_000.0,
        "shared_out_memory_mib": {"ranker": 60.0}, "database_mib": 40.0, "other_load": 0.0,
    }  # fmt: skip
    samples = [Sample(10.0 * at, {"memory_mib": {"ranker": 60.0}, "tasks": {"ranker": 9.0}}) for at in range(12)]
    soak = {"minutes": 10.0, "sessions": 9, "pages": 27, "events": 90, "errors": {}, "degraded": 0, "stale": 0}
    return {
        "command": "vitrine bench --report <b>.json",
        "date": "2026-03-01T10:00:00+00:00",
        "quick": False,
        "machine": {"cores": 2, "memory_gib": 23.5, "python": "3.11.2", "interpreter_score": 14.8},
        "seconds": {"2000 floor": 60.0, "2000 load": 150.0},
        "disturbed": [],
        "catalogues": {"2000": catalogue(2_400), "20000": {"items": 20_000, "users": 1_000}},
        "events": {
            "events_a_second": 5_100.0, "seconds": 20.0, "events_a_call": 100, "in_flight": 4, "client_share": 0.2,
            "services_cpu_us_an_event": 150.0, "other_load": 0.0,
        },
        "users": {
            "items": 20_000, "steps": [step, {**step, "users": 1_000_000}], "memory_mib_per_million_users": 512.0,
        },
        "soak": {**soak, **trends(samples, 30.0)},
    }  # fmt: skip


class Outline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href") and not value.startswith("#")]


def test_tables_hold_machine_command_and_every_part(result):
    found = tables(result)
    assert "`vitrine bench --report <b>.json`, 2026-03-01, 2 cores" in found
    assert "| 2,400 | **3.8** (3.7 to 3.9) | 20.0 / 35.5 / 41.0 |" in found
    assert "Memory per million users: **0.50 GiB**" in found
    assert "**5,100**" in found
    assert "nothing grows" in found
    assert "not to be quoted" not in found
    widths = [{line.count("|") for line in block.splitlines()} for block in found.split("\n\n") if block[0] == "|"]
    assert len(widths) > 8
    assert all(len(each) == 1 for each in widths)


def test_aims_say_what_is_met_and_what_is_not(result):
    result["catalogues"] |= {"100000": catalogue(100_000), "1000000": catalogue(1_000_000)}
    result["catalogues"]["20000"] = catalogue(20_000)
    result["catalogues"]["1000000"]["alone"]["services_cpu_ms_a_page"] = 75.0
    found = {each.what: (each.measured, each.met) for each in aims(result)}
    assert found["floor ratio, 2,400 items"] == ("3.80", True)
    assert found["p99 ms at half the highest load, 100,000 items"] == ("41.00", True)
    assert found["CPU of a page with 1,000,000 items, as a multiple of that with 20,000"] == ("2.50", False)
    assert found["events a second"] == ("5,100", True)
    assert found["memory per million users, GiB"] == ("0.50", True)
    assert found["what grows in a soak of 10 minutes"] == ("nothing", True)
    assert aims({"catalogues": {}}) == []


@pytest.mark.parametrize(
    ("part", "change", "told"),
    [
        ("half", {"errors": {"UNAVAILABLE": 2, "ValueError": 1}}, "41.00, 3 errors"),
        ("half", {"degraded": 4}, "41.00, 4 degraded"),
        ("swap", {"errors": {"UNAVAILABLE": 1}}, "1.20, 1 errors"),
        ("swap", {"degraded": 1}, "1.20, 1 degraded"),
        ("soak", {"errors": {"EmptyPage": 1}, "degraded": 2, "stale": 3}, "nothing, 1 errors, 2 degraded, 3 stale"),
        ("soak", {"vanished": ["ranker"]}, "nothing, ranker vanished"),
    ],
)
def test_a_run_that_broke_its_own_rules_meets_no_aim(result, part, change, told):
    found = result["catalogues"]["100000"] = catalogue(100_000)
    (result if part == "soak" else found)[part] |= change
    missed = [(each.measured, each.met) for each in aims(result) if not each.met]
    assert missed == [(told, False)]
    assert f"| {told} | **no** |" in tables(result)


def test_half_of_no_highest_load_meets_no_aim(result):
    result["catalogues"]["100000"] = catalogue(100_000) | {"highest": None}
    missed = [each.measured for each in aims(result) if not each.met]
    assert missed == ["41.00, no highest load was sustained"]


def test_a_disturbed_run_is_marked_beside_its_aim(result):
    result["events"]["disturbed"] = True
    result["catalogues"]["2000"]["floor_noise"]["disturbed"] = True
    marked = {each.what: each.met for each in aims(result) if each.measured.endswith(", disturbed")}
    assert marked == {"floor ratio, 2,400 items": True, "events a second": True}


def test_parts_that_were_not_made_have_no_table(result):
    result["catalogues"] = {"20000": {"items": 20_000, "users": 1_000}}
    for part in ("events", "users", "soak"):
        del result[part]
    assert "|" not in tables(result)
    assert table(["a"], []) == ""
    assert "<svg" not in page(result)


def test_a_quick_or_disturbed_run_says_so(result):
    noisy = tables({**result, "quick": True, "disturbed": ["catalogues.2000.half"]})
    assert "not to be quoted" in noisy
    assert "catalogues.2000.half" in noisy


def test_the_page_is_whole_by_itself_and_follows_light_and_dark(result, tmp_path):
    write_report(result, tmp_path / "deep" / "bench.json")
    assert json.loads((tmp_path / "deep" / "bench.json").read_text()) == result
    text = (tmp_path / "deep" / "bench.html").read_text()
    outline = Outline()
    outline.feed(text)
    assert outline.tags.count("svg") == 12
    assert outline.sources == []
    assert "&lt;b&gt;.json" in text
    assert INK not in text
    assert FAINT not in text
    assert "var(--ink)" in text


def test_tables_go_between_the_marks_of_a_document():
    document = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert put_into(document, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    with pytest.raises(ValueError, match="no lines"):
        put_into("nothing here", "new")


def test_the_document_of_figures_has_its_marks():
    from pathlib import Path

    text = (Path(__file__).parents[3] / "docs" / "performance.md").read_text(encoding="utf-8")
    assert BEGIN in put_into(text, "new")


def test_the_command_prints_a_reports_tables_or_puts_them_into_a_document(result, tmp_path):
    report, document = tmp_path / "bench.json", tmp_path / "performance.md"
    report.write_text(json.dumps(result), encoding="utf-8")
    printed = CliRunner().invoke(application, ["bench", "tables", str(report)])
    assert (printed.exit_code, printed.output) == (0, tables(result) + "\n")
    document.write_text(f"{BEGIN}\n{END}\n", encoding="utf-8")
    put = CliRunner().invoke(application, ["bench", "tables", str(report), "--into", str(document)])
    assert put.exit_code == 0
    assert document.read_text(encoding="utf-8") == f"{BEGIN}\n{tables(result)}\n{END}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "flor"], "there is no such part"),
        (["--sizes", "2000;20000"], "give sizes of 100 and more"),
        (["--sizes", "7"], "give sizes of 100 and more"),
        (["--report", "bench.html"], "ends in .json"),
        (["tables", "none.json"], "is no report"),
    ],
)
def test_what_cannot_be_measured_or_shown_is_refused(arguments, message):
    found = CliRunner().invoke(application, ["bench", *arguments])
    assert isinstance(found.exception, CommandFailed)
    assert message in str(found.exception)


def test_a_work_folder_without_a_shop_says_what_to_do(tmp_path):
    found = CliRunner().invoke(application, ["bench", "--sizes", "2000", "--only", "load", "--work", str(tmp_path)])
    assert isinstance(found.exception, CommandFailed)
    assert "vitrine demo --once" in str(found.exception)
