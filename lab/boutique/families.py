"""Families: what all variants of one product share."""

from dataclasses import dataclass

import numpy as np

from lab.boutique.brands import BRANDS, SELLERS
from lab.boutique.departments import CATEGORIES
from lab.boutique.palette import COLOURS

PATTERN_SHARES = {
    "plain": 0.34,
    "striped": 0.16,
    "dotted": 0.10,
    "checked": 0.13,
    "floral": 0.13,
    "zigzag": 0.07,
    "diamonds": 0.07,
}
PATTERN_NAMES: tuple[str, ...] = tuple(PATTERN_SHARES)
STYLE_SPREAD = 0.75
"""Deviation of a family's hidden style around a third of its brand's lean: a brand alone says little."""
COPY_SHARE = 0.05
"""Families that are another seller's offer of a product already in the shop, with a re-shot picture."""
NEW_DAYS = 14
COLD_DAYS = 3


@dataclass(frozen=True)
class Family:
    """One product, in one or several colours and sizes."""

    category: int
    brand: int
    seller: int
    pattern: int
    material: int
    style: tuple[float, float, float]
    """Hidden: ornament, mood, cut; each −1 to 1; drawn, never written."""
    colours: tuple[int, ...]
    sizes: tuple[str | None, ...]
    price_minor: int
    quality: float
    """Hidden appeal, standard normal times a half."""
    margin_ratio: float
    age_days: float
    """Time from its creation to the end."""
    cold: bool
    """Created in the last days and not yet shown to anyone."""
    seed: int
    """Seeds its shape, its wording and what its export leaves out."""
    copy_of: int = -1
    """Number of the family whose picture it re-shot; −1 for an original."""


def make_family(rng: np.random.Generator) -> Family:
    """A new original."""
    shares = np.array([category.share for category in CATEGORIES])
    number = int(rng.choice(len(CATEGORIES), p=shares / shares.sum()))
    category = CATEGORIES[number]
    department = category.path.split("/")[0]
    brand = int(rng.choice([k for k, brand in enumerate(BRANDS) if department in brand.departments]))
    level = BRANDS[brand].price_level + rng.normal(0, 0.22)
    style = np.clip(rng.normal(np.array(BRANDS[brand].style) * 0.35, STYLE_SPREAD), -1, 1)
    colour_count = int(rng.choice([1, 2, 3], p=[0.70, 0.22, 0.08]))
    age_days = _age_days(rng)
    return Family(
        category=number,
        brand=brand,
        seller=brand % len(SELLERS) if rng.random() < 0.85 else int(rng.integers(len(SELLERS))),
        pattern=int(rng.choice(len(PATTERN_NAMES), p=list(PATTERN_SHARES.values()))),
        material=int(rng.integers(len(category.materials))),
        style=(float(style[0]), float(style[1]), float(style[2])),
        colours=tuple(rng.choice(len(COLOURS), colour_count, replace=False).tolist()),
        sizes=_sizes(category.sizes, rng),
        price_minor=max(100, round(category.price_minor * float(np.exp(level)) / 100) * 100 - 10),
        quality=float(rng.normal(0, 0.5)),
        margin_ratio=float(np.clip(rng.normal(0.42, 0.1), 0.12, 0.7)),
        age_days=age_days,
        cold=age_days < COLD_DAYS and bool(rng.random() < 0.6),
        seed=int(rng.integers(1 << 31)),
    )


def make_copy(number: int, original: Family, rng: np.random.Generator) -> Family:
    """Another seller's offer of one colour of `original`, which is family `number`."""
    others = [seller for seller in range(len(SELLERS)) if seller != original.seller]
    return Family(
        category=original.category,
        brand=original.brand,
        seller=int(rng.choice(others)),
        pattern=original.pattern,
        material=original.material,
        style=original.style,
        colours=original.colours[:1],
        sizes=_sizes(CATEGORIES[original.category].sizes, rng)[:1],
        price_minor=max(100, round(original.price_minor * float(rng.uniform(0.82, 1.1)) / 10) * 10),
        quality=original.quality + float(rng.normal(0, 0.2)),
        margin_ratio=original.margin_ratio,
        age_days=float(rng.uniform(1.0, max(1.5, min(original.age_days, 200.0)))),
        cold=False,
        seed=int(rng.integers(1 << 31)),
        copy_of=number,
    )


def _age_days(rng: np.random.Generator) -> float:
    """Most families are old; one in seven came in the last two weeks, some of them in the last days."""
    draw = rng.random()
    if draw < 0.78:
        return float(rng.uniform(60, 420))
    if draw < 0.86:
        return float(rng.uniform(NEW_DAYS, 56))
    if draw < 0.955:
        return float(rng.uniform(COLD_DAYS, NEW_DAYS))
    return float(rng.uniform(0.05, COLD_DAYS))


def _sizes(sizes: tuple[str, ...], rng: np.random.Generator) -> tuple[str | None, ...]:
    if not sizes:
        return (None,)
    count = min(len(sizes), int(rng.choice([1, 2, 3], p=[0.62, 0.26, 0.12])))
    return tuple(sizes[k] for k in sorted(rng.choice(len(sizes), count, replace=False).tolist()))
