"""A migrated schema, and stores on it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.item_vision.__main__ import MIGRATIONS
from services.item_vision.item import CatalogueItem
from services.item_vision.requests import catalogue_item
from services.item_vision.settings import ItemVisionSettings
from services.item_vision.tables import SCHEMA
from services.kit.database import create_engine
from services.kit.migrations import migrate
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2 as pb

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
async def engine(postgres_dsn: str) -> AsyncIterator[AsyncEngine]:
    await migrate(postgres_dsn, MIGRATIONS, SCHEMA)
    made = create_engine(ItemVisionSettings(database_dsn=postgres_dsn, database_pool_size=8))
    yield made
    await made.dispose()


@pytest.fixture
def make_item():
    """Makes items; `images` are hashes of stored pictures."""

    def make(item_id: str, *images: str, **fields: object) -> CatalogueItem:
        fields.setdefault("titles", {"en": f"Item {item_id}"})
        message = pb.ItemInput(item_id=item_id, price=common_pb2.Money(amount_minor=1_000, currency="EUR"), **fields)
        return catalogue_item(message, list(images), NOW)

    return make
