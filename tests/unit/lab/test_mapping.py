"""Mapping files: what they can say, and what is said about wrong ones."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lab.importing.columns import ColumnMapper, pairs_of
from lab.importing.mapping import BUILT_IN, load_mapping, parse_mapping
from lab.importing.problems import MappingRefused


def fields(rules: dict[str, Any], row: dict[str, Any]) -> tuple[dict[str, Any], Counter[str]]:
    filled: Counter[str] = Counter()

    def note(rule: str) -> None:
        filled[rule] += 1

    mapper = ColumnMapper(parse_mapping({"items": {"fields": rules}}, "items"), note)
    return mapper.fields_of(row), filled


@pytest.mark.parametrize(
    ("rule", "row", "expected"),
    [
        ("sku", {"sku": "A1"}, "A1"),
        ("price.amount", {"price": {"amount": 5}}, 5),
        ("price.amount", {"price.amount": 6, "price": {"amount": 5}}, 6),
        ({"from": ["sale", "price"]}, {"sale": "", "price": "9"}, "9"),
        ({"from": "name", "text": "plain"}, {"name": " Tea &amp; \n Co&trade; "}, "Tea & Co™"),
        (
            {"from": "body", "text": "html"},
            {"body": "<p>One</p><p>Two<br>Three</p><script>x</script>"},
            "One\nTwo\nThree",
        ),
        ({"from": "path", "strip_prefix": "Root/"}, {"path": "Root/Men/Tops"}, "Men/Tops"),
        (
            {"from": "paths", "split": ",", "skip": ["Root", "Sale/"], "strip_prefix": "Root/", "pick": "deepest"},
            {"paths": "Root,Root/Sale/A/B/C,Root/Men,Root/Men/Tops"},
            "Men/Tops",
        ),
        ({"from": ["a", "b", "c"], "join": "/"}, {"a": "Food", "b": None, "c": "ICE/CUBES"}, "Food/ICE CUBES"),
        ({"from": "kind", "values": {"buy": "purchase"}}, {"kind": "buy"}, "purchase"),
        ({"from": "file", "prefix": "img/"}, {"file": "a.jpg"}, "img/a.jpg"),
        (
            {"from": "features", "pairs": ",", "within": "|", "drop": ["x"], "rename": {"color": "colour"}},
            {"features": "x=1,color=Red|Blue,note=a, b"},
            {"colour": "Red, Blue", "note": "a, b"},
        ),
        ({"from": "features", "pairs": ";", "equals": ":", "keep": ["a"]}, {"features": "a:1;b:2"}, {"a": "1"}),
        ({"en": "name", "zh": "name_zh"}, {"name": "Tea", "name_zh": ""}, {"en": "Tea"}),
    ],
)
def test_a_rule_makes_the_field(rule: Any, row: dict[str, Any], expected: Any) -> None:
    assert fields({"field": rule}, row)[0] == {"field": expected}


def test_several_columns_make_one_list_without_repetitions() -> None:
    rule = {"from": ["main", "more"], "split": ",", "strip_prefix": "/"}
    assert fields({"images": rule}, {"main": "/a.jpg", "more": "/b.jpg, /a.jpg,"})[0] == {"images": ["a.jpg", "b.jpg"]}


def test_gaps_are_filled_and_counted_by_rule() -> None:
    rules = {"currency": {"constant": "USD"}, "brand": {"from": "brand", "default": "House"}}
    found, filled = fields(rules, {"brand": ""})
    assert found == {"currency": "USD", "brand": "House"}
    assert filled == {"currency: constant USD": 1, "brand: default House": 1}
    assert fields(rules, {"brand": "Aster"})[1] == {"currency: constant USD": 1}


def test_empty_fields_are_left_out() -> None:
    assert fields({"a": "a", "b": "b", "c": "c", "d": "d"}, {"a": None, "b": "", "c": [], "d": 0})[0] == {"d": 0}


def test_pairs_keep_separators_inside_values() -> None:
    assert pairs_of("a=1,b=x, y,c=2=3", ",", "=") == {"a": "1", "b": "x, y", "c": "2=3"}


def test_every_problem_of_a_mapping_is_named() -> None:
    tables = {"items": {"fields": {"a": {"text": "html"}, "b": {"from": "x", "spilt": ","}}, "price_unit": "cents"}}
    with pytest.raises(MappingRefused) as refusal:
        parse_mapping(tables, "items", "shop.toml")
    for word in ("shop.toml", "3 problem", "price_unit", "spilt", "fields"):
        assert word in str(refusal.value)


def test_a_missing_table_or_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MappingRefused, match=r"no table \[events\]"):
        load_mapping("apparel_shop", "events")
    with pytest.raises(MappingRefused, match="built in are: apparel_shop, boutique"):
        load_mapping(str(tmp_path / "none.toml"), "items")
    (tmp_path / "broken.toml").write_text("[items", encoding="utf-8")
    with pytest.raises(MappingRefused, match="not valid TOML"):
        load_mapping(str(tmp_path / "broken.toml"), "items")


def test_the_built_in_mappings_are_valid() -> None:
    kinds = {
        "boutique": ("items", "changes", "events", "pictures", "campaigns"),
        "apparel_shop": ("items", "links"),
        "grocery": ("items",),
    }
    assert {path.stem for path in BUILT_IN.glob("*.toml")} == set(kinds)
    for name, tables in kinds.items():
        for kind in tables:
            load_mapping(name, kind)
