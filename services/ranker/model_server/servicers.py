"""tensorflow.serving's two services over a ModelStore: check, call, convert."""

import asyncio
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from numpy.typing import NDArray

from services.kit.background import BackgroundTasks
from services.kit.deadline import Budget
from services.kit.errors import InvalidRequest
from services.kit.executor import BoundedExecutor
from services.ranker.model.runtime import LoadedModel
from services.ranker.model_server.configuration import models_of
from services.ranker.model_server.model_store import ModelStore, Version
from services.ranker.model_server.predict import fill, run, signature_name
from services.ranker.predict_protocol import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

METADATA_FIELD = "signature_def"


class PredictionServicer(prediction_service_pb2_grpc.PredictionServiceServicer):  # type: ignore[misc]  # no types
    """Predicts; the other kinds of inference need signatures that our models do not have."""

    def __init__(self, store: ModelStore, executor: BoundedExecutor) -> None:
        self._store = store
        self._executor = executor

    async def Predict(  # noqa: N802
        self, request: predict_pb2.PredictRequest, context: grpc.aio.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """Run one version; the answer names which."""
        number, version = self._store.version(_name(request.model_spec), _version(request.model_spec))
        outputs = await self._run(version, request)
        response = predict_pb2.PredictResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = number
        response.model_spec.signature_name = signature_name(request)
        fill(response, outputs)
        return response

    async def _run(self, version: Version, request: predict_pb2.PredictRequest) -> dict[str, NDArray[Any]]:
        model = version.model
        if model is None:
            raise RuntimeError("a version is AVAILABLE without a model")
        version.running += 1
        job = asyncio.ensure_future(self._executor.run(_run_in_time, model, request))
        job.add_done_callback(lambda _: _release(version))
        # A caller that goes away must not make the version look idle while its thread still runs.
        return await asyncio.shield(job)

    async def GetModelMetadata(  # noqa: N802
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.aio.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """The signatures of a version."""
        if list(request.metadata_field) != [METADATA_FIELD]:
            raise InvalidRequest.of("metadata_field", f"send exactly one: {METADATA_FIELD}")
        number, version = self._store.version(_name(request.model_spec), _version(request.model_spec))
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = number
        signatures = get_model_metadata_pb2.SignatureDefMap()
        if version.model is not None:
            for name, signature in version.model.meta_graph.signature_def.items():
                signatures.signature_def[name].CopyFrom(signature)
        packed = AnyMessage()
        packed.Pack(signatures)
        response.metadata[METADATA_FIELD].CopyFrom(packed)
        return response

    async def Classify(self, request: Any, context: grpc.aio.ServicerContext) -> Any:  # noqa: N802
        """Refused: no model here has a classification signature."""
        self._refuse(request, "classify")

    async def Regress(self, request: Any, context: grpc.aio.ServicerContext) -> Any:  # noqa: N802
        """Refused: no model here has a regression signature."""
        self._refuse(request, "regress")

    async def MultiInference(self, request: Any, context: grpc.aio.ServicerContext) -> Any:  # noqa: N802
        """Refused: no model here has a classification or regression signature."""
        raise InvalidRequest.of("tasks", "no model here has a classification or regression signature; send Predict")

    def _refuse(self, request: Any, method: str) -> None:
        self._store.version(_name(request.model_spec), _version(request.model_spec))
        raise InvalidRequest.of(
            "model_spec.signature_name",
            f"expected a signature of tensorflow/serving/{method}; this model has predict only: send Predict",
        )


class ModelServicer(model_service_pb2_grpc.ModelServiceServicer):  # type: ignore[misc]  # no types
    """Says which versions are there and takes a new list of models."""

    def __init__(self, store: ModelStore, background: BackgroundTasks) -> None:
        self._store = store
        self._background = background

    async def GetModelStatus(  # noqa: N802
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.aio.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """State of the version named, else of all versions, newest first."""
        name, number = _name(request.model_spec), _version(request.model_spec)
        model = self._store.model(name)
        if number is not None and number not in model.versions:
            self._store.version(name, number)
        chosen = sorted(model.versions, reverse=True) if number is None else [number]
        response = get_model_status_pb2.GetModelStatusResponse()
        for each in chosen:
            version = model.versions[each]
            status = response.model_version_status.add(version=each, state=version.state)
            if version.problem:
                status.status.error_code, status.status.error_message = 2, version.problem[:500]
        return response

    async def HandleReloadConfigRequest(  # noqa: N802
        self, request: model_management_pb2.ReloadConfigRequest, context: grpc.aio.ServicerContext
    ) -> model_management_pb2.ReloadConfigResponse:
        """Serve the models of the list, and none besides."""
        self._store.configure(models_of(request.config))
        # Loading goes on when the caller does not wait for its end.
        await asyncio.shield(self._background.spawn("model_reload", self._store.look(), finish=True))
        return model_management_pb2.ReloadConfigResponse()


def _run_in_time(model: LoadedModel, request: predict_pb2.PredictRequest) -> dict[str, NDArray[Any]]:
    """Run unless the caller's deadline passed while the job waited: nobody would read the answer."""
    if Budget.of_call(1.0).exhausted:
        raise TimeoutError("the caller's deadline passed before its turn came")
    return run(model, request)


def _release(version: Version) -> None:
    version.running -= 1


def _name(spec: model_pb2.ModelSpec) -> str:
    if not spec.name:
        raise InvalidRequest.of("model_spec.name", "required: the name of a model")
    return str(spec.name)


def _version(spec: model_pb2.ModelSpec) -> int | None:
    if spec.version_label:
        raise InvalidRequest.of("model_spec.version_label", "labels are not assigned here; send a version number")
    return int(spec.version.value) if spec.HasField("version") else None
