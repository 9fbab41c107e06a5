"""Mapping files: which column of a shop's export is which field, as data.

A mapping is a TOML file with one table a kind of file (`[items]`, `[events]`, ...). A field is a column's name, or a
rule:

    [items.fields]
    item_id = "sku"
    currency = { constant = "USD" }
    titles = { en = "name", zh = "name_zh" }
    price = { from = "price.amount", default = "0" }
    images = { from = ["main_image", "more_images"], split = "," }
    attributes = { from = "features", pairs = ",", rename = { color = "colour" } }
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from lab.importing.problems import MappingRefused

BUILT_IN = Path(__file__).parent / "mappings"

Columns = Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class FieldRule(_Table):
    """How one field is made from a row."""

    columns: Columns = Field(default=(), alias="from")
    """Columns to read, `a.b` reaching into nested JSON: the first that is not empty, all of them for lists."""
    constant: str | int | float | None = None
    """The same value for every row."""
    default: str | int | float | None = None
    """What fills an empty field; the report counts how often."""
    text: Literal["raw", "plain", "html"] = "raw"
    """plain: entities and blanks cleaned; html: tags and scripts taken out as well."""
    join: str = ""
    """Puts all columns into one text, this between them; where a value holds it already, a blank stands instead."""
    split: str = ""
    """Splits each column's text into a list."""
    skip: tuple[str, ...] = ()
    """List entries that are left out, together with what is below them when the entry ends in '/'."""
    pick: Literal["", "first", "last", "deepest"] = ""
    """Takes one entry of a list; deepest is the one with the most '/'."""
    strip_prefix: str = ""
    """Taken off the beginning of every value."""
    prefix: str = ""
    """Put before every value."""
    pairs: str = ""
    """Separator of `name=value` pairs; the field becomes a table."""
    equals: str = "="
    """Between the name and the value of a pair."""
    within: str = ""
    """Separator inside a pair's value, shown as ', '."""
    keep: tuple[str, ...] = ()
    """Only these names of pairs."""
    drop: tuple[str, ...] = ()
    """All but these names of pairs."""
    rename: dict[str, str] = Field(default_factory=dict)
    """New names of pairs."""
    values: dict[str, str] = Field(default_factory=dict)
    """Values to replace, such as { "buy" = "purchase" }."""

    @model_validator(mode="after")
    def _has_a_source(self) -> "FieldRule":
        if not self.columns and self.constant is None and self.default is None:
            raise ValueError("say where the value comes from: from, constant or default")
        return self


RULE_KEYS = frozenset(field.alias or name for name, field in FieldRule.model_fields.items())
_FORMS = ("rule", "table")


def _form(value: Any) -> str:
    """Say whether a value is meant as one rule, or as a table of rules."""
    if isinstance(value, dict):
        return "rule" if value.keys() & RULE_KEYS else "table"
    return "rule"


RuleOrTable = Annotated[
    Annotated[FieldRule, Tag("rule")] | Annotated[dict[str, FieldRule], Tag("table")], Discriminator(_form)
]


class FileOptions(_Table):
    """How the file is written."""

    format: Literal["", "csv", "jsonl", "parquet"] = ""
    """Default: by the file's ending."""
    delimiter: str = ""
    """Default: the likeliest in the header line."""
    encoding: str = "utf-8"
    """Of delimited files, such as latin-1 or cp1252."""

    @field_validator("encoding")
    @classmethod
    def _is_an_encoding(cls, value: str) -> str:
        try:
            newline = "\n".encode(value)
        except (LookupError, UnicodeError):
            raise ValueError(f"{value!r} is not an encoding; write one such as utf-8, latin-1 or cp1252") from None
        if newline != b"\n":
            raise ValueError(f"{value} cannot be read line by line; save the file as UTF-8 (iconv -t UTF-8)")
        return value


class ChildList(_Table):
    """A product row's column that names its variants."""

    column: str = Field(alias="from")
    """The column."""
    split: str = "|"
    """Between variants."""
    pairs: str = ","
    """Between a variant's `name=value` pairs; without pairs an entry is the variant's id."""
    id: str = "sku"
    """Name of the pair that holds the variant's id."""


