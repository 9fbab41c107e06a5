"""A shop's items as one release sees them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ranker.catalogue import LARGE, NOT_COUNTED, Catalogue, CatalogueItem
from services.ranker.row_map import RowMap
from services.ranker.vocabulary import Vocabulary


@dataclass(frozen=True)
class Items:
    """A catalogue and which of its positions is which row of a release."""

    catalogue: Catalogue
    rows: RowMap
    live: bool = True
    """False when the vocabulary stands in for a catalogue that could not be read yet."""

    def positions(self, item_ids: Sequence[str]) -> NDArray[np.int64]:
        """`[n ≤ len(item_ids)]` positions of those that are in the catalogue or in the release, in the order given."""
        positions = self.catalogue.all_positions(item_ids)
        positions = positions[positions >= 0]
        return positions[self.catalogue.present[positions] | (self.rows.rows(positions) >= 0)]


def remembered(vocabulary: Vocabulary, created_s: Sequence[float]) -> Items:
    """The vocabulary as a catalogue, until item_vision has been read: no prices, no stock, no titles; of a large one
    no words to search either.
    """
    if len(vocabulary) > LARGE:
        catalogue = Catalogue.of_columns(
            vocabulary.item_ids, vocabulary.row_of, vocabulary.brands, vocabulary.categories, created_s
        )
    else:
        catalogue = Catalogue()
        catalogue.put(_placeholders(vocabulary, range(len(vocabulary)), created_s))
    rows = RowMap(vocabulary)
    rows.update(catalogue)
    return Items(catalogue, rows, live=False)


def add_missing(catalogue: Catalogue, vocabulary: Vocabulary, created_s: Sequence[float]) -> None:
    """Give items of the vocabulary that the catalogue never had a position, as deleted ones: they can be scored."""
    missing = np.flatnonzero(catalogue.all_positions(vocabulary.item_ids) < 0).tolist()
    catalogue.put(_placeholders(vocabulary, missing, created_s))
    catalogue.delete(vocabulary.item_ids[row] for row in missing)


def _placeholders(vocabulary: Vocabulary, rows: Sequence[int], created_s: Sequence[float]) -> list[CatalogueItem]:
    return [
        CatalogueItem(
            item_id=vocabulary.item_ids[row],
            brand=vocabulary.brands[row],
            category=vocabulary.categories[row],
            price_minor=0,
            list_price_minor=0,
            stock=NOT_COUNTED,
            created_s=created_s[row],
            words=f"{vocabulary.brands[row]} {vocabulary.categories[row]} {vocabulary.colours[row]}",
        )
        for row in rows
    ]
