"""The floor: the least that the work of one page can cost on this machine, with these messages, in this run.

A page's recorded messages encoded, sent, decoded and answered over as many hops as a page has; its candidates scored by
the SavedModel in the C++ runtime; one exact search over as many item vectors as the catalogue has items; one select of
a user's recent events. Nothing is decided, checked, logged or composed. This file was written before anything was tuned
against it and changes only with an ADR.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg
import grpc
import numpy as np

from lab.benchmark.echo import PAGE_HEADER
from lab.benchmark.messages import CALLS, PREDICT, RecordedPage, write_pages
from services.ranker.model.runtime import LoadedModel
from services.ranker.predict_protocol import decode_tensor

WIDTH = 64
"""Of the vectors searched."""
FOUND = 200
_SELECT = (
    "SELECT occurred_at, action, item_id, query FROM user_profile.recent_events "
    "WHERE shop_id = $1 AND subject = $2 ORDER BY occurred_at"
)
_SUBJECTS = "SELECT DISTINCT subject FROM user_profile.recent_events WHERE shop_id = $1 LIMIT 200"


@dataclass(frozen=True)
class FloorTask:
    """What the floor is measured with."""

    pages: Sequence[RecordedPage]
    folder: Path
    """Where the recorded messages are put for the echo process."""
    model: Path
    """The SavedModel that scored them."""
    dsn: str
    shop_id: str
    item_count: int


class Floor:
    """Does the least work of a page, again and again. Use it as a context."""

    def __init__(self, task: FloorTask) -> None:
        self._task = task
        self._requests = [
            {call.path: call.request.FromString(page[call.path][0]) for call in CALLS} for page in task.pages
        ]
        self._tensors = [_tensors(page) for page in self._requests]
        random = np.random.default_rng(1)
        self._items = random.standard_normal((task.item_count, WIDTH)).astype(np.float32)
        self._users = random.standard_normal((len(task.pages), WIDTH)).astype(np.float32)

    async def __aenter__(self) -> Self:
        path = self._task.folder / "floor-pages.jsonl"
        write_pages(path, self._task.pages)
        self._echo = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "lab.benchmark.echo", str(path), stdout=subprocess.PIPE
        )
        port = await self._echo.stdout.readline() if self._echo.stdout else b""
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{port.decode().strip()}")
        self._stubs = [
            (call.path, self._channel.unary_unary(call.path, call.request.SerializeToString, call.response.FromString))
            for call in CALLS
        ]
        self._model = LoadedModel(self._task.model)
        self._database = await asyncpg.connect(self._task.dsn)
        self._subjects = [row[0] for row in await self._database.fetch(_SUBJECTS, self._task.shop_id)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._database.close()
        await self._channel.close()
        self._model.close()
        self._echo.terminate()
        await self._echo.wait()

    async def page(self, number: int) -> dict[str, float]:
        """Do the work of one recorded page once; milliseconds of each part and in all."""
        number %= len(self._requests)
        marks = [time.perf_counter()]
        for path, stub in self._stubs:
            await stub(self._requests[number][path], metadata=((PAGE_HEADER, str(number)),))
        marks.append(time.perf_counter())
        self._model.run(self._tensors[number])
        marks.append(time.perf_counter())
        scores = self._items @ self._users[number]
        found = np.argpartition(-scores, min(FOUND, len(scores) - 1))[:FOUND]
        found = found[np.argsort(-scores[found])]
        marks.append(time.perf_counter())
        await self._database.fetch(_SELECT, self._task.shop_id, self._subjects[number % len(self._subjects)])
        marks.append(time.perf_counter())
        parts = np.diff(marks) * 1_000.0
        named = dict(zip(("hops", "model", "search", "select"), parts.tolist(), strict=True))
        return {**named, "total": float(parts.sum())}


def _tensors(page: Mapping[str, Any]) -> dict[str, Any]:
    return {name: decode_tensor(tensor) for name, tensor in page[PREDICT.path].inputs.items()}
