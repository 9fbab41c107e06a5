"""What pictures and texts say of the items: vision heads, text projection, the vectors of the release's spaces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lab.training.logged_pages import LoggedPage
from lab.training.shop_data import ShopData
from lab.training.vocabulary import attributes_of
from services.item_vision.model.heads import Heads
from services.item_vision.model.near_duplicates import near_duplicate_clusters
from services.item_vision.model.text_projection import TextProjection
from services.item_vision.training.examples import HeadExamples
from services.item_vision.training.heads import HeadsReport, train_heads
from services.item_vision.training.text_projection import fit_text_projection

LEAST_PICTURES = 50
"""With fewer pictured items heads are not trained; text, price and category carry the shop."""

MOST_PAIRS = 20_000


@dataclass(frozen=True)
class Content:
    """The content side of a release."""

    heads: Heads | None
    """None for a shop without pictures."""
    report: HeadsReport | None
    projection: TextProjection
    vectors: NDArray[np.float32]
    """`[items, 128]` image 64 + text 64, zeros where an item has none."""
    clusters: NDArray[np.int64]
    """`[items]` near-duplicate cluster, 0 for items that are alone."""

    @property
    def spaces(self) -> Mapping[str, str]:
        """Vector space by modality."""
        spaces = {"text": self.projection.space_id}
        return spaces if self.heads is None else {"image": self.heads.space_id, **spaces}


def learn_content(data: ShopData, pages: Sequence[LoggedPage], before_us: int) -> Content:
    """Train heads and projection; clicks before `before_us` say what belongs together."""
    features = data.features
    projection = fit_text_projection(features.text, features.text_encoder)
    text = projection.project(features.text)
    pictured: NDArray[np.bool_] = np.asarray(features.image.any(axis=1))
    image = np.zeros((len(data.items), text.shape[1]), np.float32)
    heads, report, clusters = None, None, np.zeros(len(data.items), np.int64)
    if pictured.sum() >= LEAST_PICTURES:
        heads, report = train_heads(_examples(data, pages, before_us, pictured), features.image_backbone)
        image = heads.embed(features.image)
        clusters = _numbered(near_duplicate_clusters(features.image, features.hashes, heads.near_duplicate))
    return Content(heads, report, projection, np.concatenate([image, text], axis=1), clusters)


def _examples(data: ShopData, pages: Sequence[LoggedPage], before_us: int, pictured: NDArray[np.bool_]) -> HeadExamples:
    rows = np.flatnonzero(pictured)
    row_of = np.full(len(pictured), -1, np.int64)
    row_of[rows] = np.arange(len(rows))
    pairs = row_of[_clicked_together(pages, before_us)]
    return HeadExamples(
        features=data.features.image[rows],
        attributes={name: [values[row] for row in rows] for name, values in attributes_of(data).items()},
        families=[data.items[row].family_id for row in rows.tolist()],
        positive_pairs=pairs[(pairs >= 0).all(axis=1)],
    )


def _clicked_together(pages: Sequence[LoggedPage], before_us: int) -> NDArray[np.int64]:
    """`[pairs, 2]` items that one person clicked on one page."""
    pairs = [
        (first, second)
        for page in pages
        if page.occurred_us < before_us
        for clicked in [page.items[page.clicked].tolist()]
        for first, second in pairwise(clicked)
    ]
    return np.array(pairs[-MOST_PAIRS:], np.int64).reshape(-1, 2)


def _numbered(roots: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cluster numbers from 1 for rows that share a root; 0 for rows that are alone."""
    _, inverse, counts = np.unique(roots, return_inverse=True, return_counts=True)
    return np.where(counts[inverse] > 1, roots + 1, 0)
