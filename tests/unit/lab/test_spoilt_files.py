"""Fifteen ways to spoil a file (and one more): each is named with its remedy, and the rest of the file is imported."""

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lab.importing.importer import ImportJob, run_import
from lab.importing.problems import FileRefused, MappingRefused
from tests.unit.lab.pretend import PretendServices

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def item(number: int, **changes: Any) -> dict[str, Any]:
    return {"item_id": f"i{number}", "titles": {"en": "Tea"}, "price_minor": 500, "currency": "EUR", **changes}


def event(number: int, **changes: Any) -> dict[str, Any]:
    row = {"event_id": f"e{number}", "action": "view", "user_id": "u", "item_id": "i1"}
    return {**row, "occurred_at": "2026-01-31T11:00:00Z", **changes}


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


HEADER = "event_id,action,user_id,item_id,occurred_at,query\n"
GOOD = "e1,view,u,i1,2026-01-31T11:00:00Z,\n"


@dataclass(frozen=True)
class Spoilt:
    """A way to spoil a file."""

    kind: str
    name: str
    content: bytes
    imported: int
    reason: str = ""
    """Of the one rejected row."""
    place: str = ""
    """The field at fault."""
    remedy: str = ""
    """A part of the remedy."""
    merged: int = 0
    dangling: dict[str, int] = field(default_factory=dict)
    problem: str = ""
    """A part of the problem with the file as a whole."""


FILES = {
    "wrong encoding": Spoilt(
        "events", "e.csv", f"{HEADER}{GOOD}e2,search,u,,2026-01-31T11:00:00Z,thé\n".encode("latin-1"), 1,
        "encoding", "", 'encoding = "latin-1"',
    ),
    "wrong encoding of JSON": Spoilt(
        "events", "e.jsonl", lines([event(1)]) + '{"event_id": "thé"}\n'.encode("latin-1"), 1, "encoding", "", "iconv",
    ),
    "shifted columns": Spoilt(
        "events", "e.csv", f"{HEADER}{GOOD}e2,view,u,i1,extra,2026-01-31T11:00:00Z,\n".encode(), 1, "columns", "",
        "7 columns where the header has 6",
    ),
    "a line of ten megabytes": Spoilt(
        "events", "e.jsonl", lines([event(1), event(2, query="x" * 10**7), event(3)]), 2, "line_too_long", "",
        "is a line end missing",
    ),
    "future times": Spoilt(
        "events", "e.jsonl", lines([event(1), event(2, occurred_at="2036-01-01")]), 1, "occurred_at_in_future",
        "occurred_at", "10 minutes ahead",
    ),
    "ancient times": Spoilt(
        "events", "e.jsonl", lines([event(1), event(2, occurred_at="1926-01-01")]), 1, "occurred_at_too_early",
        "occurred_at", "check the column",
    ),
    "a negative price": Spoilt(
        "items", "i.jsonl", lines([item(1), item(2, price_minor=-1)]), 1, "price_negative", "price", "negative",
    ),
    "a negative price of an event": Spoilt(
        "events", "e.jsonl", lines([event(1), event(2, price_minor=-5, currency="EUR")]), 1, "price_negative", "price",
        "leave it out",
    ),
    "a link to another host": Spoilt(
        "items", "i.jsonl", lines([item(1, link="/x"), item(2, link="//cdn.shop/x")]), 1, "link_malformed", "link",
    ),
    "an unknown currency": Spoilt(
        "items", "i.jsonl", lines([item(1), item(2, currency="XQX")]), 1, "currency_unknown", "currency", "ISO 4217",
    ),
    "an unknown currency of an event": Spoilt(
        "events", "e.jsonl", lines([event(1), event(2, price_minor=5, currency="XQX")]), 1, "currency_unknown",
        "currency", "ISO 4217",
    ),
    "an id twice with other content": Spoilt(
        "events", "e.jsonl", lines([event(1), event(2), event(1, user_id="v")]), 2, "event_conflict", "",
    ),
    "an item twice with other content": Spoilt(
        "items", "i.jsonl", lines([item(1), item(2), item(1, price_minor=5)]), 2, merged=1,
    ),
    "dangling items": Spoilt(
        "events", "e.jsonl", lines([event(1), event(2, item_id="i99")]), 2, dangling={"items": 1},
    ),
    "missing pictures": Spoilt(
        "items", "i.jsonl", lines([item(1), item(2, images=["none.jpg"])]), 2, dangling={"pictures": 1},
    ),
    "missing pictures of a picture file": Spoilt(
        "pictures", "p.csv", b"item_id,image\ni1,https://shop.example/a.jpg\ni1,none.jpg\n", 1, "picture_missing",
        "image", "there is no file",
    ),
    "an unknown action": Spoilt(
        "events", "e.jsonl", lines([event(1), event(2, action="gaze")]), 1, "action_unknown", "action",
        "map it with values",
    ),
    "half a character": Spoilt(
        "items", "i.jsonl", lines([item(1)]) + b'{"item_id": "i2", "unmapped": "ab\\ud83d"}\n' + lines([item(3)]), 2,
        "encoding", "", "half a character",
    ),
    "a number of thousands of digits": Spoilt(
        "items", "i.jsonl", lines([item(1)]) + b'{"item_id": ' + b"7" * 5_000 + b"}\n" + lines([item(3)]), 2, "json",
    ),
    "a list of tables": Spoilt(
        "items", "i.jsonl", lines([item(1), item(2, images=[{"url": "a.jpg"}]), item(3)]), 2, "images_malformed",
        "images", "texts or numbers",
    ),
    "an endless quantity": Spoilt(
        "events", "e.jsonl", lines([event(1)]) + lines([event(2, quantity=7)]).replace(b"7", b"1" * 400), 1,
        "quantity_malformed", "quantity", "whole number",
    ),
    "a time beyond all numbers": Spoilt(
        "events", "e.jsonl", lines([event(1)]) + lines([event(2, occurred_at=7)]).replace(b"7", b"1" * 400), 1,
        "occurred_at_malformed", "occurred_at", "is not a time",
    ),
    "a campaign nested otherwise": Spoilt(
        "campaigns", "c.jsonl",
        lines([{"campaign_id": each, "starts_at": "2026-01-01", "ends_at": "2026-02-01", "banners": banners}
               for each, banners in (("c1", []), ("c2", ["b1"]))]),
        1, "campaign_malformed", "", "the form that the boutique exports",
    ),
    "a truncated gzip": Spoilt(
        "items", "i.jsonl.gz", gzip.compress(lines([item(n, link=f"/{n * 7919 % 9973}") for n in range(300)]))[:-900],
        -1, problem="damaged behind line",
    ),
    "JSON that breaks off": Spoilt(
        "items", "i.jsonl", lines([item(1)]) + b'{"item_id": "i2", "ti', 1, "json", "", "JSON",
    ),
}  # fmt: skip


