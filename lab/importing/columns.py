"""Applies a mapping to rows: each rule is compiled once into a function of the row."""

import re
from collections.abc import Callable
from datetime import UTC
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from lab.importing.cleaning import plain_text, text_of_html
from lab.importing.mapping import FieldRule, KindMapping
from lab.importing.problems import RowRefused
from lab.importing.times import in_zone, names_no_zone

Row = dict[str, Any]
Getter = Callable[[Row], Any]
Fill = Callable[[str], None]

TIME_FIELDS = ("occurred_at", "created_at", "changed_at")
LIST_FIELDS = frozenset({"images", "regions", "variant_ids"})
_REMEMBERED = 4_096
"""Joined texts of each rule: the levels of a catalogue's categories come again and again."""
_CLEANERS: dict[str, Callable[[str], str]] = {"plain": plain_text, "html": text_of_html}


class ColumnMapper:
    """Turns a row of the file into fields; `on_fill(rule)` is told whenever a default or a constant was used."""

    def __init__(self, mapping: KindMapping, on_fill: Fill) -> None:
        self._fields: list[tuple[str, Getter]] = []
        self._plain: list[tuple[str, str]] = []
        self._times = [name for name in TIME_FIELDS if name in mapping.fields]
        self._zone = TimeZone(mapping, on_fill)
        for name, rule in mapping.fields.items():
            if (
                isinstance(rule, FieldRule)
                and _is_plain(rule)
                and "." not in rule.columns[0]
                and name not in LIST_FIELDS
            ):
                self._plain.append((name, rule.columns[0]))  # most columns are: no call for each
            elif isinstance(rule, FieldRule):
                self._fields.append((name, _compiled(name, rule, on_fill)))
            else:
                inner = [(key, _compiled(f"{name}.{key}", each, on_fill)) for key, each in rule.items()]
                self._fields.append((name, _table(inner)))

    def fields_of(self, row: Row) -> dict[str, Any]:
        """Return the fields that are not empty."""
        fields = {}
        for name, column in self._plain:
            if column in row:
                value = row[column]
                if value is not None and value not in ("", [], {}):
                    fields[name] = value
        for name, getter in self._fields:
            value = getter(row)
            if value is not None and value not in ("", [], {}):
                fields[name] = value
        for name in self._times:
            if name in fields:
                fields[name] = self._zone.explicit(name, fields[name])
        return fields


class TimeZone:
    """Makes the zone of times explicit; `on_fill(rule)` is told of every time that names none."""

    def __init__(self, mapping: KindMapping, on_fill: Fill) -> None:
        self._name = mapping.time_zone or "UTC"
        self._zone = ZoneInfo(mapping.time_zone) if mapping.time_zone else UTC
        self._on_fill = on_fill

    def explicit(self, field: str, written: Any) -> Any:
        """Return a time with its zone; the mapping's, else UTC, when it names none."""
        if not names_no_zone(written):
            return written
        self._on_fill(f"{field}: {self._name} where no time zone is written")
        return written if self._zone is UTC else in_zone(written, self._zone)


def value_at(row: Row, column: str) -> Any:
    """Return a column's value; `a.b` reaches into nested objects unless a column has that very name."""
    if column in row or "." not in column:
        return row.get(column)
    value: Any = row
    for part in column.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def pairs_of(text: str, separator: str, equals: str) -> dict[str, str]:
    """Read `a=1,b=2`; a separator that no name follows belongs to the value (`a=1, 2,b=3` has a = "1, 2")."""
    parts = re.split(rf"{re.escape(separator)}(?=[^{re.escape(separator + equals)}]+{re.escape(equals)})", text)
    found = (part.partition(equals) for part in parts)
    return {name.strip(): value.strip() for name, sign, value in found if sign and name.strip()}


def _table(inner: list[tuple[str, Getter]]) -> Getter:
    def get(row: Row) -> dict[str, Any]:
        values = ((key, getter(row)) for key, getter in inner)
        return {key: value for key, value in values if value not in (None, "")}

    return get


