"""Impressions whose click probabilities are known: a position curve, users, items, a taste, a device."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

CURVE = np.array([0.95, 0.7, 0.5, 0.36, 0.26])
START_S = 1_770_000_000
LABELS = ("clicked", "purchased")


@dataclass(frozen=True)
class Logged:
    """A table as a file has it, and the truth beside it."""

    table: pa.Table
    p_click: np.ndarray
    p_purchase: np.ndarray

    def write(self, path: Path, labelled: bool = True) -> Path:
        table = self.table if labelled else self.table.drop_columns(list(LABELS))
        if path.suffix == ".parquet":
            pq.write_table(table, path)
        elif path.suffix == ".gz":
            with pa.CompressedOutputStream(path, "gzip") as file:
                arrow_csv.write_csv(table, file)
        else:
            arrow_csv.write_csv(table, path)
        return path

    def part(self, start: int, end: int) -> "Logged":
        """Requests from start to end."""
        rows = slice(start * len(CURVE), end * len(CURVE))
        return Logged(self.table.slice(rows.start, rows.stop - rows.start), self.p_click[rows], self.p_purchase[rows])


def simulate(requests: int, seed: int = 1, level: float = -1.6, users: int = 120) -> Logged:
    """Pages of five items each, better items a little more often above."""
    random = np.random.default_rng(seed)
    items, kinds = 50, 4
    appeal, eagerness = random.normal(0, 0.8, items), random.normal(0, 0.7, users)
    kind, taste = random.integers(0, kinds, items), random.normal(0, 0.7, (users, kinds))
    worth = random.normal(-0.7, 0.6, items)
    user = random.integers(0, users, requests)
    device = random.integers(0, 2, requests)
    shown = np.array([_page(random, appeal) for _ in range(requests)])
    u, i = np.repeat(user, len(CURVE)), shown.ravel()
    d, position = np.repeat(device, len(CURVE)), np.tile(np.arange(len(CURVE)), requests)
    seen = 1 / (1 + np.exp(-(level + appeal[i] + eagerness[u] + taste[u, kind[i]] + 0.6 * d)))
    bought = 1 / (1 + np.exp(-worth[i]))
    clicked = random.random(len(i)) < CURVE[position] * seen
    purchased = clicked & (random.random(len(i)) < bought)
    request = np.repeat(np.arange(requests), len(CURVE))
    table = pa.table(
        {
            "request_id": [f"r{number}" for number in request],
            "user_id": [f"u{number}" for number in u],
            "item_id": [f"i{number}" for number in i],
            "position": position + 1,
            "occurred_at": pa.array((START_S + 400 * request) * 1_000_000, pa.timestamp("us", "UTC")),
            "clicked": clicked.astype(int),
            "purchased": purchased.astype(int),
            "device": np.array(["phone", "desktop"])[d],
            "kind": [f"kind {number}" for number in kind[i]],
            "price": np.round(10 + 5 * appeal[i] + random.normal(0, 3, len(i)), 2),
        }
    )
    return Logged(table, CURVE[position] * seen, CURVE[position] * seen * bought)


def _page(random: np.random.Generator, appeal: np.ndarray) -> np.ndarray:
    score = 0.5 * appeal + random.gumbel(size=len(appeal))
    return np.argsort(-score)[: len(CURVE)]
