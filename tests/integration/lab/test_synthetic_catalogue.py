"""A synthetic catalogue is a shop like any other: item_vision lists it and every service can load its release."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from lab.benchmark.catalogue import SyntheticCatalogue, make_catalogue
from services.item_vision.sql.catalogue import CatalogueStore
from services.item_vision.sql.cursor import Cursor
from services.item_vision.sql.feature_store import FeatureStore
from services.item_vision.vision_release import VisionRelease
from services.kit.database import create_engine
from services.kit.release import Release, ReleaseDirectory
from services.kit.settings import DatabaseSettings
from services.page_composer.page_release import load_page_release
from services.ranker.ranker_release import RankerRelease
from services.ranker.sources import SOURCE_NAMES
from services.user_profile.model.encoder import Encoder

SHOP, ITEMS = "synthetic", 300


@pytest.fixture(scope="module")
def made(postgres_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SyntheticCatalogue]:
    work = tmp_path_factory.mktemp("synthetic")
    return work, make_catalogue(work, SHOP, ITEMS, 3, postgres_dsn)


@pytest.fixture
def release(made: tuple[Path, SyntheticCatalogue]) -> Release:
    work, catalogue = made
    return ReleaseDirectory(work / "releases", SHOP).open(catalogue.release_id)


def test_item_vision_finds_every_item_and_its_vectors(
    made: tuple[Path, SyntheticCatalogue], release: Release, postgres_dsn: str
) -> None:
    async def read() -> tuple[list[str], VisionRelease]:
        engine = create_engine(DatabaseSettings(database_dsn=postgres_dsn))
        vision = VisionRelease.read(release)
        await vision.catch_up(FeatureStore(engine))
        changes = await CatalogueStore(engine).changes(SHOP, Cursor(), 2 * ITEMS)
        await engine.dispose()
        return [item.item_id for item in changes.items], vision

    item_ids, vision = asyncio.run(read())
    assert sorted(item_ids) == [made[1].item_id(number) for number in range(ITEMS)]
    assert len(vision.items.images) == len(vision.items.texts) == ITEMS


def test_the_release_is_verified_and_loads_in_every_service(release: Release) -> None:
    release.verify()
    ranker = RankerRelease.load(release)
    assert set(ranker.sources) == set(SOURCE_NAMES)
    assert len(ranker.vocabulary) == Encoder.load(release.path).item_count == ITEMS
    assert asyncio.run(load_page_release(release)).sources == set(SOURCE_NAMES)


def test_items_of_a_cluster_are_alike(release: Release) -> None:
    content = release.load_arrays("items.npz")["content"]
    cosines = content[:, :64] @ content[:, :64].T
    np.fill_diagonal(cosines, 0.0)
    # Isotropic vectors of 64 numbers would reach half of that with their nearest neighbour among 300.
    assert np.median(cosines.max(axis=1)) > 0.7


def test_a_catalogue_that_is_there_is_not_made_again(made: tuple[Path, SyntheticCatalogue], postgres_dsn: str) -> None:
    work, catalogue = made
    again = make_catalogue(work, SHOP, ITEMS, 3, postgres_dsn)
    assert (again.release_id, again.seconds) == (catalogue.release_id, {})
