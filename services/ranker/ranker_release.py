"""A release as the ranker holds it: vocabulary, sources, normalisation, and what ties it to the live catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.kit.release import Release
from services.ranker.catalogue import NOT_COUNTED, Catalogue, CatalogueItem
from services.ranker.fresh_items import FreshItems
from services.ranker.item_facts import ItemFacts
from services.ranker.model.normalisation import Normalisation
from services.ranker.price_bands import PriceBands
from services.ranker.row_map import RowMap
from services.ranker.source import Source
from services.ranker.sources import SOURCE_NAMES, load_source
from services.ranker.vocabulary import Vocabulary

DAY_S = 86_400.0


@dataclass(frozen=True)
class RankerRelease:
    """What the ranker reads of one release, with the mapping of its rows onto the shop's catalogue."""

    shop_id: str
    release_id: str
    version: int
    calibrated: bool
    spaces: dict[str, str]
    """Vector space by modality, "user" included."""
    vocabulary: Vocabulary
    normalisation: Normalisation
    price_bands: PriceBands
    sources: Mapping[str, Source]
    content: NDArray[np.float32]
    """`[vocabulary, 128]` image 64 + text 64."""
    row_popularity: NDArray[np.float32]
    """`[vocabulary, 3]` weighted actions of the 1, 7 and 30 days before training."""
    purchase_share: float
    """Share of clicks that led to a purchase, over the training log: conversion when the model cannot say."""
    rows: RowMap
    """Where the live catalogue has the vocabulary's items."""
    fresh: FreshItems

    @classmethod
    def load(cls, release: Release) -> "RankerRelease":
        """Read the files; seconds at most, so call it outside the event loop."""
        vocabulary = Vocabulary.load(release.file("vocabulary.npz"))
        items = release.load_arrays("items.npz")
        manifest = release.manifest
        return cls(
            shop_id=manifest.shop_id,
            release_id=manifest.release_id,
            version=manifest.version,
            calibrated=manifest.calibrated,
            spaces=dict(manifest.spaces),
            vocabulary=vocabulary,
            normalisation=Normalisation.load(release.file("fusion/features.json")),
            price_bands=PriceBands.from_json(release.load_json("price_bands.json")),
            sources={
                name: load_source(name, vocabulary, release.load_arrays(f"sources/{name}.npz"))
                for name in SOURCE_NAMES
                if release.has(f"sources/{name}.npz")
            },
            content=items["content"],
            row_popularity=items["popularity"],
            purchase_share=float(manifest.metrics.get("purchase_share_of_clicks", 0.0)),
            rows=RowMap(vocabulary),
            fresh=FreshItems(manifest.shop_id, manifest.release_id, dict(manifest.spaces)),
        )

    def popularity(self, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """`[n, 3]` popularity of rows; zeros for items newer than the release (row −1)."""
        return np.where((rows >= 0)[:, None], self.row_popularity[rows], 0.0).astype(np.float32)

    def stand_in_of_popularity(self, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """`[n]` P(click | examined) by popularity alone, as the popular source's calibration has it."""
        weekly = self.popularity(rows)[:, 1]
        popular = self.sources.get("popular")
        if popular is None:
            return np.full(len(rows), 0.01, np.float32)
        return popular.p_click(
            weekly * np.float32(len(self.vocabulary) / max(float(self.row_popularity[:, 1].sum()), 1.0))
        )

    def facts(self, items: "Items", positions: NDArray[np.int64], now_s: float) -> ItemFacts:
        """The columns that features need, for positions of the catalogue."""
        catalogue = items.catalogue
        rows = items.rows.rows(positions)
        item_ids = [catalogue.item_ids[position] for position in positions]
        categories = [catalogue.categories.names[code] for code in catalogue.category_codes[positions]]
        prices = catalogue.price_minor[positions]
        popularity = self.popularity(rows)
        bands = self.vocabulary.price_bands
        return ItemFacts(
            item_ids=item_ids,
            rows=rows,
            price_minor=prices,
            list_price_minor=catalogue.list_price_minor[positions],
            brands=[catalogue.brands.names[code] for code in catalogue.brand_codes[positions]],
            categories=categories,
            price_bands=[
                bands[row] if row >= 0 else self.price_bands.band(int(price), category)
                for row, price, category in zip(rows.tolist(), prices.tolist(), categories, strict=True)
            ],
            popularity_1d=popularity[:, 0],
            popularity_7d=popularity[:, 1],
            popularity_30d=popularity[:, 2],
            # The events that training learns from do not say what stock was then, so the model is not told now either.
            stock=np.full(len(positions), NOT_COUNTED, np.int32),
            age_days=((now_s - catalogue.created_s[positions]) / DAY_S).astype(np.float32),
            new_vectors=self.fresh.content([item_ids[index] for index in np.flatnonzero(rows < 0)]),
        )

    @cached_property
    def remembered(self) -> "Items":
        """The vocabulary as a catalogue, for when item_vision was never reached: no prices, no stock."""
        catalogue, known = Catalogue(), self.vocabulary
        catalogue.put(
            [
                CatalogueItem(
                    item_id, family_id, brand, category, 0, 0, NOT_COUNTED, 0.0, f"{brand} {category}".casefold()
                )
                for item_id, family_id, brand, category in zip(
                    known.item_ids, known.family_ids, known.brands, known.categories, strict=True
                )
            ]
        )
        rows = RowMap(known)
        rows.update(catalogue)
        return Items(catalogue, rows)

    def items(self, catalogue: Catalogue) -> "Items":
        """The live catalogue seen with this release's rows; the remembered one while it is empty."""
        if not len(catalogue):
            return self.remembered
        self.rows.update(catalogue)
        return Items(catalogue, self.rows)


@dataclass(frozen=True)
class Items:
    """A catalogue and which of its positions is which row of a release."""

    catalogue: Catalogue
    rows: RowMap