def _compiled(name: str, rule: FieldRule, on_fill: Fill) -> Getter:
    read = _reader(name, rule)
    if rule.constant is not None:
        label = f"{name}: constant {rule.constant}"
        constant = rule.constant

        def always(_: Row) -> Any:
            on_fill(label)
            return constant

        return always
    if rule.default is None:
        return read
    label, default = f"{name}: default {rule.default}", rule.default

    def with_default(row: Row) -> Any:
        value = read(row)
        if value is None or value in ("", [], {}):
            on_fill(label)
            return default
        return value

    return with_default


def _is_plain(rule: FieldRule) -> bool:
    """Say whether a rule only names a column of the row itself."""
    if len(rule.columns) != 1 or "." in rule.columns[0]:
        return False
    return rule == FieldRule.model_validate({"from": rule.columns})


def _reader(name: str, rule: FieldRule) -> Getter:
    if rule.pairs:
        return lambda row: _pairs(row, rule)
    if rule.join:
        return _joiner(rule)
    many = bool(rule.split) or name in LIST_FIELDS

    def read(row: Row) -> Any:
        if many:
            entries = _entries(name, row, rule)
            return _picked(entries, rule.pick) if rule.pick else entries
        for column in rule.columns:
            value = value_at(row, column)
            if value is not None and value != "":
                return _one(value, rule)
        return None

    return read


def _joiner(rule: FieldRule) -> Getter:
    @lru_cache(maxsize=_REMEMBERED, typed=True)
    def joined(*values: Any) -> str:
        texts = (str(_one(value, rule)).replace(rule.join, " ").strip() for value in values if value is not None)
        return rule.join.join(text for text in texts if text)

    def read(row: Row) -> str:
        values = [value_at(row, column) for column in rule.columns]
        try:
            return joined(*values)
        except TypeError:  # a list or a table has no hash
            return joined.__wrapped__(*values)

    return read


def _entries(name: str, row: Row, rule: FieldRule) -> list[str]:
    entries: list[str] = []
    for column in rule.columns:
        value = value_at(row, column)
        if value is None or value == "":
            continue
        parts = value if isinstance(value, list) else str(value).split(rule.split) if rule.split else [str(value)]
        entries += [_one(part.strip() if isinstance(part, str) else part, rule) for part in parts]
    if not all(entry is None or isinstance(entry, str | int | float) for entry in entries):
        raise RowRefused(name, f"{name}_malformed", "its entries must be texts or numbers; map what they hold")
    kept = [entry for entry in entries if entry and not _skipped(str(entry), rule.skip)]
    return list(dict.fromkeys(kept))


def _skipped(entry: str, skip: tuple[str, ...]) -> bool:
    return any(entry == each or (each.endswith("/") and entry.startswith(each)) for each in skip)


def _picked(entries: list[str], pick: str) -> str | None:
    if not entries:
        return None
    if pick == "deepest":
        return max(entries, key=lambda entry: entry.count("/"))
    return entries[0] if pick == "first" else entries[-1]


def _one(value: Any, rule: FieldRule) -> Any:
    if not isinstance(value, str):
        return rule.values.get(str(value), value) if rule.values else value
    if rule.text != "raw":
        value = _CLEANERS[rule.text](value)
    value = value.removeprefix(rule.strip_prefix)
    if rule.values:
        value = rule.values.get(value, value)
    return f"{rule.prefix}{value}" if rule.prefix and value else value


def _pairs(row: Row, rule: FieldRule) -> dict[str, str]:
    found: dict[str, str] = {}
    for column in rule.columns:
        value = value_at(row, column)
        if isinstance(value, dict):
            found |= {str(key): str(each) for key, each in value.items() if each is not None}
        elif value:
            found |= pairs_of(str(value), rule.pairs, rule.equals)
    kept = {key: value for key, value in found.items() if value and key not in rule.drop}
    if rule.keep:
        kept = {key: value for key, value in kept.items() if key in rule.keep}
    if rule.within:
        kept = {key: ", ".join(part.strip() for part in value.split(rule.within)) for key, value in kept.items()}
    return {rule.rename.get(key, key): _one(value, rule) for key, value in kept.items()}
