"""What a release knows of its items that a profile counts: brand, category, colour, price band."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.kit.array_files import map_arrays
from services.kit.texts import unpack_texts

COLUMN_OF_FACET: Final = {
    "brand": "brands",
    "category": "categories",
    "colour": "colours",
    "price_band": "price_bands",
}
"""Facet of the contract → column of the release's vocabulary."""


VARIANTS: Final = "variants.npz"

FACET_ORDER: Final = {facet: place for place, facet in enumerate(COLUMN_OF_FACET)}
"""The order in which a profile lists facets."""


@dataclass(frozen=True)
class Facets:
    """The release's items by row, and their facets. Every value of every facet has one code."""

    row_of: Mapping[str, int]
    """item_id → row."""
    names: Sequence[tuple[str, str]]
    """Facet and value of each code, facets in order; the value "" means missing."""
    codes: NDArray[np.int32]
    """`[facets, items]` code of each item's value."""
    item_of_variant: Mapping[str, str] = field(default_factory=dict)
    """Ids by which events name variants of items → the item."""

    def rows(self, item_ids: Sequence[str]) -> NDArray[np.int32]:
        """`[n]` vocabulary rows, −1 where the release does not know the item."""
        return np.fromiter(map(self.row_of.get, item_ids, repeat(-1)), np.int32)

    @classmethod
    def of(cls, item_ids: Sequence[str], columns: Mapping[str, Sequence[str]]) -> "Facets":
        """Builds the facets from columns named as in COLUMN_OF_FACET; row k of each is item k."""
        names: list[tuple[str, str]] = []
        codes = np.zeros((len(COLUMN_OF_FACET), len(item_ids)), np.int32)
        for place, (facet, column) in enumerate(COLUMN_OF_FACET.items()):
            code_of = {value: code for code, value in enumerate(sorted(set(columns[column])), len(names))}
            names += [(facet, value) for value in code_of]
            codes[place] = np.fromiter((code_of[value] for value in columns[column]), np.int32, len(item_ids))
        return cls({item_id: row for row, item_id in enumerate(item_ids)}, names, codes)

    @classmethod
    def load(cls, release: Path) -> "Facets":
        """Reads `vocabulary.npz` of a release folder."""
        arrays = map_arrays(release / "vocabulary.npz")
        columns = {column: unpack_texts(column, arrays) for column in COLUMN_OF_FACET.values()}
        facets = cls.of(unpack_texts("item_ids", arrays), columns)
        if not (release / VARIANTS).exists():  # of a release from before items had variants
            return facets
        variants = map_arrays(release / VARIANTS)
        pairs = zip(unpack_texts("variant_ids", variants), unpack_texts("item_ids", variants), strict=True)
        return replace(facets, item_of_variant=dict(pairs))