class VariantRules(_Table):
    """Merges the rows of a product's variants into the row of the product: one item a product."""

    children: ChildList | None = None
    """Where a product row names its variants."""
    parent: str = ""
    """Or: the column of a variant row that names its product."""
    price: Literal["minimum", "own"] = "minimum"
    """The product's price: the lowest of its variants', or its own."""
    stock: Literal["sum", "own"] = "sum"
    """The product's stock: what its variants have together, or its own."""
    collect: dict[str, str] = Field(default_factory=dict)
    """Attributes of variants to list in the product, variant's name = product's name."""
    lead: tuple[str, ...] = ()
    """Attributes taken from the leading variant: the one with the product's main picture, else the first."""


class KindMapping(_Table):
    """The mapping of one kind of file."""

    file: FileOptions = FileOptions()
    """How the file is written."""
    price_unit: Literal["minor", "major"] = "minor"
    """major: prices are written as 12.50 and become 1250 by the currency's decimals."""
    time_zone: str = ""
    """Of times that name none, such as Europe/Berlin. Default: UTC; the report says how often it was needed."""
    picture_folder: str = ""
    """Where relative picture paths begin, relative to the file's folder."""
    picture_address: str = ""
    """Put before relative banner pictures: the address at which the shop serves them."""
    states: bool = False
    """Rows are later states of items in time order: each is sent, none replaces an earlier one in the file."""
    price_of: Literal["one", "line"] = "one"
    """Of events: what the price is of; line: of the whole quantity, which it is then divided by."""
    measured_above: int | None = Field(default=None, ge=1, le=10_000)
    """Of events: quantities above this are measures (grams, millilitres), not pieces, and count as one piece."""
    zero_pieces: Literal["reject", "one"] = "reject"
    """Of events: what a line of 0 pieces is: no event, or one piece."""
    repeats: Literal["count", "merge"] = "count"
    """Of events without ids, when a line says the same as an earlier one: it is another event, or the same."""
    variants: VariantRules | None = None
    """How variants become products."""
    fields: dict[str, RuleOrTable] = Field(default_factory=dict)
    """By field; a table of rules (such as titles by language) makes a table of values."""

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        if value:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise ValueError(f"{value!r} is not a time zone; write one such as Europe/Berlin") from None
        return value

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("fields"), dict):
            return {**data, "fields": {name: _long_form(value) for name, value in data["fields"].items()}}
        return data


def _long_form(value: Any) -> Any:
    """Turn a column's name into a rule; in a table that is not a rule, each entry."""
    if isinstance(value, str | list):
        return {"from": value}
    if isinstance(value, dict) and _form(value) == "table":
        return {name: _long_form(inner) for name, inner in value.items()}
    return value


def load_mapping(name: str, kind: str) -> KindMapping:
    """Read one kind's table of a mapping file, or of a built-in one by name ("boutique", "apparel_shop", "grocery").

    Raises: MappingRefused, with every problem found.
    """
    path = Path(name)
    if not path.is_file() and (BUILT_IN / f"{name}.toml").exists():
        path = BUILT_IN / f"{name}.toml"
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(built_in.stem for built_in in BUILT_IN.glob("*.toml")))
        raise MappingRefused(f"the mapping {name} cannot be read ({error.strerror}); built in are: {known}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingRefused(f"the mapping {path} is not valid TOML: {error}") from error
    return parse_mapping(tables, kind, str(path))


def parse_mapping(tables: Mapping[str, Any], kind: str, name: str = "mapping") -> KindMapping:
    """Check one kind's table. Raises: MappingRefused, with every problem found."""
    if kind not in tables:
        there = ", ".join(f"[{table}]" for table in tables) or "none"
        raise MappingRefused(f"the mapping {name} has no table [{kind}] (it has: {there}); add it")
    try:
        return KindMapping.model_validate(tables[kind])
    except ValidationError as error:
        lines = [f"the mapping {name} has {error.error_count()} problem(s) in [{kind}]"]
        lines += [f"  {_place(problem['loc'])}: {problem['msg']}" for problem in error.errors()]
        raise MappingRefused("\n".join(lines)) from error


def _place(location: tuple[int | str, ...]) -> str:
    # pydantic names the form that was tried as well; nobody who writes TOML knows those names
    return ".".join(str(part) for part in location if part not in _FORMS)
