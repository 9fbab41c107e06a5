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
LONGEST_WARM_UP = 1_000
"""Requests of a warm-up file that are played, as TensorFlow Serving limits it."""


@dataclass
class Version:
    """One version of a model."""

    state: int = STATES.START
    model: LoadedModel | None = None
    problem: str = ""
    """Why it could not be loaded; empty when it could."""
    running: int = 0
    """Predictions in flight; it is closed when none is left."""


@dataclass
class Model:
    """A model under one name."""

    base_path: Path
    keep: Callable[[], frozenset[int]] = frozenset
    """Versions to have loaded whatever their age."""
    versions: dict[int, Version] = field(default_factory=dict)

    def available(self) -> list[int]:
        """Versions that can be asked, newest first."""
        return sorted(
            (number for number, each in self.versions.items() if each.state == STATES.AVAILABLE), reverse=True
        )


class ModelStore:
    """All models. `look` brings it in line with the disk; called by one task."""

    def __init__(self, executor: BoundedExecutor, versions_kept: int) -> None:
        self._executor = executor
        self._versions_kept = versions_kept
        self._models: dict[str, Model] = {}

    def configure(self, models: Mapping[str, Model]) -> None:
        """Serve these models, from the next look on: changed base paths are read anew, others are let go."""
        for name, wanted in models.items():
            known = self._models.get(name)
            if known is None or known.base_path != wanted.base_path:
                self._models[name] = wanted
        for name in self._models.keys() - models.keys():
            self._models[name].base_path = Path("/nonexistent")

    def model(self, name: str) -> Model:
        """A model. Raises: NotFound."""
        model = self._models.get(name)
        if model is None:
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
        for name, model in list(self._models.items()):
            wanted = await asyncio.to_thread(self._wanted, model)
            for number in sorted(wanted - model.versions.keys(), reverse=True):
                model.versions[number] = Version()
                await self._load(name, model, number)
            for number in model.versions.keys() - wanted:
                self._let_go(name, model, number)

    def close(self) -> None:
        """Free every model that is not running."""
        for model in self._models.values():
            for version in model.versions.values():
                _free(version)

    def _wanted(self, model: Model) -> frozenset[int]:
        if not model.base_path.is_dir():
            return frozenset()
        found = sorted(int(entry.name) for entry in model.base_path.iterdir() if entry.name.isdigit())
        return frozenset(found[-self._versions_kept :]) | (model.keep() & frozenset(found))

    async def _load(self, name: str, model: Model, number: int) -> None:
        version, folder = model.versions[number], model.base_path / str(number)
        version.state = STATES.LOADING
        try:
            version.model = await self._executor.run(LoadedModel, folder)
            played = await self._executor.run(_warm_up, version.model, folder)
        except Exception as error:
            version.state, version.problem = STATES.END, str(error)
            _free(version)
            LOG.exception("a version cannot be served", extra={"fields": {"model": name, "version": number}})
            return
        version.state = STATES.AVAILABLE
        LOG.info("version available", extra={"fields": {"model": name, "version": number, "warm_up_requests": played}})

    def _let_go(self, name: str, model: Model, number: int) -> None:
        version = model.versions[number]
        if version.running:
            version.state = STATES.UNLOADING
            return
        _free(version)
        del model.versions[number]
        LOG.info("version let go", extra={"fields": {"model": name, "version": number}})


def _free(version: Version) -> None:
    if version.model is not None and not version.running:
        version.model.close()
        version.model = None


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
