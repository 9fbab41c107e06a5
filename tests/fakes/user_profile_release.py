"""A small release of user_profile's parts: 24 items and an encoder with seeded random weights."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from services.kit.release import Labels, ReleaseDirectory
from services.kit.release_writer import ReleaseWriter
from services.user_profile.facets import Facets
from services.user_profile.model.encoder import Encoder
from services.user_profile.model.interactions import Weighting
from services.user_profile.release import ProfileRelease

ITEM_IDS = [f"item-{number}" for number in range(24)]
COLUMNS = {
    "brands": [f"brand-{number % 3}" for number in range(24)],
    "categories": ["Women/Dresses" if number < 12 else "Men/Shirts" for number in range(24)],
    "colours": [["red", "blue", ""][number % 3] for number in range(24)],
    "price_bands": [str(number % 4) for number in range(24)],
}


def small_encoder(seed: int = 7, items: int = len(ITEM_IDS)) -> Encoder:
    """An encoder of `items` items with one hidden layer of 16."""
    random = np.random.default_rng(seed)

    def layer(inputs: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
        return random.normal(size=(inputs, outputs)).astype(np.float32), np.zeros(outputs, np.float32)

    return Encoder([layer(items, 16), layer(16, 64)], "tanh", "vae", Weighting())


def small_release(release_id: str = "r20260101000000", seed: int = 7) -> ProfileRelease:
    """The release in memory."""
    return ProfileRelease(release_id, Facets.of(ITEM_IDS, COLUMNS), small_encoder(seed))


def publish(root: Path, shop_id: str, seed: int = 7, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> str:
    """The release on disk, stable in its shop; answers its id."""
    encoder = small_encoder(seed)
    with ReleaseWriter(root, shop_id, now) as writer:
        encoder.save(writer.folder)
        arrays = {"item_ids": ITEM_IDS, "family_ids": ITEM_IDS, **COLUMNS}
        writer.write_arrays("vocabulary.npz", {name: np.array(values, np.str_) for name, values in arrays.items()})
        release = writer.publish(data_sha256="0" * 64, spaces={"user": encoder.space_id}, calibrated=False)
    ReleaseDirectory(root, shop_id).write_labels(Labels(stable=release.release_id))
    return release.release_id
