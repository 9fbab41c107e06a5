"""The catalogue: every item of the boutique in columns, and the pictures they need."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lab.boutique.calendar import DAY_MS, Calendar, Times
from lab.boutique.departments import CATEGORIES
from lab.boutique.drawing.look import Look
from lab.boutique.families import COPY_SHARE, PATTERN_NAMES, Family, make_copy, make_family
from lab.boutique.palette import ACCENTS, COLOURS, rgb
from lab.boutique.regions import REGION_COUNT

Column = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Picture:
    """One picture file: a look, possibly re-shot by another seller."""

    look: Look
    reshot_seed: int | None = None


@dataclass(frozen=True)
class Catalogue:
    """Items in columns; row k is item k."""

    families: tuple[Family, ...]
    pictures: tuple[Picture, ...]
    family: Column
    colour: Column
    size: tuple[str | None, ...]
    picture: Column
    """Row of `pictures`; sizes share one."""
    created_ms: Times
    regions: Flags
    """[items, regions] where it may be sold; a row of True means everywhere."""

    @property
    def count(self) -> int:
        """Number of items."""
        return len(self.family)

    @cached_property
    def category(self) -> Column:
        """Number of each item's category in `departments.CATEGORIES`."""
        return np.array([family.category for family in self.families])[self.family]

    @cached_property
    def brand(self) -> Column:
        """Number of each item's brand in `brands.BRANDS`."""
        return np.array([family.brand for family in self.families])[self.family]

    @cached_property
    def pattern(self) -> Column:
        """Number of each item's pattern in `families.PATTERN_NAMES`."""
        return np.array([family.pattern for family in self.families])[self.family]

    @cached_property
    def cold(self) -> Flags:
        """Items that nobody has been shown yet."""
        return np.array([family.cold for family in self.families])[self.family]

    @cached_property
    def consumable(self) -> Flags:
        """Items that run out and are bought again."""
        return np.array([category.consumable for category in CATEGORIES])[self.category]


def item_id(row: int) -> str:
    """The shop's id of item `row`."""
    return f"item-{row + 1:05d}"


def family_id(number: int) -> str:
    """The shop's id of a product family."""
    return f"family-{number + 1:05d}"


def make_catalogue(items: int, calendar: Calendar, rng: np.random.Generator) -> Catalogue:
    """Exactly `items` items of as many families as that takes."""
    families = _families(items, rng)
    rows = [
        (number, colour, size)
        for number, family in enumerate(families)
        for colour in family.colours
        for size in family.sizes
    ][:items]
    keys = list(dict.fromkeys((number, colour) for number, colour, _ in rows))
    row_of = {key: row for row, key in enumerate(keys)}
    age = np.array([family.age_days for family in families])[[number for number, _, _ in rows]]
    return Catalogue(
        families=families[: rows[-1][0] + 1],
        pictures=tuple(_picture(families, number, colour) for number, colour in keys),
        family=np.array([number for number, _, _ in rows]),
        colour=np.array([colour for _, colour, _ in rows]),
        size=tuple(size for _, _, size in rows),
        picture=np.array([row_of[number, colour] for number, colour, _ in rows]),
        created_ms=(calendar.end_ms - age * DAY_MS).astype(np.int64),
        regions=_regions(families, rng)[[number for number, _, _ in rows]],
    )


def _families(items: int, rng: np.random.Generator) -> tuple[Family, ...]:
    """Originals, and copies of earlier ones scattered among them, until there are enough items."""
    families: list[Family] = []
    count = 0
    while count < items:
        if len(families) > 20 and rng.random() < COPY_SHARE:
            number = int(rng.integers(len(families)))
            original = families[number]
            family = (
                make_copy(number, original, rng) if original.copy_of < 0 and not original.cold else make_family(rng)
            )
        else:
            family = make_family(rng)
        families.append(family)
        count += len(family.colours) * len(family.sizes)
    return tuple(families)


def _picture(families: tuple[Family, ...], number: int, colour: int) -> Picture:
    family = families[number]
    if family.copy_of >= 0:
        return Picture(_look(families[family.copy_of], colour), family.seed)
    return Picture(_look(family, colour))


def _look(family: Family, colour: int) -> Look:
    rng = np.random.default_rng((family.seed, colour))
    shades, accents = COLOURS[colour].shades, ACCENTS[COLOURS[colour].name]
    accent, third = rng.choice(len(accents), 2, replace=False)
    ornament, mood, cut = family.style
    return Look(
        silhouette=CATEGORIES[family.category].silhouette,
        base=rgb(shades[rng.integers(len(shades))]),
        accent=rgb(accents[accent]),
        third=rgb(accents[third]),
        pattern=PATTERN_NAMES[family.pattern],
        ornament=ornament,
        mood=mood,
        cut=cut,
        shape_seed=family.seed,
    )


def _regions(families: tuple[Family, ...], rng: np.random.Generator) -> Flags:
    """One family in fifteen is sold only in some regions."""
    allowed = np.ones((len(families), REGION_COUNT), dtype=bool)
    for number in np.flatnonzero(rng.random(len(families)) < 1 / 15):
        allowed[number] = False
        allowed[number, rng.choice(REGION_COUNT, int(rng.integers(2, REGION_COUNT)), replace=False)] = True
    return allowed
