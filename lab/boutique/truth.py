"""The truth of a generated boutique: what the export hides.

Evaluation reads it; import, training and services never do. Every number that comes of it is *simulated*.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lab.boutique.catalogue import Column
from lab.boutique.response import MAX_PROBABILITY, sigmoid
from lab.boutique.users import Matrix

FOLDER = "truth"


@dataclass(frozen=True)
class Truth:
    """Tastes, features and groups of one boutique at the end of its time."""

    user_rows: dict[str, int]
    item_rows: dict[str, int]
    click_weights: Matrix
    """[users, features]"""
    purchase_weights: Matrix
    """[users, features]"""
    features: Matrix
    """[items, features]"""
    families: Column
    """[items] number of the product; variants share one."""
    picture_groups: Column
    """[items] number of what the picture shows; near-identical pictures, and sizes of one product, share one."""
    factors: Matrix
    """[users, families] what owning and hiding do to P(click | seen)."""
    examination_tables: dict[str, NDArray[np.float64]]
    """A [rows, columns] table a device."""
    session_users: dict[str, str]
    """Who was behind the sessions that never signed in."""

    @classmethod
    def load(cls, folder: Path) -> Truth:
        """Read the truth of the boutique exported to `folder` (or the folder `truth` within).

        Raises:
            FileNotFoundError: there is no truth there; a real shop has none.

        """
        place = folder / FOLDER if (folder / FOLDER).is_dir() else folder
        with np.load(place / "truth.npz", allow_pickle=False) as arrays:
            users, items = arrays["user_ids"].tolist(), arrays["item_ids"].tolist()
            factors = np.ones((len(users), int(arrays["families"].max()) + 1), dtype=np.float32)
            factors[arrays["factor_users"], arrays["factor_families"]] = arrays["factor_values"]
            unnamed = zip(arrays["session_ids"].tolist(), arrays["session_users"].tolist(), strict=True)
            return cls(
                user_rows={user: row for row, user in enumerate(users)},
                item_rows={item: row for row, item in enumerate(items)},
                click_weights=arrays["click_weights"],
                purchase_weights=arrays["purchase_weights"],
                features=arrays["features"],
                families=arrays["families"],
                picture_groups=arrays["picture_groups"],
                factors=factors,
                examination_tables=_read_examination(place),
                session_users={session: users[user] for session, user in unnamed},
            )

    def p_click_if_seen(self, user_ids: Sequence[str], item_ids: Sequence[str]) -> Matrix:
        """P(click | seen) of every user with every item, [users, items].

        Raises:
            KeyError: a user or item is not of this boutique.

        """
        users, items = self._rows(user_ids, item_ids)
        logits = self.click_weights[users] @ self.features[items].T
        probability = sigmoid(logits) * self.factors[users][:, self.families[items]]
        return np.asarray(np.minimum(probability, np.float32(MAX_PROBABILITY)))

    def p_purchase_if_clicked(self, user_ids: Sequence[str], item_ids: Sequence[str]) -> Matrix:
        """P(purchase | click), [users, items]."""
        users, items = self._rows(user_ids, item_ids)
        return sigmoid(self.purchase_weights[users] @ self.features[items].T)

    def p_purchase_if_seen(self, user_ids: Sequence[str], item_ids: Sequence[str]) -> Matrix:
        """P(click and purchase | seen), [users, items]."""
        return self.p_click_if_seen(user_ids, item_ids) * self.p_purchase_if_clicked(user_ids, item_ids)

    def examination(self, device: str) -> NDArray[np.float64]:
        """P(examined) at every [row, column] on "desktop", "tablet" or "phone"."""
        return self.examination_tables[device]

    def variant_groups(self) -> list[list[str]]:
        """Items that are variants of one product; only groups of two or more."""
        return self._groups(self.families)

    def near_identical_groups(self) -> list[list[str]]:
        """Items of different products with near-identical pictures, and the sizes that share those pictures."""
        ids = list(self.item_rows)
        groups = self._groups(self.picture_groups)
        rows = {item: row for row, item in enumerate(ids)}
        return [group for group in groups if len({int(self.families[rows[item]]) for item in group}) > 1]

    def _groups(self, numbers: Column) -> list[list[str]]:
        members: dict[int, list[str]] = {}
        for item, number in zip(self.item_rows, numbers.tolist(), strict=True):
            members.setdefault(number, []).append(item)
        return [group for group in members.values() if len(group) > 1]

    def _rows(self, user_ids: Sequence[str], item_ids: Sequence[str]) -> tuple[list[int], list[int]]:
        return [self.user_rows[user] for user in user_ids], [self.item_rows[item] for item in item_ids]


@dataclass(frozen=True)
class PageSlot:
    """An item at a place on a page."""

    item_id: str
    row: int
    column: int


@dataclass(frozen=True)
class PageResponse:
    """What a simulated user did with a page; one flag a slot."""

    examined: NDArray[np.bool_]
    clicked: NDArray[np.bool_]
    purchased: NDArray[np.bool_]


def simulate_page_response(
    truth: Truth, user_id: str, slots: Sequence[PageSlot], device: str, rng: np.random.Generator
) -> PageResponse:
    """Draw examination, clicks and purchases: one needs the other. Places beyond the table count as its last."""
    items = [slot.item_id for slot in slots]
    examined = rng.random(len(slots)) < expected_examination(truth, slots, device)
    clicked = examined & (rng.random(len(slots)) < truth.p_click_if_seen([user_id], items)[0])
    purchased = clicked & (rng.random(len(slots)) < truth.p_purchase_if_clicked([user_id], items)[0])
    return PageResponse(examined, clicked, purchased)


def expected_examination(truth: Truth, slots: Sequence[PageSlot], device: str) -> NDArray[np.float64]:
    """P(examined) of each slot."""
    table = truth.examination(device)
    rows = np.minimum([slot.row for slot in slots], table.shape[0] - 1)
    columns = np.minimum([slot.column for slot in slots], table.shape[1] - 1)
    return np.asarray(table[rows.astype(int), columns.astype(int)])


def _read_examination(place: Path) -> dict[str, NDArray[np.float64]]:
    tables = json.loads((place / "examination.json").read_text(encoding="utf-8"))
    return {device: np.array(table) for device, table in tables.items()}
