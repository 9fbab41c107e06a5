"""Item rows: fields of a mapped row, checked one by one, become a record; records become messages.

A record is a plain dict with the field names of the contract's ItemInput (money as `price_minor`, `list_price_minor`
and `currency`, times as ISO 8601), so that it can be kept on disk between reading and sending.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from lab.importing.cleaning import plain_text
from lab.importing.money import is_currency, minor_units
from lab.importing.problems import RowRefused
from lab.importing.times import moment

Record = dict[str, Any]
Fill = Callable[[str], None]

MOST_IMAGES = 12
MOST_ATTRIBUTES = 64
MOST_VARIANTS = 1_000
_LOCALE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}")
_REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LINK = re.compile(r"https?://\S+|/(?!/)\S*")
_NO = frozenset({"0", "0.0", "false", "no", "n", "out of stock", "out_of_stock"})


def read_item(fields: Mapping[str, Any], price_unit: str, on_fill: Fill) -> Record:
    """Check what one row says by itself; whether an item is complete is `complete_item`'s matter.

    Raises: RowRefused at the first field that cannot be understood.
    """
    record: Record = {"item_id": identifier(fields.get("item_id"), "item_id", required=True)}
    if "family_id" in fields:
        record["family_id"] = identifier(fields["family_id"], "family_id")
    record["titles"] = _texts(fields.get("titles"), "titles", 500, on_fill)
    record["descriptions"] = _texts(fields.get("descriptions"), "descriptions", 20_000, on_fill)
    _read_money(record, fields, price_unit, on_fill)
    _read_stock(record, fields, on_fill)
    for name, limit in (("brand", 128), ("seller", 128)):
        record[name] = _cut(plain_text(str(fields.get(name, ""))), limit, name, on_fill)
    record["category"] = _category(fields.get("category", ""), on_fill)
    record["regions"] = _regions(fields.get("regions", []))
    record["images"] = [str(each).strip() for each in _listed(fields.get("images", []), "images") if str(each).strip()]
    record["attributes"] = _attributes(fields.get("attributes", {}), on_fill)
    if "link" in fields:
        record["link"] = _link(str(fields["link"]))
    if "variant_ids" in fields:
        variant_ids = [identifier(each, "variant_ids") for each in _listed(fields["variant_ids"], "variant_ids")]
        record["variant_ids"] = [each for each in dict.fromkeys(variant_ids) if each and each != record["item_id"]]
    if "minimum_age" in fields:
        record["minimum_age"] = _whole(fields["minimum_age"], "minimum_age", 0, 99)
    if "margin_ratio" in fields:
        record["margin_ratio"] = _ratio(fields["margin_ratio"])
    if "created_at" in fields:
        record["created_at"] = _time(fields["created_at"], "created_at")
    return record


def complete_item(record: Record, on_fill: Fill) -> Record:
    """Fill what the contract has a default for and check what it requires. Raises: RowRefused."""
    if not record["titles"]:
        raise RowRefused("titles", "title_missing", "an item needs a title in at least one language")
    if "price_minor" not in record:
        raise RowRefused("price", "price_missing", "an item needs a price")
    if record["price_minor"] == 0 and record.get("stock", 1) != 0:
        raise RowRefused("price", "price_zero", "a price of 0 is allowed only while the item is not in stock")
    if len(record["images"]) > MOST_IMAGES:
        on_fill(f"images: the first {MOST_IMAGES} kept")
        record["images"] = record["images"][:MOST_IMAGES]
    if len(record.get("variant_ids", ())) > MOST_VARIANTS:
        on_fill(f"variant_ids: the first {MOST_VARIANTS:,} kept")
        record["variant_ids"] = record["variant_ids"][:MOST_VARIANTS]
    if not record.get("family_id"):
        on_fill("family_id: the item's own id")
        record["family_id"] = record["item_id"]
    if "created_at" not in record:
        on_fill("created_at: when it is first imported")
    if "stock" not in record:
        on_fill("stock: not tracked, always available")
    return record


def identifier(value: Any, field: str, *, required: bool = False) -> str:
    """Return an id of the shop's own: 1 to 128 printable characters. Raises: RowRefused."""
    text = "" if value is None else str(value).strip()
    if not text:
        if required:
            raise RowRefused(field, f"{field}_missing", f"{field} is empty; every row needs one")
        return ""
    if len(text) > 128 or not text.isprintable():
        raise RowRefused(field, f"{field}_malformed", f"{field} must be 1 to 128 printable characters")
    return text


