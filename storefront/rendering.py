"""Templates: one environment, everything escaped, and the few words every template may use."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent
STATIC_FOLDER = HERE / "static"
PICTURE_WIDTHS = (160, 240, 320, 480, 640, 960)
"""Widths that pictures are asked for in; others are rounded up to one of these."""


class Renderer:
    """Renders templates of a folder; a name that a template does not know is an error, not an empty text."""

    def __init__(self, folder: Path = HERE / "templates") -> None:
        self.environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            # A running process keeps the templates that fit its code.
            auto_reload=False,
        )
        self.environment.globals.update(static=static_path, picture=picture_path, item_path=_item_path)
        self.environment.globals.update(category_path=category_path, widths=PICTURE_WIDTHS)

    def render(self, template: str, context: dict[str, Any]) -> str:
        """The template with the context as HTML."""
        return self.environment.get_template(template).render(context)


@lru_cache
def static_path(name: str) -> str:
    """Path of a static file with its content's hash, so that browsers keep it for good."""
    digest = hashlib.sha256((STATIC_FOLDER / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def picture_path(shop_id: str, item_id: str, index: int, width: int, etag: str) -> str:
    """Path of an item's picture."""
    version = f"&v={quote(etag, safe='')}" if etag else ""
    return f"/images/{quote(shop_id)}/{quote(item_id, safe='')}/{index}?w={width}{version}"


def category_path(path: str) -> str:
    """Path of a category's page within a shop."""
    return "/categories/" + quote(path)


def _item_path(item_id: str) -> str:
    return f"/items/{quote(item_id, safe='')}"
