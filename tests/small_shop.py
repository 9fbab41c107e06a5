"""A made-up shop small enough for tests: item k is the same whatever the shop's size, so a release may know the first
sixty items and the catalogue a few more.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from vitrine.item_vision.v1.item_vision_pb2 import ItemFacts

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""The moment that ages are counted from."""

IMAGE_WIDTH, TEXT_WIDTH = 1_280, 512
CATEGORIES = ("Women/Dresses", "Women/Shoes", "Men/Shirts", "Home/Lamps")
BRANDS = ("Aster", "Birch", "Cedar", "Dune", "Elm")
COLOURS = ("red", "blue", "green", "black")
_NOUNS = {
    "en": ("dress", "shoes", "shirt", "lamp"),
    "es": ("vestido", "zapatos", "camisa", "lámpara"),
    "zh": ("连衣裙", "鞋子", "衬衫", "台灯"),
}
_ADJECTIVES = {
    "en": ("red", "blue", "green", "black"),
    "es": ("rojo", "azul", "verde", "negro"),
    "zh": ("红色", "蓝色", "绿色", "黑色"),
}


@dataclass(frozen=True)
class SmallItem:
    """One item, with the raw features that encoders would have made of its picture and text."""

    number: int
    category: str
    brand: str
    colour: str
    price_minor: int
    list_price_minor: int
    """0 when it is not reduced."""
    created_at: datetime
    image: np.ndarray
    """`[1280] float32`."""
    text: np.ndarray
    """`[512] float32`."""

    @property
    def item_id(self) -> str:
        return f"item-{self.number:03}"

    @property
    def family_id(self) -> str:
        """Every tenth item is a variant of the one before it."""
        return f"family-{self.number - (self.number % 10 == 9):03}"

    @property
    def titles(self) -> dict[str, str]:
        noun, adjective = CATEGORIES.index(self.category), COLOURS.index(self.colour)
        return {
            "en": f"{_ADJECTIVES['en'][adjective].title()} {_NOUNS['en'][noun]} by {self.brand}",
            "es": f"{_NOUNS['es'][noun].title()} {_ADJECTIVES['es'][adjective]} de {self.brand}",
            "zh": f"{self.brand}{_ADJECTIVES['zh'][adjective]}{_NOUNS['zh'][noun]}",
        }

    def facts(self) -> ItemFacts:
        """What item_vision tells its watchers."""
        facts = ItemFacts(
            item_id=self.item_id,
            family_id=self.family_id,
            brand=self.brand,
            category=self.category,
            stock=10,
            colour=self.colour,
            titles=self.titles,
            link=f"https://shop.example/{self.item_id}",
            image_count=1,
            image_etag=f"etag-{self.number}",
            attributes={"colour": self.colour},
        )
        facts.price.currency, facts.price.amount_minor = "EUR", self.price_minor
        if self.list_price_minor:
            facts.list_price.currency, facts.list_price.amount_minor = "EUR", self.list_price_minor
        facts.created_at.FromDatetime(self.created_at)
        return facts


def small_items(count: int = 60, seed: int = 5) -> list[SmallItem]:
    """The first `count` items. Those of one category look and read alike."""
    return [_item(number, seed) for number in range(count)]


def _item(number: int, seed: int) -> SmallItem:
    random = np.random.default_rng([seed, number])
    category, colour = number % len(CATEGORIES), int(random.integers(len(COLOURS)))
    price = int(random.integers(5, 200)) * 100 + 99
    return SmallItem(
        number=number,
        category=CATEGORIES[category],
        brand=BRANDS[int(random.integers(len(BRANDS)))],
        colour=COLOURS[colour],
        price_minor=price,
        list_price_minor=price * 5 // 4 if number % 3 == 0 else 0,
        created_at=NOW - timedelta(days=200.0 / (1 + number)),
        image=_near(random, seed, category, colour, IMAGE_WIDTH),
        text=_near(random, seed, category, colour, TEXT_WIDTH),
    )


def _near(random: np.random.Generator, seed: int, category: int, colour: int, width: int) -> np.ndarray:
    """A vector near those of the same category, nearer to those of the same colour too."""
    of_category = np.random.default_rng([seed, 1_000 + category, width]).standard_normal(width)
    of_colour = np.random.default_rng([seed, 2_000 + colour, width]).standard_normal(width)
    return (of_category + 0.5 * of_colour + 0.3 * random.standard_normal(width)).astype(np.float32)
