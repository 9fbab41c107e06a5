"""Synthetic catalogues for measuring: any number of items, made from a seed, with a release that serves them.

Everything in them is made up: no pictures, no people. What is measured on them says what size costs, nothing about how
well anything recommends.
"""

import hashlib
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

RESULT_FILE = "synthetic-{shop_id}.json"


class CatalogueFailed(Exception):  # noqa: N818  named like the errors of kit
    """A synthetic catalogue could not be made; the message holds what its process said."""


@dataclass(frozen=True)
class SyntheticCatalogue:
    """What was made. Item number n is row n of the release's vocabulary."""

    shop_id: str
    items: int
    seed: int
    release_id: str
    """Labelled stable."""
    seconds: dict[str, float]
    """How long each step took; empty when it was all there already."""

    def item_id(self, number: int) -> str:
        """The id of an item by its number, 0 up to `items`; lower numbers are no more popular than others."""
        return item_id(number)


def item_id(number: int) -> str:
    """The id of a synthetic item."""
    return f"s{number:07}"


def data_hash(items: int, seed: int) -> str:
    """What a release of a synthetic catalogue names as its data."""
    return hashlib.sha256(f"synthetic catalogue of {items} items, seed {seed}".encode()).hexdigest()


def make_catalogue(work: Path, shop_id: str, items: int, seed: int, dsn: str) -> SyntheticCatalogue:
    """Copy a synthetic catalogue into item_vision's tables and publish a release over it; nothing if both are there.

    Runs in a process of its own, so that what it takes (TensorFlow, vectors of a million items) is given back. It
    blocks: call it in a thread where there is an event loop.

    Args:
        work: the folder whose `releases` the release goes to.
        shop_id: a shop of its own; what item_vision holds of it is replaced.
        items: at least 100.
        seed: of everything.
        dsn: of a running PostgreSQL; item_vision's schema is made when it is missing.

    Raises:
        CatalogueFailed: the process ended without a catalogue.

    """
    command = [sys.executable, "-m", "lab.benchmark.catalogue_making"]
    options = {"work": work.resolve(), "shop": shop_id, "items": items, "seed": seed, "dsn": dsn}
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CatalogueFailed(f"the synthetic catalogue of {items} items was not made: {done.stderr.strip()[-2000:]}")
    path = work / RESULT_FILE.format(shop_id=shop_id)
    return SyntheticCatalogue(**json.loads(path.read_text(encoding="utf-8")))


def write_result(work: Path, made: SyntheticCatalogue) -> None:
    """What `make_catalogue` reads when the process has ended."""
    text = json.dumps(asdict(made), indent=1) + "\n"
    (work / RESULT_FILE.format(shop_id=made.shop_id)).write_text(text, encoding="utf-8")
