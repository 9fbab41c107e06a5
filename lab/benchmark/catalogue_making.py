"""The process that makes a synthetic catalogue: `python -m lab.benchmark.catalogue_making --work … --items …`."""

import argparse
import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from lab.benchmark.catalogue import SyntheticCatalogue, data_hash, write_result
from lab.benchmark.catalogue_items import SyntheticItems
from lab.benchmark.catalogue_release import publish
from lab.benchmark.catalogue_rows import copy_items, stored_items
from services.kit.release import ReleaseDirectory

Value = TypeVar("Value")


def make(work: Path, shop_id: str, items: int, seed: int, dsn: str) -> SyntheticCatalogue:
    """Make what is missing of the catalogue and its release."""
    seconds: dict[str, float] = {}

    def timed(name: str, step: Callable[[], Value]) -> Value:
        began = time.perf_counter()
        value = step()
        seconds[name] = round(time.perf_counter() - began, 2)
        return value

    release_id = _published(work, shop_id, data_hash(items, seed))
    stored = asyncio.run(stored_items(dsn, shop_id))
    if not release_id or stored != items:
        drawn = timed("draw", lambda: SyntheticItems.draw(items, seed))
        if stored != items or not release_id:
            timed("copy", lambda: asyncio.run(copy_items(dsn, shop_id, drawn)))
        if not release_id:
            release_id = timed("release", lambda: publish(work / "releases", shop_id, drawn))
    return SyntheticCatalogue(shop_id, items, seed, release_id, seconds)


def _published(work: Path, shop_id: str, data: str) -> str:
    """The stable release, if it is of this very data."""
    directory = ReleaseDirectory(work / "releases", shop_id)
    stable = directory.labels().stable
    return stable if stable and directory.open(stable).manifest.data_sha256 == data else ""


def main() -> None:
    """Read the options, make the catalogue, write down what was made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shop", required=True)
    parser.add_argument("--items", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dsn", required=True)
    options = parser.parse_args()
    made = make(options.work, options.shop, options.items, options.seed, options.dsn)
    write_result(options.work, made)


if __name__ == "__main__":
    main()
