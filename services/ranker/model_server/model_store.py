"""Which versions of which models are loaded: numbered folders below base paths, loaded side by side and warmed up."""

import asyncio
import logging
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.kit.errors import NotFound
from services.kit.executor import BoundedExecutor
from services.ranker.model.runtime import LoadedModel
from services.ranker.model_server.predict import run
from services.ranker.predict_protocol import get_model_status_pb2, predict_pb2, prediction_log_pb2

LOG = logging.getLogger(__name__)

STATES = get_model_status_pb2.ModelVersionStatus
WARM_UP_FILE = "assets.extra/tf_serving_warmup_requests"
RETRY_S = 30.0
"""A version that could not be loaded is tried again after this time."""
LONGEST_WARM_UP = 1_000
"""Requests of a warm-up file that are played, as TensorFlow Serving limits it."""


@dataclass
class Version:
    """One version of a model."""

    state: int = STATES.START
    model: LoadedModel | None = None
    problem: str = ""
    """Why it could not be loaded; empty when it could."""
    ended_s: float = 0.0
    """When it reached its end, by the loop's clock."""
    running: int = 0
    """Predictions in flight; it is closed when none is left."""

    def end(self, now_s: float, problem: str = "") -> None:
        """Free the model; nothing may be running on it."""
        self.state, self.problem, self.ended_s = STATES.END, problem, now_s
        if self.model is not None:
            self.model.close()
            self.model = None


@dataclass
class Model:
    """A model under one name."""

    base_path: Path | None
    """None once it is not to be served any longer."""
    keep: Callable[[], frozenset[int]] = frozenset
    """Versions to have loaded whatever their age."""
    versions: dict[int, Version] = field(default_factory=dict)

    def available(self) -> list[int]:
        """Versions that can be asked, newest first."""
        return sorted(
            (number for number, each in self.versions.items() if each.state == STATES.AVAILABLE), reverse=True
        )


class ModelStore:
    """All models. `look` brings it in line with the disk; everything but the loading runs in the event loop."""

    def __init__(self, executor: BoundedExecutor, versions_kept: int) -> None:
        self._executor = executor
        self._versions_kept = versions_kept
        self._models: dict[str, Model] = {}
        self._looking = asyncio.Lock()

    def configure(self, models: Mapping[str, Model]) -> None:
        """Serve these models, from the next look on: changed base paths are read anew, others are let go."""
        for name, wanted in models.items():
            known = self._models.get(name)
            if known is None:
                self._models[name] = wanted
            elif known.base_path != wanted.base_path:
                # What was loaded from elsewhere is let go under a name that nobody asks for.
                self._models[f"{name} before {id(wanted)}"] = Model(None, versions=known.versions)
                self._models[name] = wanted
        for name in self._models.keys() - models.keys():
            self._models[name].base_path = None

    def model(self, name: str) -> Model:
        """A model. Raises: NotFound."""
        model = self._models.get(name)
        if model is None or not model.versions:
            raise NotFound(f"Could not find any versions of model {name}", reason="MODEL_UNKNOWN")
        return model

    def version(self, name: str, number: int | None) -> tuple[int, Version]:
        """A version that can be asked: the one named, else the newest. Raises: NotFound."""
        available = self._models[name].available() if name in self._models else []
        chosen = available[0] if number is None and available else number
        if chosen is None or chosen not in available:
            asked = f"Latest({name})" if number is None else f"Specific({name}, {number})"
            raise NotFound(f"Servable not found for request: {asked}", reason="MODEL_UNKNOWN")
        return chosen, self._models[name].versions[chosen]

    async def look(self) -> None:
        """Load versions that are new on disk, let go of those that are gone or too old."""
        async with self._looking:  # the watch and a new configuration may look at once
            for name, model in list(self._models.items()):
                wanted = await asyncio.to_thread(self._wanted, model)
                for number in sorted(wanted, reverse=True):
                    if self._to_be_loaded(model, number):
                        await self._load(name, model, number)
                    elif model.versions[number].state == STATES.UNLOADING:  # it came back before it was idle
                        model.versions[number].state = STATES.AVAILABLE
                for number in model.versions.keys() - wanted:
                    self._let_go(name, model, number)
                if model.base_path is None and all(each.state == STATES.END for each in model.versions.values()):
                    del self._models[name]

    def close(self) -> None:
        """Free every model that is not running."""
        for model in self._models.values():
            for version in model.versions.values():
                if not version.running:
                    version.end(0.0)

    def _wanted(self, model: Model) -> frozenset[int]:
        if model.base_path is None or not model.base_path.is_dir():
            return frozenset()
        found = sorted(int(entry.name) for entry in model.base_path.iterdir() if entry.name.isdigit())
        return frozenset(found[-self._versions_kept :]) | (model.keep() & frozenset(found))

    def _to_be_loaded(self, model: Model, number: int) -> bool:
        """New ones, those that came back, and broken ones again after a while."""
        known = model.versions.get(number)
        if known is None:
            return True
        tried_long_ago = asyncio.get_running_loop().time() - known.ended_s >= RETRY_S
        return known.state == STATES.END and (not known.problem or tried_long_ago)

    async def _load(self, name: str, model: Model, number: int) -> None:
        version = model.versions[number] = Version(STATES.LOADING)
        folder = (model.base_path or Path()) / str(number)
        try:
            version.model = await self._executor.run(LoadedModel, folder)
            played = await self._executor.run(_warm_up, version.model, folder)
        except asyncio.CancelledError:
            del model.versions[number]
            raise
        except Exception as error:
            version.end(asyncio.get_running_loop().time(), str(error))
            LOG.exception("a version cannot be served", extra={"fields": {"model": name, "version": number}})
            return
        version.state = STATES.AVAILABLE
        LOG.info("version available", extra={"fields": {"model": name, "version": number, "warm_up_requests": played}})

    def _let_go(self, name: str, model: Model, number: int) -> None:
        version = model.versions[number]
        if version.state == STATES.END and not version.problem:
            return
        if version.running:
            version.state = STATES.UNLOADING
            return
        version.end(asyncio.get_running_loop().time())
        LOG.info("version let go", extra={"fields": {"model": name, "version": number}})


def _warm_up(model: LoadedModel, folder: Path) -> int:
    """Play the recorded requests; returns how many. A request that fails makes the version unusable, rightly."""
    path, played = folder / WARM_UP_FILE, 0
    if not path.is_file():
        return 0
    for record in tf_records(path):
        log = prediction_log_pb2.PredictionLog.FromString(record)
        if log.HasField("predict_log") and played < LONGEST_WARM_UP:
            request: predict_pb2.PredictRequest = log.predict_log.request
            run(model, request)
            played += 1
    return played


def tf_records(path: Path) -> Iterator[bytes]:
    """The records of a TFRecord file: length, its checksum, content, its checksum. Checksums are not compared.

    Raises: ValueError when the file ends within a record.
    """
    content = path.read_bytes()
    at = 0
    while at < len(content):
        if at + 12 > len(content):
            raise ValueError(f"{path.name} ends within a record")
        (length,) = struct.unpack_from("<Q", content, at)
        start = at + 12
        if start + length + 4 > len(content):
            raise ValueError(f"{path.name} ends within a record")
        yield content[start : start + length]
        at = start + length + 4