def _read_money(record: Record, fields: Mapping[str, Any], price_unit: str, on_fill: Fill) -> None:
    currency = str(fields.get("currency", "")).strip().upper()
    if "price" not in fields and "list_price" not in fields:
        return
    if not _CURRENCY.fullmatch(currency):
        raise RowRefused("currency", "currency_malformed", "the currency must be three capital letters such as EUR")
    if not is_currency(currency):
        raise RowRefused("currency", "currency_unknown", f"{currency} is no ISO 4217 currency; map it with values")
    record["currency"] = currency
    for name in ("price", "list_price"):
        if name in fields:
            try:
                amount = minor_units(fields[name], currency, price_unit)
            except ValueError as error:
                raise RowRefused(name, f"{name}_malformed", str(error)) from error
            if amount < 0:
                raise RowRefused(
                    name,
                    f"{name}_negative",
                    "a price cannot be negative; a return is an event",
                )
            record[f"{name}_minor"] = amount
    if record.get("list_price_minor", record.get("price_minor", 0)) < record.get("price_minor", 0):
        on_fill("list_price: left out where it is below the price")
        del record["list_price_minor"]


def _read_stock(record: Record, fields: Mapping[str, Any], on_fill: Fill) -> None:
    if "stock" in fields:
        stock = _whole(fields["stock"], "stock", -(10**9), 10**12)
        if stock < 0:
            on_fill("stock: 0 where it is negative")
        record["stock"] = max(stock, 0)
    if "available" in fields and str(fields["available"]).strip().lower() in _NO:
        record["stock"] = 0


def _texts(value: Any, field: str, limit: int, on_fill: Fill) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RowRefused(
            field, f"{field}_malformed", f"{field} must be a table by language; map each language's column"
        )
    texts = {}
    for locale, text in value.items():
        if not _LOCALE.fullmatch(str(locale)):
            raise RowRefused(field, "locale_malformed", f"{locale!r} is not a language tag such as en or zh")
        # Descriptions keep their line ends; whoever maps html has had them cleaned already.
        cleaned = (
            str(text or "").replace("\x00", "").strip() if field == "descriptions" else plain_text(str(text or ""))
        )
        if cleaned:
            texts[str(locale)] = _cut(cleaned, limit, field, on_fill)
    return texts


def _cut(text: str, limit: int, field: str, on_fill: Fill) -> str:
    if len(text) <= limit:
        return text
    on_fill(f"{field}: cut at {limit:,} characters")
    return text[:limit].rstrip()


def _category(value: Any, on_fill: Fill) -> str:
    levels = [plain_text(level) for level in str(value).split("/")]
    levels = [level for level in levels if level]
    if len(levels) > 8:
        on_fill("category: the first 8 levels kept")
    return _cut("/".join(levels[:8]), 500, "category", on_fill)


def _regions(value: Any) -> list[str]:
    regions = [str(each).strip().upper() for each in _listed(value, "regions")]
    for region in regions:
        if not _REGION.fullmatch(region):
            raise RowRefused("regions", "region_malformed", f"{region!r} is not an ISO 3166 code such as DE or CN-31")
    return regions


def _attributes(value: Any, on_fill: Fill) -> dict[str, str]:
    if not isinstance(value, dict):
        raise RowRefused("attributes", "attributes_malformed", "attributes must be a table; map them with pairs")
    cleaned = {plain_text(str(name))[:64]: plain_text(str(text)) for name, text in value.items() if text is not None}
    kept = {name: _cut(text, 256, "attributes", on_fill) for name, text in cleaned.items() if name and text}
    if len(kept) > MOST_ATTRIBUTES:
        on_fill(f"attributes: the first {MOST_ATTRIBUTES} kept")
    return dict(list(kept.items())[:MOST_ATTRIBUTES])


def _listed(value: Any, field: str) -> list[Any]:
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        raise RowRefused(field, f"{field}_malformed", f"{field} must be a list; map the column with split")
    return value


def _link(value: str) -> str:
    if not _LINK.fullmatch(value.strip()) or len(value) > 2_048:
        raise RowRefused("link", "link_malformed", "a link is a path of the shop or an http(s) address without blanks")
    return value.strip()


def _whole(value: Any, field: str, low: int, high: int) -> int:
    try:
        number = float(str(value).strip())
    except ValueError:
        raise RowRefused(field, f"{field}_malformed", f"{str(value)[:40]!r} is not a whole number") from None
    if not low <= number <= high or number != int(number):
        raise RowRefused(field, f"{field}_malformed", f"{field} must be a whole number from {max(low, 0)} to {high}")
    return int(number)


def _ratio(value: Any) -> float:
    try:
        ratio = float(str(value).strip())
    except ValueError:
        ratio = -1.0
    if not 0.0 <= ratio <= 1.0:
        raise RowRefused("margin_ratio", "margin_ratio_malformed", "the margin is a share of the price from 0 to 1")
    return ratio


def _time(value: Any, field: str) -> str:
    try:
        return moment(value).isoformat()
    except ValueError as error:
        raise RowRefused(field, f"{field}_malformed", str(error)) from error
