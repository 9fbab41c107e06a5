"""A release without its model, and the shop it is about, in memory."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from services.kit.release import Release, ReleaseDirectory
from services.ranker.catalogue import Catalogue
from services.ranker.catalogue_watch import catalogue_item
from services.ranker.fresh_items import FreshItems
from services.ranker.pools import FilledPool, Ground
from services.ranker.ranker_release import RankerRelease
from services.ranker.row_map import RowMap
from services.ranker.visitor import RecentAction, Situation, Visitor
from tests.releases import SmallVectors, write_small_release
from tests.small_shop import NOW, SmallItem, small_items
from vitrine.common.v1.common_pb2 import ModalityVector
from vitrine.item_vision.v1.item_vision_pb2 import Item

KNOWN, ALL = 60, 66
"""Items 60 to 65 are newer than the release."""

VIEW, CLICK, CART, PURCHASE = 2, 4, 6, 7


@dataclass
class Shop:
    """What pools are filled on."""

    items: list[SmallItem]
    release: RankerRelease
    catalogue: Catalogue

    def ground(self, visitor: Visitor | None = None) -> Ground:
        return Ground(visitor or fan(), self.release, self.release.items(self.catalogue), NOW.timestamp())

    def ids(self, filled: FilledPool) -> list[str]:
        return [self.catalogue.item_ids[position] for position in filled.positions.tolist()]

    def with_item_id(self, item_id: str) -> SmallItem:
        return self.items[int(item_id.removeprefix("item-"))]


def fan(*item_ids: str) -> Visitor:
    """Somebody in Germany who clicked these yesterday; without any, item 0 and item 4."""
    clicked = item_ids or ("item-000", "item-004")
    return Visitor(
        user_embedding=np.linspace(-1.0, 1.0, 64, dtype=np.float32),
        recent_actions=tuple(RecentAction(item_id, CLICK, 1.0) for item_id in clicked),
        affinities={"brand": {"Aster": 0.6}},
        exposures={"item-001": 3},
        situation=Situation(device=1, region="DE", locale="en-GB"),
    )


@pytest.fixture(scope="session")
def bare_release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    folder = tmp_path_factory.mktemp("releases")
    return ReleaseDirectory(folder, "boutique").open(write_small_release(folder, with_model=False))


@pytest.fixture(scope="session")
def loaded_release(bare_release: Release) -> RankerRelease:
    return RankerRelease.load(bare_release)


@pytest.fixture(scope="session")
def all_items() -> list[SmallItem]:
    return small_items(ALL)


@pytest.fixture
def make_shop(loaded_release: RankerRelease, all_items: list[SmallItem]) -> Callable[[int], Shop]:
    """A shop whose catalogue has so many items, each with its vectors at hand."""

    def make(count: int) -> Shop:
        release = replace(
            loaded_release,
            sources=dict(loaded_release.sources),
            rows=RowMap(loaded_release.vocabulary),
            fresh=FreshItems("boutique", loaded_release.release_id, loaded_release.spaces),
        )
        catalogue, items = Catalogue(), all_items[:count]
        catalogue.put([catalogue_item(item.facts()) for item in items])
        catalogue.complete = True
        vectors = SmallVectors()
        for item, content in zip(items[KNOWN:], vectors.content(items)[KNOWN:], strict=True):
            parts = {"image": content[:64], "text": content[64:]}
            release.fresh.take_in(
                Item(
                    item_id=item.item_id,
                    image_count=1,
                    vectors=[
                        ModalityVector(modality=name, space_id=vectors.spaces[name], values=values)
                        for name, values in parts.items()
                    ],
                )
            )
        return Shop(items, release, catalogue)

    return make


@pytest.fixture
def shop(make_shop: Callable[[int], Shop]) -> Shop:
    """The catalogue as the release knows it."""
    return make_shop(KNOWN)


@pytest.fixture
def grown_shop(make_shop: Callable[[int], Shop]) -> Shop:
    """The catalogue with six items newer than the release."""
    return make_shop(ALL)
