"""A release as the ranker holds it: vocabulary, sources, normalisation, and what ties it to the live catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.kit.release import Release
from services.ranker.catalogue import NOT_COUNTED, Catalogue
from services.ranker.fresh_items import FreshItems
from services.ranker.item_facts import CodedTexts, ItemFacts
from services.ranker.items import Items, add_missing, remembered
from services.ranker.kept_pools import KeptPools
from services.ranker.model.normalisation import Normalisation
from services.ranker.model.signature import CONTENT_SIZE
from services.ranker.price_bands import BANDS, PriceBands
from services.ranker.row_map import RowMap
from services.ranker.source import Seeds, Source, best_rows
from services.ranker.sources import SOURCE_NAMES, load_source
from services.ranker.sources.popular import ORDERED
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary

DAY_S = 86_400.0
NEW_SCALE_DAYS = 30.0
"""The source "new" scores exp(-age / this)."""
UNKNOWN_P_CLICK = 0.01
"""P(click | examined) where nothing says better."""


@dataclass(frozen=True)
class RankerRelease:
    """What the ranker reads of one release, with the mapping of its rows onto the shop's catalogue."""

    shop_id: str
    release_id: str
    version: int
    created_s: float
    """When it was published, in seconds since the epoch."""
    calibrated: bool
    spaces: Mapping[str, str]
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
    kept_pools: KeptPools = field(default_factory=KeptPools)

    @classmethod
    def load(cls, release: Release) -> "RankerRelease":
        """Read the files; seconds at most, so call it outside the event loop."""
        vocabulary = Vocabulary.load(release.file("vocabulary.npz"))
        items = release.map_arrays("items.npz")
        manifest = release.manifest
        return cls(
            shop_id=manifest.shop_id,
            release_id=manifest.release_id,
            version=manifest.version,
            created_s=manifest.created_at.timestamp(),
            calibrated=manifest.calibrated,
            spaces=manifest.spaces,
            vocabulary=vocabulary,
            normalisation=Normalisation.load(release.file("fusion/features.json")),
            price_bands=PriceBands.from_json(release.load_json("price_bands.json")),
            sources={
                name: load_source(name, vocabulary, release.map_arrays(f"sources/{name}.npz"))
                for name in SOURCE_NAMES
                if release.has(f"sources/{name}.npz")
            },
            content=items["content"],
            row_popularity=items["popularity"],
            purchase_share=float(manifest.metrics.get("purchase_share_of_clicks", 0.0)),
            rows=RowMap(vocabulary),
            fresh=FreshItems(manifest.shop_id, manifest.release_id, manifest.spaces),
        )

    def popularity(self, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """`[n, 3]` popularity of rows; zeros for items newer than the release (row −1)."""
        return np.where((rows >= 0)[:, None], self.row_popularity[rows], np.float32(0.0))

    def weekly_popularity(self, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """`[n]` the middle column of `popularity`."""
        return self._weekly[rows]

    def p_click(self, source: str, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """`[n]` P(click | examined) that scores of a source stand for."""
        known = self.sources.get(source)
        return np.full(len(scores), UNKNOWN_P_CLICK, np.float32) if known is None else known.p_click(scores)

    def p_click_of_popularity(self, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """`[n]` P(click | examined) by popularity alone, on the scale of the popular source: 1 is average."""
        return self._p_click_of_row[rows]

    def vectors(self, item_ids: Sequence[str]) -> NDArray[np.float32]:
        """`[n, 128]` content of known and fresh items; zeros for items without any."""
        rows = self.vocabulary.rows(item_ids)
        known = self.content[rows] if len(rows) else np.zeros((0, CONTENT_SIZE), np.float32)
        return np.where((rows >= 0)[:, None], known, self.fresh.content(item_ids))

    def facts(self, items: Items, positions: NDArray[np.int64], now_s: float) -> ItemFacts:
        """The columns that features need, for positions of the catalogue."""
        catalogue = items.catalogue
        rows = items.rows.rows(positions)
        item_ids = list(map(catalogue.item_ids.__getitem__, positions.tolist()))
        categories = catalogue.categories.column(catalogue.category_codes[positions])
        prices = catalogue.price_minor[positions]
        popularity = self.popularity(rows)
        fresh = np.flatnonzero(rows < 0).tolist()
        return ItemFacts(
            item_ids=item_ids,
            rows=rows,
            price_minor=prices,
            list_price_minor=catalogue.list_price_minor[positions],
            brands=catalogue.brands.column(catalogue.brand_codes[positions]),
            categories=categories,
            price_bands=self._bands(rows, {place: (int(prices[place]), categories[place]) for place in fresh}),
            popularity_1d=popularity[:, 0],
            popularity_7d=popularity[:, 1],
            popularity_30d=popularity[:, 2],
            # The events that training learns from do not say what stock was then, so the model is not told now either.
            stock=np.full(len(positions), NOT_COUNTED, np.int32),
            age_days=((now_s - catalogue.created_s[positions]) / DAY_S).astype(np.float32),
            new_vectors=self.fresh.content([item_ids[place] for place in fresh]),
        )

    def prepare(self) -> None:
        """Work out now what the first call would wait for: columns as long as the vocabulary."""
        for column in (self._weekly, self._p_click_of_row, self._band_of_row):
            column.flags.writeable = False

    def _bands(self, rows: NDArray[np.int32], fresh: Mapping[int, tuple[int, str]]) -> CodedTexts:
        """Price bands of rows; for the places of fresh items by price and category."""
        code_of, codes = self._band_codes, self._band_of_row[rows]
        for place, (price_minor, category) in fresh.items():
            codes[place] = code_of[self.price_bands.band(price_minor, category)]
        return CodedTexts(codes, list(code_of), code_of)

    def items(self, catalogue: Catalogue) -> Items:
        """The live catalogue seen with this release's rows; until it is complete, the vocabulary. Hold its lock."""
        if not catalogue.complete:
            return self.remembered
        self.__dict__.pop("remembered", None)  # as large as the catalogue, and not needed any more
        if not self.rows.complete:
            add_missing(catalogue, self.vocabulary, self._created_s_of_rows)
        self.rows.update(catalogue)
        return Items(catalogue, self.rows)

    @cached_property
    def rows_by_popularity(self) -> NDArray[np.int32]:
        """`[at most 20,000]` rows by actions of the last 7 days, most first; ties go to the lower row."""
        weekly = self.row_popularity[:, 1]
        return best_rows(weekly, np.ones(len(weekly), np.bool_), ORDERED)

    @cached_property
    def remembered(self) -> Items:
        """The vocabulary as a catalogue, with the ages that training knew. Made when first asked for: seconds."""
        return remembered(self.vocabulary, self._created_s_of_rows)

    @cached_property
    def _created_s_of_rows(self) -> list[float]:
        """When each row was created, as the source "new" has it; 0 when it is not shipped."""
        new = self.sources.get("new")
        if new is None:
            return [0.0] * len(self.vocabulary)
        freshness = new.score(Visitor(), Seeds(np.zeros(0, np.int32), np.zeros(0, np.float32))).scores
        age_days = -NEW_SCALE_DAYS * np.log(np.clip(freshness.astype(np.float64), 1e-30, 1.0))
        return [self.created_s - age * DAY_S for age in age_days.tolist()]

    @cached_property
    def _weekly(self) -> NDArray[np.float32]:
        """`[vocabulary + 1]` actions of the 7 days before training; 0 in the end, where row −1 looks."""
        weekly = self.row_popularity[:, 1]
        return np.append(weekly, weekly.dtype.type(0.0))

    @cached_property
    def _p_click_of_row(self) -> NDArray[np.float32]:
        """`[vocabulary + 1]` P(click | examined) by popularity alone; the last is for row −1."""
        return self.p_click("popular", self._weekly * self._popularity_scale)

    @cached_property
    def _band_codes(self) -> dict[str, int]:
        """Price band → code."""
        names = dict.fromkeys(["", *BANDS, *sorted(set(self.vocabulary.price_bands))])
        return {name: code for code, name in enumerate(names)}

    @cached_property
    def _band_of_row(self) -> NDArray[np.int32]:
        """`[vocabulary + 1]` codes of the items' price bands; the last is for row −1."""
        code_of = self._band_codes
        return np.array([*(code_of[band] for band in self.vocabulary.price_bands), code_of[""]], np.int32)

    @cached_property
    def _popularity_scale(self) -> np.float32:
        return np.float32(len(self.vocabulary) / max(float(self.row_popularity[:, 1].sum()), 1.0))
