"""A fusion model of a billion parameters: built, trained one step, exported in shards, run by the C++ runtime.

Almost all parameters are the items' own embeddings. The step's objective is a sampled softmax, and it touches the rows
that its batch names and no others, so that it costs the same as with a small catalogue.
"""

import gc
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.ranker.model.configuration import FusionConfig, FusionInputs, ItemTable
from services.ranker.model.signature import CONTENT_SIZE, CONTEXT_SIZE, EMBEDDING_SIZE, FEATURE_COUNT, HISTORY_LENGTH
from services.ranker.training.rows import ImpressionRows

Progress = Callable[[str, int, int], None]

ID_SIZE = 64
REQUESTS, SAMPLED = 96, 64
CODES = 1_000
"""Categories, brands and colours of the items that are made up."""


@dataclass(frozen=True)
class LargeRun:
    """How large."""

    items: int = 15_625_000
    """With 64 numbers each: a billion."""
    shards: int = 16
    folder: Path | None = None
    """Where to export to; a temporary folder when None."""


def large_config(shards: int) -> FusionConfig:
    """The configuration: sharded tables, sparse updates, no second copy of the items."""
    inputs = FusionInputs(image=False, text=False)
    return FusionConfig(inputs=inputs, id_size=ID_SIZE, id_shards=shards, sparse_ids=True, precomputed=False)


def run_large(wanted: LargeRun, progress: Progress) -> dict[str, Any]:
    """Build, train one step, export, gate. Raises: ExportRefused."""
    if wanted.folder is not None:
        return _run(wanted, wanted.folder, progress)
    with tempfile.TemporaryDirectory(prefix="vitrine-large-") as work:
        return _run(wanted, Path(work) / "1", progress)


def _run(wanted: LargeRun, folder: Path, progress: Progress) -> dict[str, Any]:
    from services.ranker.model.export import export_fusion
    from services.ranker.model.fusion import build_fusion
    from services.ranker.model.gate import cases_of, check_cases
    from services.ranker.training.fusion import train_one_step

    clock = _Clock(progress)
    table = _made_up_items(wanted.items)
    model = build_fusion(table, large_config(wanted.shards))
    clock.ended("built")
    parameters = sum(int(np.prod(each.shape)) for each in model.trainable_weights)
    rows = _sampled_requests(wanted.items)
    loss = train_one_step(model, rows)
    clock.ended("one step")
    touched = len(np.unique(np.concatenate([rows.candidate_rows, rows.history_rows[rows.history_rows >= 0]])))
    export_fusion(model, folder, [], "fusion-large")
    clock.ended("exported")
    cases = cases_of(model.serve, wanted.items)
    # The runtime that checks the export holds the tables too.
    del model
    gc.collect()
    check_cases(folder, cases)
    clock.ended("run by the C++ runtime")
    files = sorted((folder / "variables").glob("variables.data-*"))
    return {
        "parameters": parameters,
        "items": wanted.items,
        "shards": wanted.shards,
        "rows_touched": touched,
        "loss": round(loss, 4),
        "files": [file.stat().st_size for file in files],
        "seconds": clock.seconds,
        "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def _made_up_items(items: int) -> ItemTable:
    random = np.random.default_rng(1)
    categories, brands, colours = (random.integers(1, CODES, items, np.int32) for _ in range(3))
    # Never read with this configuration: one row that stands for all of them.
    content = np.broadcast_to(np.zeros((1, CONTENT_SIZE), np.float32), (items, CONTENT_SIZE))
    return ItemTable(content, categories, brands, colours, np.ones(items, np.bool_))


def _sampled_requests(items: int) -> ImpressionRows:
    """Requests of one positive and sampled negatives each, of made-up visitors."""
    random = np.random.default_rng(2)
    clicked = np.zeros((REQUESTS, SAMPLED), np.bool_)
    clicked[:, 0] = True
    return ImpressionRows(
        user_embedding=random.normal(size=(REQUESTS, EMBEDDING_SIZE)).astype(np.float32),
        history_rows=random.integers(0, items, (REQUESTS, HISTORY_LENGTH), np.int32),
        history_actions=np.full((REQUESTS, HISTORY_LENGTH), 4, np.int32),
        history_age_days=np.tile(np.arange(HISTORY_LENGTH, 0, -1, dtype=np.float32), (REQUESTS, 1)),
        context=np.zeros((REQUESTS, CONTEXT_SIZE), np.float32),
        users=np.arange(REQUESTS, dtype=np.int32),
        devices=np.ones(REQUESTS, np.int32),
        occurred_at=np.arange(REQUESTS, dtype=np.int64),
        offsets=np.arange(REQUESTS + 1, dtype=np.int64) * SAMPLED,
        candidate_rows=random.integers(0, items, REQUESTS * SAMPLED, np.int32),
        candidate_features=random.normal(size=(REQUESTS * SAMPLED, FEATURE_COUNT)).astype(np.float32),
        page_rows=np.zeros(REQUESTS * SAMPLED, np.int32),
        page_columns=np.zeros(REQUESTS * SAMPLED, np.int32),
        clicked=clicked.ravel(),
        purchased=np.zeros(REQUESTS * SAMPLED, np.bool_),
        log_q=np.full(REQUESTS * SAMPLED, -np.log(items), np.float32),
    )


class _Clock:
    def __init__(self, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._progress, self._started_s = progress, time.perf_counter()

    def ended(self, stage: str) -> None:
        now_s = time.perf_counter()
        self.seconds[stage] = round(now_s - self._started_s, 1)
        self._started_s = now_s
        self._progress(stage, len(self.seconds), 4)
