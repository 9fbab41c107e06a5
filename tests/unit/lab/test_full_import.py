"""FULL imports retire what the whole catalogue no longer names, and never what could not be read."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.importing import import_items
from lab.importing.importer import ImportJob, run_import
from lab.importing.problems import FileRefused
from lab.importing.reconcile import Reconcile
from lab.importing.report import ImportReport
from tests.unit.lab.pretend import PretendServices
from tests.unit.lab.test_import import ITEM, NOW

GOOD = "good"
FAULTS: dict[str, Any] = {
    GOOD: lambda item_id: {**ITEM, "item_id": item_id},
    "no title": lambda item_id: {**ITEM, "item_id": item_id, "titles": {}},
    "negative price": lambda item_id: {**ITEM, "item_id": item_id, "price_minor": -1},
}


def shop_of(*item_ids: str, **options: Any) -> PretendServices:
    services = PretendServices(**options)
    services.items.update(dict.fromkeys(item_ids))
    return services


def lines(*rows: Any) -> str:
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)


def do(
    folder: Path, text: str, services: PretendServices, *, allow_losses: bool = False, **options: Any
) -> ImportReport:
    path = folder / "items.jsonl"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")  # a file written anew is another file
    job = ImportJob("items", path, "shop", whole=Reconcile(allow_losses), **options)
    return run_import(job, services, NOW)  # type: ignore[arg-type]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(sorted(FAULTS)), min_size=1),
    st.sets(st.sampled_from("abcdef")),
)
def test_whatever_is_wrong_with_a_row_its_item_stays(tmp_path: Path, rows: dict[str, str], there: set[str]) -> None:
    services = shop_of(*there)
    do(tmp_path, lines(*(FAULTS[fault](item_id) for item_id, fault in rows.items())), services)
    assert set(services.items) == {each for each, fault in rows.items() if fault == GOOD} | (there & set(rows))


def test_what_the_service_refuses_stays(tmp_path: Path) -> None:
    services = shop_of("i1", "gone", refused_items={"i1": "titles"})
    report = do(tmp_path, lines(ITEM), services)
    assert (set(services.items), report.rejected, report.service["retired_count"]) == ({"i1"}, 1, 1)
    assert "1 items that the file no longer names are retired" in report.notes[-1]


@pytest.mark.parametrize("row", ["{broken", {**ITEM, "item_id": ""}])
def test_a_row_that_does_not_say_which_item_it_means_keeps_everything(tmp_path: Path, row: Any) -> None:
    services = shop_of("i1", "gone")
    report = do(tmp_path, lines(ITEM, row), services)
    assert set(services.items) == {"i1", "gone"}
    assert "--allow-losses" in report.problems[0]
    do(tmp_path, lines(ITEM, row), services, allow_losses=True)
    assert set(services.items) == {"i1"}


def test_a_file_that_breaks_off_retires_nothing_and_says_so(tmp_path: Path) -> None:
    packed = gzip.compress(lines(*({**ITEM, "item_id": f"i{number}"} for number in range(2_000))).encode(), 1)
    path = tmp_path / "items.jsonl.gz"
    path.write_bytes(packed[: len(packed) // 2])
    services = shop_of("gone")
    report = run_import(ImportJob("items", path, "shop", whole=Reconcile(True)), services, NOW)  # type: ignore[arg-type]
    assert "gone" in services.items
    assert "nothing is retired" in report.problems[-1]


def test_an_implausible_loss_is_a_problem_of_the_report(tmp_path: Path) -> None:
    services = shop_of("a", "b", "i1")
    services.losses_are_implausible = True
    report = do(tmp_path, lines(ITEM), services)
    assert (set(services.items), report.problems) == ({"a", "b", "i1"}, ["2 of 3 would be retired"])
    assert do(tmp_path, lines(ITEM), services, allow_losses=True).problems == []
    assert set(services.items) == {"i1"}


def test_an_import_killed_before_it_retires_does_so_when_it_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = shop_of("gone", "bad")
    text = lines(ITEM, FAULTS["no title"]("bad"))

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(import_items, "reconcile", killed)
        do(tmp_path, text, services, work=tmp_path / "work")
    assert set(services.items) == {"gone", "bad", "i1"}
    report = do(tmp_path, text, services, work=tmp_path / "work")
    assert (set(services.items), services.sent) == ({"bad", "i1"}, ["i1"])
    assert (report.read, report.imported, report.rejected) == (2, 1, 1)


def test_an_incremental_import_retires_nothing(tmp_path: Path) -> None:
    services = shop_of("other")
    path = tmp_path / "items.jsonl"
    path.write_text(lines(ITEM), encoding="utf-8")
    run_import(ImportJob("items", path, "shop"), services, NOW)  # type: ignore[arg-type]
    assert set(services.items) == {"other", "i1"}


def test_a_mended_reject_file_is_not_the_whole_catalogue(tmp_path: Path) -> None:
    entry = {"line": 7, "field": "price", "reason": "price_missing", "remedy": "mend", "row": ITEM}
    with pytest.raises(FileRefused, match="without --mode full"):
        do(tmp_path, lines(entry), shop_of("other"))
