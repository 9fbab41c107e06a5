"""What item_vision's servicers read. One a process."""

import asyncio
from dataclasses import dataclass, field

from services.item_vision.fetch import PictureFetcher
from services.item_vision.intake import PictureReader
from services.item_vision.model.encoders import ImageEncoder
from services.item_vision.settings import ItemVisionSettings
from services.item_vision.sql.catalogue import CatalogueStore
from services.item_vision.sql.feature_store import FeatureStore
from services.item_vision.vision_release import VisionRelease
from services.kit.executor import BoundedExecutor
from services.kit.release_watcher import ReleaseWatcher


@dataclass
class Holdings:
    """Stores, releases, and the picture encoder once it is warm."""

    settings: ItemVisionSettings
    catalogue: CatalogueStore
    features: FeatureStore
    releases: ReleaseWatcher[VisionRelease]
    fetcher: PictureFetcher
    reader: PictureReader
    executor: BoundedExecutor
    encoder: asyncio.Future[ImageEncoder] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """Done when the encoder is warm; DescribeImage waits for it."""
