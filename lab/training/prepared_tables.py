"""What training takes from the prepared tables, column by column: no loop over events."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lab.preparation.actions import HALVES
from lab.preparation.integers import WINDOWS_DAYS
from lab.preparation.tables.price_bands import EDGES, FIFTHS
from lab.training.shop_data import EventColumns

NONE = -1


def read_event_columns(path: Path, number_of: Mapping[str, int]) -> EventColumns:
    """The events of a file or folder, in its order. `number_of` numbers the catalogue's items.

    Texts are repeated as one object each, so that a million events hold a few thousand texts.
    """
    table = pq.read_table(path)
    item_codes, item_ids = _coded(table, "item_id")
    subject_codes, subjects = _coded(table, "subject")
    page_codes, pages = _coded(table, "page_id")
    numbers = np.array([number_of.get(item_id, NONE) for item_id in item_ids], np.int32)
    none = np.array([page == "" for page in pages], np.bool_)
    return EventColumns(
        occurred_us=_numbers(table, "occurred_us").astype(np.int64),
        action=_numbers(table, "action").astype(np.int32),
        item=numbers[item_codes] if len(item_ids) else np.zeros(0, np.int32),
        subject=subject_codes,
        page=np.where(none[page_codes], NONE, page_codes).astype(np.int32) if len(pages) else page_codes,
        row=_numbers(table, "row").astype(np.int32),
        column=_numbers(table, "column").astype(np.int32),
        device=_numbers(table, "device").astype(np.int32),
        region=_texts(*_coded(table, "region")),
        locale=_texts(*_coded(table, "locale")),
        item_ids=_texts(item_codes, item_ids),
        queries=_texts(*_coded(table, "query")),
        subjects=subjects,
    )


def read_price_edges(path: Path) -> dict[str, tuple[float, ...]]:
    """Edges between price bands in minor units, by department."""
    rows = pq.read_table(path).to_pylist()
    return {row["department"]: tuple(row[f"edge_{k}_fifths"] / FIFTHS for k in EDGES) for row in rows}


def read_popularity(path: Path, number_of: Mapping[str, int]) -> NDArray[np.float32]:
    """`[items, 3]` weighted actions of the last 1, 7 and 30 days; items that came after the preparation have none."""
    columns = [f"popularity_{days}d_halves" for days in WINDOWS_DAYS]
    table = pq.read_table(path, columns=["item_id", *columns])
    numbers = np.array([number_of.get(item_id, NONE) for item_id in table.column("item_id").to_pylist()], np.int64)
    popularity = np.zeros((len(number_of), len(columns)), np.float32)
    for place, name in enumerate(columns):
        popularity[numbers[numbers >= 0], place] = _numbers(table, name)[numbers >= 0] / HALVES
    return popularity


def _numbers(table: pa.Table, name: str) -> NDArray[Any]:
    return np.asarray(table.column(name).to_numpy())


def _coded(table: pa.Table, name: str) -> tuple[NDArray[np.int32], list[str]]:
    """Codes by order of first appearance, and the text of each code."""
    coded = pc.dictionary_encode(table.column(name).combine_chunks())
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    return coded.indices.to_numpy(zero_copy_only=False).astype(np.int32), coded.dictionary.to_pylist()


def _texts(codes: NDArray[np.int32], texts: list[str]) -> list[str]:
    chosen = np.array(texts, np.object_)
    return chosen[codes].tolist() if len(texts) else []
