"""Pictures, seen in several ways, through the frozen part of a trunk."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from services.item_vision.model.pictures import Picture
from services.item_vision.model.trunk import BATCH_SIZE, Activations, Trunk
from services.item_vision.training.views import ViewSettings, altered_view, plain_views

PLAIN_COUNT = 2


@dataclass(frozen=True)
class ViewPlan:
    """How pictures are seen in training."""

    altered_count: int = 2
    """Altered views of each picture, beside the two plain ones."""
    altered: ViewSettings = field(default_factory=ViewSettings)
    """How much they differ."""
    seed: int = 1
    """With a picture's row it decides what its altered views show."""


PLAIN = ViewPlan(altered_count=0)
"""How pictures are seen when something is said of them: nothing is left to chance."""


@dataclass(frozen=True)
class PictureViews:
    """The same pictures, several times; row i is picture i in each."""

    plain: tuple[Activations, ...]
    """The whole picture and its mirror image."""
    altered: tuple[Activations, ...]
    """Random parts in other light."""


def encode_views(
    trunk: Trunk,
    pictures: Sequence[Picture],
    plan: ViewPlan = PLAIN,
    folder: Path | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> PictureViews:
    """Every view of every picture; `pictures` may decode them when they are asked for, one batch ahead.

    With a folder the activations (44 KB a view of EfficientNet-Lite0) lie in files there, read as they are needed.
    """
    views = [_room(trunk, len(pictures), folder, number) for number in range(PLAIN_COUNT + plan.altered_count)]
    start = 0
    for batch in _seen(trunk, pictures, plan):
        for view, pixels in zip(views, batch, strict=True):
            said = trunk.activations(pixels)
            view.inner[start : start + len(pixels)] = said.inner
            view.kept[start : start + len(pixels)] = said.kept
        start += len(batch[0])
        progress(start)
    return PictureViews(tuple(views[:PLAIN_COUNT]), tuple(views[PLAIN_COUNT:]))


def _room(trunk: Trunk, count: int, folder: Path | None, number: int) -> Activations:
    shape = (count, *trunk.inner_shape)
    kept = np.empty((count, trunk.kept_width), np.float32)
    if folder is None or not count:
        return Activations(np.empty(shape, np.float16), kept)
    return Activations(np.lib.format.open_memmap(folder / f"view_{number}.npy", "w+", np.float16, shape), kept)


def _seen(trunk: Trunk, pictures: Sequence[Picture], plan: ViewPlan) -> Iterator[list[np.ndarray]]:
    """Batch by batch the pixels of each view, made while the batch before is encoded."""
    side = trunk.settings.side

    def looks(row: int) -> list[np.ndarray]:
        picture = pictures[row]
        generator = np.random.default_rng((plan.seed, row))
        altered = [altered_view(picture, side, plan.altered, generator) for _ in range(plan.altered_count)]
        return [*plain_views(picture, side), *altered]

    def batch(start: int) -> list[np.ndarray]:
        rows = range(start, min(start + BATCH_SIZE, len(pictures)))
        return [np.stack(view) for view in zip(*map(looks, rows), strict=True)]

    starts = range(0, len(pictures), BATCH_SIZE)
    with ThreadPoolExecutor(max_workers=1) as ahead:
        waiting = [ahead.submit(batch, start) for start in starts[:1]]
        for following in [*starts[1:], None]:
            if not waiting:
                return
            pixels = waiting.pop().result()
            if following is not None:
                waiting.append(ahead.submit(batch, following))
            yield pixels
