"""How a page is laid out: templates as data, one file a page kind and device in `templates/`, and which one is in
force.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from services.page_composer.arrays import Ints
from services.page_composer.visit import Device, Visit

TEMPLATES_FOLDER = Path(__file__).parent / "templates"

SHELF = "shelf"
BANNER = "banner"
COUPON = "coupon"
GRID = "grid"


@dataclass(frozen=True)
class Place:
    """A place for one section."""

    kind: str
    """One of "shelf", "banner" and "coupon"."""
    style: str
    """One of "row" (scrolls sideways), "grid", "banner" or "coupon_strip"."""
    columns: int
    rows: int
    capacity: int
    minimum_fill: int
    exploration_count: int = 0
    shelves: tuple[str, ...] = ()
    """Only these generators may stand here; empty means any."""

    def coordinates(self, count: int) -> tuple[Ints, Ints]:
        """Row (from the section's first) and column of the first `count` slots: a grid wraps, the others run on
        sideways.
        """
        slots = np.arange(count)
        if self.style == GRID:
            return slots // self.columns, slots % self.columns
        return np.zeros(count, np.int64), slots

    def rows_taken(self, count: int) -> int:
        """Rows of the page that a section with so many slots takes."""
        return -(-count // self.columns) if self.style == GRID else self.rows

    @property
    def visible(self) -> int:
        """How many slots are seen without scrolling sideways."""
        return min(self.columns * (self.rows if self.style == GRID else 1), self.capacity)


@dataclass(frozen=True)
class Template:
    """The places of a page from top to bottom."""

    template_id: str
    page: str
    """The page kind: "home", "category" or "item"."""
    device: Device
    places: tuple[Place, ...]


def choose_template(templates: Mapping[str, Template], visit: Visit) -> Template:
    """The template for the visit's page and device: the shop's own before the built-in, then the first by id; a
    page kind without one takes "home".
    """
    for page in (visit.page_kind, "home"):
        fitting = [each for each in templates.values() if each.page == page and each.device == visit.device]
        if fitting:
            return min(fitting, key=lambda each: (each.template_id in BUILT_IN, each.template_id))
    raise LookupError(f"no template for {visit.page_kind} on {visit.device.name}")


def read_templates(folder: Path = TEMPLATES_FOLDER) -> dict[str, Template]:
    """Read all templates of a folder. Raises: KeyError or TypeError when one is malformed."""
    return {path.stem: _template(path) for path in sorted(folder.glob("*.yaml"))}


def _template(path: Path) -> Template:
    content = yaml.safe_load(path.read_text("utf-8"))
    places = tuple(Place(**{**place, "shelves": tuple(place.get("shelves", ()))}) for place in content["places"])
    return Template(path.stem, content["page"], Device[content["device"].upper()], places)


BUILT_IN = frozenset(path.stem for path in TEMPLATES_FOLDER.glob("*.yaml"))
"""Ids of the templates that come with the composer."""