@pytest.mark.parametrize("spoilt", FILES.values(), ids=FILES)
def test_a_spoilt_file_is_told_clearly_and_the_rest_is_imported(tmp_path: Path, spoilt: Spoilt) -> None:
    path, rejects = tmp_path / spoilt.name, tmp_path / "rejects.jsonl"
    path.write_bytes(spoilt.content)
    services = PretendServices(known_items=[] if spoilt.kind == "items" else ["i1"])
    job = ImportJob(spoilt.kind, path, "shop", rejects=rejects, work=tmp_path / "work")  # type: ignore[arg-type]
    report = run_import(job, services, NOW)  # type: ignore[arg-type]
    assert report.read == report.imported + report.merged + report.held + report.rejected
    assert report.imported == spoilt.imported or (spoilt.imported < 0 and report.imported > 0)
    assert (report.merged, dict(report.dangling)) == (spoilt.merged, spoilt.dangling)
    assert spoilt.problem in " ".join(report.problems)
    assert bool(report.problems) == bool(spoilt.problem)
    assert len(report.samples) == bool(spoilt.reason) + len(spoilt.dangling)
    told = [json.loads(line) for line in rejects.read_text(encoding="utf-8").splitlines()]
    if spoilt.reason:
        assert report.reasons == {spoilt.reason: 1}
        (sample,) = report.samples[spoilt.reason]
        assert (sample.field, told[0]["reason"]) == (spoilt.place or sample.field, spoilt.reason)
        assert spoilt.remedy in sample.remedy
        assert sample.line > 1
    else:
        assert told == []


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b""), "is empty .0 bytes.; was it exported to the end"),
        (lambda path: path.mkdir(), "is a folder; name the file in it"),
        (lambda path: None, "does not exist; check the path"),
        (lambda path: path.write_text("tea", encoding="utf-16"), "is UTF-16; save it as UTF-8"),
    ],
    ids=["zero bytes", "a directory", "no file", "UTF-16"],
)
@pytest.mark.parametrize("kind", ["items", "events", "pictures", "campaigns", "links"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, kind: Any, make: Callable[[Path], Any], message: str) -> None:
    path = tmp_path / "file.jsonl"
    make(path)
    (tmp_path / "own.toml").write_text("".join(f"[{each}]\n" for each in (kind,)), encoding="utf-8")
    try:
        job = ImportJob(kind, path, "shop", str(tmp_path / "own.toml"), work=tmp_path / "work")
        report = run_import(job, PretendServices(), NOW)  # type: ignore[arg-type]
        told = " ".join(report.problems)
    except FileRefused as error:
        told = str(error)
    assert re.search(message, told), told


def test_formulas_are_imported_as_text_and_stay_inert(tmp_path: Path) -> None:
    formula = '=HYPERLINK("http://evil.example","<script>alert(1)</script>")'
    path, services = tmp_path / "items.jsonl", PretendServices()
    path.write_bytes(lines([item(1, titles={"en": formula}), item(2, brand="+1"), item(3, price_minor=formula)]))
    job = ImportJob("items", path, "shop", rejects=tmp_path / "rejects.jsonl")
    report = run_import(job, services, NOW)  # type: ignore[arg-type]
    assert (report.imported, dict(report.reasons)) == (2, {"price_malformed": 1})
    assert (services.items["i1"].titles["en"], services.items["i2"].brand) == (formula, "+1")
    (line,) = (tmp_path / "rejects.jsonl").read_text(encoding="utf-8").splitlines()
    assert line.startswith("{")  # a line of JSON is no formula to a spreadsheet
    assert json.loads(line)["row"]["price_minor"] == formula


def test_items_that_name_each_other_as_family_become_one_and_all_arrive(tmp_path: Path) -> None:
    path, services = tmp_path / "items.jsonl", PretendServices()
    path.write_bytes(lines([item(1, family_id="i3"), item(2), item(3, family_id="i1"), item(4, family_id="i4")]))
    report = run_import(ImportJob("items", path, "shop"), services, NOW)  # type: ignore[arg-type]
    assert (report.read, report.imported, report.rejected) == (4, 4, 0)
    assert report.filled["family_id: a ring of items becomes one family"] == 1
    assert "i1 and i3 name each other as their family" in report.notes[0]
    assert services.items["i1"].family_id == services.items["i3"].family_id


def test_variants_that_name_each_other_as_product_are_one_product(tmp_path: Path) -> None:
    fields = "".join(f'{name} = "{name}"\n' for name in ("item_id", "titles", "currency"))
    (tmp_path / "own.toml").write_text(
        f'[items.fields]\n{fields}price = "price_minor"\n[items.variants]\nparent = "parent"\n', encoding="utf-8"
    )
    path, services = tmp_path / "items.jsonl", PretendServices()
    path.write_bytes(lines([item(1, parent="i3"), item(2), item(3, parent="i1")]))
    report = run_import(ImportJob("items", path, "shop", str(tmp_path / "own.toml")), services, NOW)  # type: ignore[arg-type]
    assert (report.read, report.imported, report.merged, report.rejected) == (3, 2, 1, 0)
    assert "i1 and i3 name each other as variants" in report.notes[0]


@pytest.mark.parametrize("encoding", ["utf-16", "klingon"])
def test_an_encoding_that_cannot_be_read_is_refused_with_the_mapping(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "own.toml").write_text(f'[events]\nfile = {{ encoding = "{encoding}" }}\n', encoding="utf-8")
    job = ImportJob("events", tmp_path / "events.csv", "shop", str(tmp_path / "own.toml"))
    with pytest.raises(MappingRefused, match=r"file\.encoding"):
        run_import(job, None, NOW)


def test_the_encoding_that_the_remedy_names_helps(tmp_path: Path) -> None:
    mapping = "".join(f'{name} = "{name}"\n' for name in HEADER.strip().split(","))
    (tmp_path / "own.toml").write_text(
        f'[events]\nfile = {{ encoding = "latin-1" }}\n[events.fields]\n{mapping}', encoding="utf-8"
    )
    path, services = tmp_path / "events.csv", PretendServices()
    path.write_bytes(f"{HEADER}e2,search,u,,2026-01-31T11:00:00Z,thé\n".encode("latin-1"))
    report = run_import(ImportJob("events", path, "shop", str(tmp_path / "own.toml")), services, NOW)  # type: ignore[arg-type]
    assert (report.imported, services.events["e2"].query) == (1, "thé")
