"""What each step of tuning sees. All chance is drawn here, in numpy, so that any number of devices sees the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from services.item_vision.model.trunk import Activations

Batch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Activations, kept features, targets `[n, classes]`, and the factors `[n, width]` of features (dropout)."""


@dataclass(frozen=True)
class TuningRows:
    """What is learned from."""

    views: Sequence[Activations]
    """The same pictures, seen in several ways."""
    classes: np.ndarray
    """`[n]` class of each picture."""
    chosen: np.ndarray
    """Rows that may be learned from."""


@dataclass(frozen=True)
class MixingSettings:
    """How batches are made harder than the pictures."""

    mixing: float = 0.2
    """Both parameters of the beta distribution that pictures are mixed by, where the tuned part begins (Verma et al.,
    "Manifold Mixup", ICML 2019); 0: not at all.
    """
    dropout: float = 0.2
    """Share of features left out, anew for each picture and step."""
    smoothing: float = 0.1
    """Share of each target that is spread over all classes."""


@dataclass(frozen=True)
class BatchShape:
    """Sizes of a batch."""

    size: int
    class_count: int
    width: int
    """Of the features."""


class TuningBatches:
    """Batches of one size, epoch by epoch; what does not fill a batch is left out of an epoch."""

    def __init__(self, rows: TuningRows, shape: BatchShape, settings: MixingSettings, seed: int) -> None:
        self._rows, self._shape, self._settings = rows, shape, settings
        self._generator = np.random.default_rng(seed)
        # Each picture goes through its views in turn, beginning anywhere.
        self._first_views = self._generator.integers(len(rows.views), size=len(rows.classes))
        share = settings.smoothing / shape.class_count
        self._targets = np.eye(shape.class_count, dtype=np.float32) * (1 - settings.smoothing) + np.float32(share)

    @property
    def count(self) -> int:
        """Batches in an epoch, at least 1."""
        return max(len(self._rows.chosen) // self._shape.size, 1)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of epoch `number`, counted from 0."""
        order = self._generator.permutation(self._rows.chosen)
        # Fewer rows than a batch holds are repeated.
        order = np.resize(order, max(len(order), self._shape.size))
        for start in range(0, self.count * self._shape.size, self._shape.size):
            yield self._batch(order[start : start + self._shape.size], number)

    def _batch(self, rows: np.ndarray, number: int) -> Batch:
        seen = [self._rows.views[view] for view in (self._first_views[rows] + number) % len(self._rows.views)]
        inner = np.stack([view.inner[row] for view, row in zip(seen, rows, strict=True)])
        kept = np.stack([view.kept[row] for view, row in zip(seen, rows, strict=True)])
        mixed = self._mixed(inner.astype(np.float32), kept, self._targets[self._rows.classes[rows]])
        present = self._generator.random((len(rows), self._shape.width), np.float32) >= self._settings.dropout
        return *mixed, present / np.float32(1 - self._settings.dropout)

    def _mixed(self, *arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Each row mixed with another row of the batch, the same in every array."""
        inner, kept, targets = arrays
        if not self._settings.mixing:
            return inner, kept, targets
        size = len(inner)
        own = self._generator.beta(self._settings.mixing, self._settings.mixing, size).astype(np.float32)
        other = self._generator.permutation(size)

        def mix(array: np.ndarray) -> np.ndarray:
            shares = own.reshape(size, *[1] * (array.ndim - 1))
            mixed: np.ndarray = shares * array + (1 - shares) * array[other]
            return mixed

        return mix(inner), mix(kept), mix(targets)
