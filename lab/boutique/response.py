"""The click and purchase model: one scalar product of a user's weights and an item's features.

    logit P(click | seen) = bias + category + colour + pattern + style . style + brand
                            − 1.6 (price − liked price)² + quality + 0.9 discount + regional trend
    logit P(purchase | click) = the same terms with the strengths of `PURCHASE`

Prices are logarithms relative to the category's median. The square is spelt out into linear terms, so that all users
and all items are one matrix product.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.boutique.brands import BRANDS
from lab.boutique.catalogue import Catalogue, Column
from lab.boutique.departments import CATEGORIES
from lab.boutique.families import PATTERN_NAMES
from lab.boutique.palette import COLOURS
from lab.boutique.regions import REGION_COUNT
from lab.boutique.users import Matrix, Users


@dataclass(frozen=True)
class Strengths:
    """What each part of a taste weighs in one decision."""

    bias: float
    category: float
    colour: float
    pattern: float
    style: float
    brand: float
    price: float
    quality: float
    discount: float
    trend: float


CLICK = Strengths(-3.9, 1.0, 1.0, 1.0, 1.0, 1.0, 1.6, 1.0, 0.9, 1.0)
"""A random item is clicked about once in twenty looks, a user's best twenty about three times in four."""
PURCHASE = Strengths(-3.0, 0.25, 0.4, 0.4, 0.45, 0.4, 2.4, 0.8, 1.4, 0.3)
"""Somebody who clicked likes the look already: price and quality decide."""

OWNED_FACTOR, REPEAT_FACTOR, HIDDEN_FACTOR = 0.25, 2.0, 0.02
"""What a past purchase of something durable, of something consumable, and hiding do to P(click | seen)."""
MAX_PROBABILITY = 0.95


def user_weights(users: Users, strengths: Strengths) -> Matrix:
    """Weights of every user, [users, features]."""
    count, level = users.count, users.price_level
    columns = [
        (strengths.bias - strengths.price * level**2)[:, None],
        strengths.category * users.category,
        strengths.colour * users.colour,
        strengths.pattern * users.pattern,
        strengths.style * users.style,
        strengths.brand * users.brand,
        (2 * strengths.price * level)[:, None],
        np.full((count, 1), -strengths.price),
        np.full((count, 1), strengths.quality),
        np.full((count, 1), strengths.discount),
        strengths.trend * np.eye(REGION_COUNT)[users.region],
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def item_features(
    catalogue: Catalogue, price_minor: Column, list_price_minor: Column, trend: NDArray[np.float64]
) -> Matrix:
    """Features of every item at its present price, [items, features]; `trend` is [items, regions]."""
    category = catalogue.category
    medians = np.array([category.price_minor for category in CATEGORIES])
    price = np.log(price_minor / medians[category])
    styles = np.array([family.style for family in catalogue.families])[catalogue.family]
    columns = [
        np.ones((catalogue.count, 1)),
        np.eye(len(CATEGORIES))[category],
        np.eye(len(COLOURS))[catalogue.colour],
        np.eye(len(PATTERN_NAMES))[catalogue.pattern],
        styles,
        np.eye(len(BRANDS))[catalogue.brand],
        price[:, None],
        (price**2)[:, None],
        np.array([family.quality for family in catalogue.families])[catalogue.family][:, None],
        (1 - price_minor / np.maximum(list_price_minor, price_minor))[:, None],
        trend,
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def sigmoid(logits: Matrix) -> Matrix:
    """Probabilities of logits."""
    return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)
