"""Raw features in PostgreSQL, and how far they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.types import NULLTYPE

from services.item_vision.sql.catalogue import SETTLED
from services.item_vision.sql.cursor import Cursor
from services.item_vision.tables import Xid8, feature_jobs, features
from services.kit.database import reading, transaction

_SIGN = 1 << 63
_STORED: Final = np.dtype("<f2")


class ItemFeatures(NamedTuple):
    """Raw features of one item."""

    item_id: str
    image: NDArray[np.float16] | None
    """`[image_width]`; None without a picture."""
    image_hash: int
    """64 bits, 0 without a picture."""
    text: NDArray[np.float16]
    """`[text_width]`."""
    image_backbone: str
    text_encoder: str
    feature_hash: bytes


@dataclass(frozen=True)
class FeatureChanges:
    """Features that changed after a cursor."""

    features: Sequence[ItemFeatures]
    cursor: Cursor
    complete: bool


@dataclass(frozen=True)
class FeatureKind:
    """Which encoders a shop's newest features come from. Features of others wait to be renewed."""

    image_backbone: str = ""
    text_encoder: str = ""
    image_width: int = 0
    """0 when no item has a picture."""

    def made(self, each: ItemFeatures) -> bool:
        """Whether features come from these encoders."""
        return (each.image_backbone, each.text_encoder) == (self.image_backbone, self.text_encoder)


@dataclass(frozen=True)
class FeatureProgress:
    """How far the features of a shop are."""

    waiting: int
    done: int
    failed: int
    failures: Sequence[tuple[str, str]]
    """(item_id, reason and message) of the first hundred."""


# As the driver brings them: a catalogue's features are read through here when a service starts.
_FEATURES: Final = sa.select(
    *(sa.type_coerce(features.c[name], NULLTYPE).label(name) for name in (*ItemFeatures._fields, "changed_xid"))
)


class FeatureStore:
    """All SQL about features."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def progress(self, shop_id: str) -> FeatureProgress:
        """How far the features of a shop are."""
        mine = feature_jobs.c.shop_id == shop_id
        failed = feature_jobs.c.failure.is_not(None)
        async with transaction(self._engine) as connection:
            counts = sa.select(
                sa.func.count().filter(~failed).label("waiting"), sa.func.count().filter(failed).label("failed")
            ).where(mine)
            row = (await connection.execute(counts)).one()
            done = await connection.execute(sa.select(sa.func.count()).where(features.c.shop_id == shop_id))
            listed = sa.select(feature_jobs.c.item_id, feature_jobs.c.failure).where(mine, failed)
            failures = await connection.execute(listed.order_by(feature_jobs.c.item_id).limit(100))
            return FeatureProgress(
                row.waiting, done.scalar_one(), row.failed, [(each.item_id, each.failure) for each in failures]
            )

    async def newest_kind(self, shop_id: str) -> FeatureKind:
        """The encoders of the features written last."""
        mine = sa.select(features).where(features.c.shop_id == shop_id).order_by(features.c.changed_xid.desc()).limit(1)
        async with transaction(self._engine) as connection:
            newest = (await connection.execute(mine)).mappings().one_or_none()
            if newest is None:
                return FeatureKind()
            backbone = newest["image_backbone"]
            widths = sa.select(sa.func.length(features.c.image)).where(
                features.c.shop_id == shop_id, features.c.image.is_not(None), features.c.image_backbone == backbone
            )
            byte_count = (await connection.execute(widths.limit(1))).scalar_one_or_none() or 0
        return FeatureKind(backbone, newest["text_encoder"], byte_count // np.dtype(np.float16).itemsize)

    async def changes(self, shop_id: str, after: Cursor, limit: int) -> FeatureChanges:
        """Settled features after a cursor, oldest change first."""
        place = sa.tuple_(features.c.changed_xid, features.c.item_id)
        bound = sa.tuple_(sa.cast(sa.cast(str(after.xid), sa.Text), Xid8), sa.cast(after.item_id, sa.Text))
        query = (
            _FEATURES.where(features.c.shop_id == shop_id, place > bound, SETTLED)
            .order_by(features.c.changed_xid, features.c.item_id)
            .limit(limit)
        )
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query)).all()
        cursor = Cursor(rows[-1].changed_xid, rows[-1].item_id) if rows else after
        return FeatureChanges([_item_features(row) for row in rows], cursor, len(rows) < limit)


def features_of(row: Any) -> ItemFeatures:
    """A row of `features`, by column name."""
    return _item_features([row[name] for name in ItemFeatures._fields])


def _item_features(columns: Sequence[Any]) -> ItemFeatures:
    item_id, image, image_hash, text, *others = columns[: len(ItemFeatures._fields)]
    vector = None if image is None else np.frombuffer(image, _STORED)
    return ItemFeatures(item_id, vector, image_hash % (1 << 64), np.frombuffer(text, _STORED), *others)


def signed(image_hash: int) -> int:
    """64 bits as PostgreSQL's signed bigint."""
    return image_hash - (1 << 64) if image_hash >= _SIGN else image_hash


def feature_row(shop_id: str, item: ItemFeatures) -> dict[str, Any]:
    """The columns of `features`, but for changed_xid."""
    return {
        "shop_id": shop_id,
        "item_id": item.item_id,
        "feature_hash": item.feature_hash,
        "image": None if item.image is None else item.image.astype("<f2").tobytes(),
        "image_hash": signed(item.image_hash),
        "text": item.text.astype("<f2").tobytes(),
        "image_backbone": item.image_backbone,
        "text_encoder": item.text_encoder,
    }
