"""What is known of items at this moment, in columns: one entry a candidate."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ItemFacts:
    """Columns of equal length n, aligned by position. Prices, popularity, stock and age travel with every request."""

    item_ids: Sequence[str]
    rows: NDArray[np.int32]
    """`[n]` row of the item in the release's vocabulary; −1 for items newer than the release."""
    price_minor: NDArray[np.int64]
    """`[n]`; 0 or less when unknown."""
    list_price_minor: NDArray[np.int64]
    """`[n]` price before discount; 0 or less when there is none."""
    brands: Sequence[str]
    categories: Sequence[str]
    """Paths such as "Women/Dresses"."""
    price_bands: Sequence[str]
    """The price band's label."""
    popularity_1d: NDArray[np.float32]
    """`[n]` weighted actions of the last day."""
    popularity_7d: NDArray[np.float32]
    popularity_30d: NDArray[np.float32]
    stock: NDArray[np.int32]
    """`[n]`; −1 when not counted."""
    age_days: NDArray[np.float32]
    """`[n]` since the item was created."""
    new_vectors: NDArray[np.float32]
    """`[k, 128]` image 64 + text 64 (zeros where missing) of the k candidates whose row is −1, in their order."""

    def __len__(self) -> int:
        return len(self.item_ids)

    def __post_init__(self) -> None:
        """Checks that the columns fit together."""
        for column in fields(self):
            if column.name != "new_vectors" and len(getattr(self, column.name)) != len(self.item_ids):
                raise ValueError(f"Column {column.name} has {len(getattr(self, column.name))} of {len(self)} entries.")
        unknown = int((self.rows < 0).sum())
        if self.new_vectors.shape[0] != unknown:
            raise ValueError(f"{unknown} candidates are new but {self.new_vectors.shape[0]} new vectors came along.")
