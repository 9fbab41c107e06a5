"""The model server that its contract suite is held against."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from services.kit.serving import running
from services.ranker.model_server.__main__ import definition
from services.ranker.model_server.settings import ModelServerSettings
from services.ranker.predict_protocol import model_service_pb2_grpc, prediction_service_pb2_grpc
from tests.releases import SmallRelease, copied

POLL_S = 0.02


@dataclass
class House:
    """A running model server over a folder of releases, and a folder of further models."""

    predictions: prediction_service_pb2_grpc.PredictionServiceStub
    models: model_service_pb2_grpc.ModelServiceStub
    release: SmallRelease
    extra: Path
    """Base path of the model "extra", which holds version 1 at first."""

    @property
    def version(self) -> int:
        return int(self.release.release_id[1:])

    @property
    def folder(self) -> Path:
        """The SavedModel of the release."""
        return self.release.release.path / "fusion" / str(self.version)


@asynccontextmanager
async def real_house(small_release: SmallRelease, folder: Path) -> AsyncIterator[House]:
    """The embedded model server over a copy of the release."""
    release = copied(small_release, folder / "releases")
    shutil.copytree(release.release.path / "fusion" / release.release_id[1:], folder / "extra" / "1")
    settings = ModelServerSettings(
        releases_dir=folder / "releases",
        models={"extra": folder / "extra"},
        versions_kept=1,
        poll_s=POLL_S,
        drain_seconds=0.2,
    )
    async with running(definition(settings)) as address, grpc.aio.insecure_channel(address) as channel:
        yield House(
            prediction_service_pb2_grpc.PredictionServiceStub(channel),
            model_service_pb2_grpc.ModelServiceStub(channel),
            release,
            folder / "extra",
        )
