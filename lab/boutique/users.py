"""Users: hidden tastes, and the habits that the log shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.boutique.brands import BRANDS
from lab.boutique.catalogue import Column, Flags
from lab.boutique.departments import CATEGORIES
from lab.boutique.families import PATTERN_NAMES
from lab.boutique.palette import COLOURS
from lab.boutique.regions import REGION_COUNT, REGIONS
from lab.boutique.wording.vocabulary import LANGUAGES

Matrix = NDArray[np.float32]

PERSONAS = 10
"""Tastes cluster: every user is one of these, plus a self. What clusters is what collaborative signals can learn."""
STYLE_STRENGTH = 2.4
"""Length of a user's style taste: with a family's style deviation of 0.65 it moves the logit by about 1.5."""
DEVICES: tuple[str, ...] = ("desktop", "tablet", "phone")
CHANNELS: tuple[str, ...] = ("web", "app", "email", "push")


@dataclass(frozen=True)
class Users:
    """Users in columns; row k is user k. Weights are logits of the click model."""

    category: Matrix
    """[users, categories]"""
    colour: Matrix
    """[users, colours]"""
    pattern: Matrix
    """[users, patterns]"""
    style: Matrix
    """[users, 3] over ornament, mood, cut"""
    brand: Matrix
    """[users, brands]"""
    price_level: NDArray[np.float64]
    """Logarithm of the price they like, relative to a category's median."""
    region: Column
    language: Column
    home_device: Column
    adult: Flags
    activity: NDArray[np.float64]
    """Expected number of sessions, before rounding."""

    @property
    def count(self) -> int:
        """Number of users."""
        return len(self.region)


def user_id(row: int) -> str:
    """The shop's id of user `row`."""
    return f"user-{row + 1:05d}"


def make_users(count: int, rng: np.random.Generator) -> Users:
    """Users around a handful of personas."""
    persona = rng.integers(PERSONAS, size=count)
    region = rng.choice(REGION_COUNT, count, p=[region.share for region in REGIONS])
    style = _blend((3,), 0.75, 0.65, persona, rng)
    style *= STYLE_STRENGTH / np.maximum(np.linalg.norm(style, axis=1, keepdims=True), 1e-6)
    habits = rng.choice(len(DEVICES), count, p=[0.46, 0.12, 0.42])
    return Users(
        category=_categories(persona, region, rng),
        colour=_likes(len(COLOURS), 2, persona, rng),
        pattern=_likes(len(PATTERN_NAMES), 1, persona, rng),
        style=style,
        brand=_brands(persona, rng),
        price_level=rng.normal(0, 0.25, PERSONAS)[persona] + rng.normal(0, 0.3, count),
        region=region,
        language=np.array([_language(REGIONS[code].languages, rng) for code in region]),
        home_device=habits,
        adult=rng.random(count) < 0.95,
        activity=rng.lognormal(1.38, 0.8, count),
    )


def _blend(shape: tuple[int, ...], shared: float, own: float, persona: Column, rng: np.random.Generator) -> Matrix:
    """Normal tastes: a part of the persona's, a part of one's own."""
    personas = rng.normal(0, shared, (PERSONAS, *shape))
    return np.asarray(personas[persona] + rng.normal(0, own, (len(persona), *shape)), dtype=np.float32)


def _likes(count: int, favourites: int, persona: Column, rng: np.random.Generator) -> Matrix:
    """Mild tastes, and a few favourites that stand out."""
    weights = _blend((count,), 0.4, 0.4, persona, rng)
    for _ in range(favourites):
        weights[np.arange(len(weights)), rng.integers(count, size=len(weights))] += 1.1
    return np.asarray(weights - weights.mean(axis=1, keepdims=True), dtype=np.float32)


def _categories(persona: Column, region: Column, rng: np.random.Generator) -> Matrix:
    """Each user shops a few categories, mostly of the persona's departments; regions lean a little."""
    names = [category.path.split("/")[0] for category in CATEGORIES]
    weights = _blend((len(CATEGORIES),), 0.7, 0.6, persona, rng)
    weights += rng.normal(0, 0.3, (REGION_COUNT, len(CATEGORIES)))[region]
    wears_women = (rng.random(PERSONAS) < 0.55)[persona] ^ (rng.random(len(persona)) < 0.12)
    women, men = np.array([name == "Women" for name in names]), np.array([name == "Men" for name in names])
    weights += np.where(wears_women[:, None], 0.5 * women - 1.6 * men, 0.5 * men - 1.6 * women)
    return np.asarray(weights, dtype=np.float32)


def _brands(persona: Column, rng: np.random.Generator) -> Matrix:
    weights = _blend((len(BRANDS),), 0.2, 0.25, persona, rng)
    for _ in range(4):
        weights[np.arange(len(weights)), rng.integers(len(BRANDS), size=len(weights))] += 0.9
    return weights


def _language(shares: dict[str, float], rng: np.random.Generator) -> int:
    return LANGUAGES.index(str(rng.choice(list(shares), p=list(shares.values()))))
