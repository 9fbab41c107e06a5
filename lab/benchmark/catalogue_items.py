"""The columns of a synthetic catalogue, drawn at once from a seed."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lab.benchmark.catalogue import item_id

VECTOR_SIZE = 64
ITEMS_A_CLUSTER = 120
ITEMS_A_FAMILY = 4
"""Items of one family, where there are variants."""
LEAST_ITEMS = 100
AGE_DAYS = 900.0
DEPARTMENTS = ("Women", "Men", "Children", "Home", "Garden", "Sports", "Books", "Beauty", "Pantry", "Toys")
KINDS = ("Classic", "Light", "Warm", "Small", "Large", "Fine", "Plain", "Bold", "Quiet", "Bright")
NOUNS = {
    "en": ("jacket", "lamp", "bowl", "scarf", "chair"),
    "es": ("chaqueta", "lámpara", "cuenco", "bufanda", "silla"),
}
COLOURS = ("black", "white", "red", "blue", "green", "yellow", "grey", "brown")
REGIONS = ((), ("DE",), ("DE", "AT"), ("ES",), ("GB", "US"))
REGION_SHARES = (0.8, 0.05, 0.05, 0.05, 0.05)


@dataclass(frozen=True)
class SyntheticItems:
    """Row n is item number n. Items of a cluster share category and look and read alike."""

    seed: int
    cluster: NDArray[np.int32]
    categories: tuple[str, ...]
    category: NDArray[np.int32]
    brands: tuple[str, ...]
    brand: NDArray[np.int32]
    colour: NDArray[np.int32]
    noun: NDArray[np.int32]
    family: NDArray[np.int64]
    """Number of the family's first item."""
    price_minor: NDArray[np.int64]
    list_price_minor: NDArray[np.int64]
    """0 when it is not reduced."""
    stock: NDArray[np.int64]
    """−1 when it is not tracked."""
    region_set: NDArray[np.int32]
    """Position in REGIONS."""
    age_days: NDArray[np.float32]
    restocked_days: NDArray[np.float32]
    """How long ago; NaN when it never was."""
    price_dropped_days: NDArray[np.float32]
    demand: NDArray[np.float32]
    """Heavy-tailed weight of being acted on."""
    vectors: NDArray[np.float32]
    """`[items, 128]` image 64 + text 64, each of length 1: a mixture of clusters, not isotropic."""

    def __len__(self) -> int:
        return len(self.cluster)

    def item_ids(self) -> list[str]:
        """All ids in order."""
        return [item_id(number) for number in range(len(self))]

    @classmethod
    def draw(cls, items: int, seed: int) -> Self:
        """Draw a catalogue. Raises: ValueError for fewer than 100 items."""
        if items < LEAST_ITEMS:
            raise ValueError(f"a synthetic catalogue has at least {LEAST_ITEMS} items, not {items}")
        random = np.random.default_rng([seed, items])
        clusters = max(items // ITEMS_A_CLUSTER, 20)
        cluster = random.integers(0, clusters, items).astype(np.int32)
        categories = tuple(f"{department}/{kind}" for department in DEPARTMENTS for kind in KINDS)
        category = random.integers(0, len(categories), clusters).astype(np.int32)[cluster]
        brands = tuple(f"Brand {number}" for number in range(max(int(items**0.5), 20)))
        numbers = np.arange(items)
        price = np.exp(random.normal(8.0, 0.8, items)).astype(np.int64) + 99
        return cls(
            seed=seed,
            cluster=cluster,
            categories=categories,
            category=category,
            brands=brands,
            brand=_skewed(random, len(brands), items),
            colour=random.integers(0, len(COLOURS), items).astype(np.int32),
            noun=random.integers(0, len(NOUNS["en"]), items).astype(np.int32),
            family=np.where(numbers % 20 < ITEMS_A_FAMILY, numbers - numbers % 20, numbers),
            price_minor=price,
            list_price_minor=np.where(random.random(items) < 0.2, price * 5 // 4, 0),
            stock=random.choice(np.array([0, -1, 3, 20, 100]), items, p=[0.05, 0.05, 0.2, 0.5, 0.2]),
            region_set=random.choice(len(REGIONS), items, p=REGION_SHARES).astype(np.int32),
            age_days=(random.random(items) * AGE_DAYS).astype(np.float32),
            restocked_days=_seldom(random, items, 0.01),
            price_dropped_days=_seldom(random, items, 0.02),
            demand=(random.pareto(1.3, items) + 0.05).astype(np.float32),
            vectors=_vectors(random, cluster, category, len(categories)),
        )


def _skewed(random: np.random.Generator, values: int, items: int) -> NDArray[np.int32]:
    """Numbers below `values`, low ones more often."""
    shares = 1.0 / np.arange(1, values + 1) ** 0.7
    return random.choice(values, items, p=shares / shares.sum()).astype(np.int32)


def _seldom(random: np.random.Generator, items: int, share: float) -> NDArray[np.float32]:
    """Days up to 60 for a share of the items, else NaN."""
    days = random.random(items) * 60.0
    return np.where(random.random(items) < share, days, np.nan).astype(np.float32)


def _vectors(
    random: np.random.Generator, cluster: NDArray[np.int32], category: NDArray[np.int32], categories: int
) -> NDArray[np.float32]:
    """Centre of the category, of the cluster, and what is the item's own; image and text apart."""
    vectors = np.empty((len(cluster), 2 * VECTOR_SIZE), np.float32)
    for half in range(2):
        part = vectors[:, half * VECTOR_SIZE : (half + 1) * VECTOR_SIZE]
        part[:] = random.standard_normal((len(cluster), VECTOR_SIZE), np.float32) * 0.5
        part += random.standard_normal((int(cluster.max()) + 1, VECTOR_SIZE), np.float32)[cluster] * 0.8
        part += random.standard_normal((categories, VECTOR_SIZE), np.float32)[category]
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return vectors
