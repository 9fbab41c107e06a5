"""How long each stage of a call took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from vitrine.common.v1 import common_pb2


class Stages:
    """Times stages in the order they run."""

    def __init__(self) -> None:
        self._durations_us: dict[str, int] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what runs inside; a stage that runs twice adds up."""
        started_ns = time.perf_counter_ns()
        try:
            yield
        finally:
            took_us = (time.perf_counter_ns() - started_ns) // 1_000
            self._durations_us[name] = self._durations_us.get(name, 0) + took_us

    def messages(self) -> list[common_pb2.StageTiming]:
        """The stages so far, in the order they began."""
        return [common_pb2.StageTiming(stage=name, duration_us=took) for name, took in self._durations_us.items()]
