"""A small release's part for pages: examination curves, fallback items, and the names of source tables."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from services.kit.release import Labels, ReleaseDirectory
from services.kit.release_writer import ReleaseWriter
from services.ranker.sources import SOURCE_NAMES
from tests.small_shop import SmallItem

EXAMINATION = {
    "curves": {
        str(device): [[round(0.95 * 0.85**row * 0.95**column, 4) for column in range(12)] for row in range(16)]
        for device in (1, 2, 3)
    }
}


def publish(
    root: Path,
    shop_id: str,
    items: Sequence[SmallItem],
    now: datetime = datetime(2026, 2, 28, tzinfo=UTC),
    sources: Sequence[str] = SOURCE_NAMES,
) -> str:
    """The release on disk, labelled stable; answers its id."""
    with ReleaseWriter(root, shop_id, now) as writer:
        writer.write_json("page/examination.json", EXAMINATION)
        writer.write_json("page/fallback.json", fallback(items))
        for name in sources:
            writer.write_arrays(f"sources/{name}.npz", {"empty": np.zeros(0, np.float32)})
        writer.publish(data_sha256="0" * 64, spaces={"user": "0" * 16}, calibrated=True)
    labels = ReleaseDirectory(root, shop_id).labels()
    ReleaseDirectory(root, shop_id).write_labels(Labels(stable=writer.release_id, previous=labels.stable))
    return writer.release_id


def fallback(items: Sequence[SmallItem]) -> dict[str, Any]:
    """What `page/fallback.json` holds of these items."""
    return {
        "items": [
            {
                "item_id": item.item_id,
                "family_id": item.family_id,
                "near_duplicate_cluster": 0,
                "titles": item.titles,
                "link": f"/items/{item.item_id}",
                "price_minor": item.price_minor,
                "list_price_minor": item.list_price_minor,
                "currency": "EUR",
                "brand": item.brand,
                "category": item.category,
                "image_count": 1,
                "image_etag": f"etag-{item.number}",
                "regions": [],
                "minimum_age": 0,
                "p_click_if_seen": round(0.2 / (1 + number), 6),
            }
            for number, item in enumerate(items)
        ],
        "segments": {"all": list(range(len(items))), "region:DE": list(range(0, len(items), 2))},
    }
