"""Items as a shop would export them: with gaps, and without anything hidden."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lab.boutique.brands import BRANDS, SELLERS
from lab.boutique.calendar import timestamps
from lab.boutique.catalogue import Catalogue, family_id, item_id
from lab.boutique.changes import Offer
from lab.boutique.departments import CATEGORIES
from lab.boutique.families import PATTERN_NAMES, Family
from lab.boutique.palette import COLOUR_NAMES
from lab.boutique.regions import CURRENCY, REGION_CODES
from lab.boutique.wording.items import Said, descriptions, titles

Line = dict[str, Any]


@dataclass(frozen=True)
class Candour:
    """What a family's data sheet says; the rest only the picture shows."""

    colour_in_title: bool
    pattern_in_title: bool
    colour: bool
    pattern: bool
    material: bool


def candour(family: Family) -> Candour:
    """A third of the sheets have no pattern, one in six no colour; half the titles leave either out."""
    rng = np.random.default_rng(family.seed + 3)
    draws = rng.random(5)
    worn_or_shown = not CATEGORIES[family.category].consumable
    return Candour(
        colour_in_title=bool(draws[0] < (0.55 if worn_or_shown else 0.08)),
        pattern_in_title=bool(draws[1] < (0.5 if worn_or_shown else 0.0)) and PATTERN_NAMES[family.pattern] != "plain",
        colour=bool(draws[2] < 0.84),
        pattern=bool(draws[3] < 0.66),
        material=bool(draws[4] < 0.75),
    )


def picture_path(row: int) -> str:
    """Where picture `row` lies, relative to the export."""
    return f"images/{row + 1:05d}.jpg"


def item_lines(catalogue: Catalogue, offer: Offer) -> list[Line]:
    """One line an item, at the given prices and stock."""
    created = timestamps(catalogue.created_ms)
    return [_line(catalogue, offer, row, created[row]) for row in range(catalogue.count)]


def _line(catalogue: Catalogue, offer: Offer, row: int, created_at: str) -> Line:
    family = catalogue.families[catalogue.family[row]]
    category, sheet = CATEGORIES[family.category], candour(family)
    colour, pattern = COLOUR_NAMES[catalogue.colour[row]], PATTERN_NAMES[family.pattern]
    said = Said(
        brand=BRANDS[family.brand].name,
        category=category.path,
        material=category.materials[family.material],
        colour=colour if sheet.colour_in_title else None,
        pattern=pattern if sheet.pattern_in_title else None,
        size=catalogue.size[row],
        wording_seed=family.seed,
    )
    attributes = {
        "colour": colour if sheet.colour else None,
        "pattern": pattern if sheet.pattern else None,
        "material": said.material if sheet.material and not category.consumable else None,
        "variety": said.material if sheet.material and category.consumable else None,
        "size": said.size,
    }
    regions = catalogue.regions[row]
    return {
        "item_id": item_id(row),
        "family_id": family_id(int(catalogue.family[row])),
        "seller": SELLERS[family.seller],
        "brand": said.brand,
        "category": category.path,
        "titles": titles(said),
        "descriptions": descriptions(said),
        "price_minor": int(offer.price_minor[row]),
        "list_price_minor": int(offer.list_price_minor[row]),
        "currency": CURRENCY,
        "margin_ratio": round(family.margin_ratio, 3),
        "stock": int(offer.stock[row]),
        "regions": [] if regions.all() else [code for code, sold in zip(REGION_CODES, regions, strict=True) if sold],
        "images": [picture_path(int(catalogue.picture[row]))],
        "link": f"/items/{item_id(row)}",
        "attributes": {name: value for name, value in attributes.items() if value is not None},
        "created_at": created_at,
        "minimum_age": category.minimum_age,
    }
