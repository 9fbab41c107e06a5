"""A release's `page/fallback.json`: popular items of each region, ready to show when the catalogue has never been
reached.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.page_composer.index_builder import EMPTY_INDEX, IndexBuilder
from services.page_composer.item_facts import ItemFacts
from services.page_composer.item_index import ItemIndex

EVERYWHERE = "all"


@dataclass(frozen=True)
class Fallback:
    """An item index by region in place of the catalogue's, and popularity in place of the ranker's."""

    by_country: Mapping[str, ItemIndex] = field(default_factory=dict)
    """By country, "" for everywhere."""
    p_click: Mapping[str, float] = field(default_factory=dict)
    """By item: P(click | examined) that popularity alone stands for."""

    def index(self, country: str) -> ItemIndex:
        """The items to show in a country."""
        return self.by_country.get(country) or self.by_country.get("") or EMPTY_INDEX


def read_fallback(content: Any) -> Fallback:
    """Read the file's content. Raises: KeyError or TypeError when it is malformed."""
    items = [_facts(item) for item in content["items"]]
    by_country = {
        _country(segment): _index([items[position] for position in positions])
        for segment, positions in content["segments"].items()
    }
    return Fallback(by_country, {item["item_id"]: float(item["p_click_if_seen"]) for item in content["items"]})


def _country(segment: str) -> str:
    return "" if segment == EVERYWHERE else segment.removeprefix("region:")


def _index(items: list[ItemFacts]) -> ItemIndex:
    builder = IndexBuilder()
    builder.put(items)
    return builder.snapshot()


def _facts(item: Mapping[str, Any]) -> ItemFacts:
    return ItemFacts(
        item_id=item["item_id"],
        family_id=item["family_id"],
        near_duplicate_cluster=item["near_duplicate_cluster"],
        brand=item["brand"],
        category=item["category"],
        price_minor=item["price_minor"],
        currency=item["currency"],
        list_price_minor=item["list_price_minor"],
        regions=tuple(item["regions"]),
        minimum_age=item["minimum_age"],
        titles=item["titles"],
        link=item["link"] or f"/items/{item['item_id']}",
        image_count=item["image_count"],
        image_etag=item["image_etag"],
    )
