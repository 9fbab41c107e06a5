"""What exported models cost: bytes on disk and CPU time of a request. No TensorFlow but its C++ runtime."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.ranker.model.gate import random_request
from services.ranker.model.runtime import LoadedModel

CANDIDATES = 300
"""As many as a page has."""


@dataclass(frozen=True)
class Weight:
    """The cost of one exported model."""

    weights_bytes: int
    """The variables: what grows with the catalogue and the model."""
    graph_bytes: int
    """The graph: the same for every catalogue, and a little more for a compressed model."""
    cpu_ms: float
    """Median CPU time of a request of 300 candidates in one thread of the C++ runtime."""


def weigh(folders: Sequence[Path], items: int, runs: int = 200, seed: int = 20) -> list[Weight]:
    """Weighs models side by side, turn by turn, so that what disturbs one disturbs all: trust ratios.

    Args:
        folders: SavedModels of the same `items`.
        items: rows of the vocabulary.
        runs: requests that each model answers.
        seed: of the requests.

    """
    random = np.random.default_rng(seed)
    requests = [random_request(random, items, CANDIDATES, 0) for _ in range(16)]
    models = [LoadedModel(folder) for folder in folders]
    spent_ms = np.zeros((runs, len(models)))
    try:
        for model in models:
            for request in requests:
                model.run(request)
        for run in range(runs):
            for column, model in enumerate(models):
                # Runs happen in this thread: what other threads do is not counted.
                started_s = time.thread_time()
                model.run(requests[run % len(requests)])
                spent_ms[run, column] = 1e3 * (time.thread_time() - started_s)
    finally:
        for model in models:
            model.close()
    medians = np.median(spent_ms, axis=0)
    return [
        Weight(_bytes_of(folder.glob("variables/*")), _bytes_of(folder.glob("saved_model.pb")), float(median))
        for folder, median in zip(folders, medians, strict=True)
    ]


def _bytes_of(files: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in files)
