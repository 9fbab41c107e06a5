"""The ranker's client of TensorFlow Serving, or of the embedded model server: the same protocol, one client."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from services.kit.errors import DependencyDown, NotReady
from services.kit.status import RemoteError
from services.kit.upstream import Upstream
from services.ranker.explain import Attribution
from services.ranker.model.signature import (
    CLICK,
    EXPLAIN,
    EXPLAIN_OUTPUTS,
    OUTPUTS,
    PURCHASE,
    Tensors,
)
from services.ranker.predict_protocol import (
    decode_tensor,
    encode_tensor,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

DEPENDENCY = "model_server"


@dataclass(frozen=True)
class Prediction:
    """What the model answered for n candidates."""

    p_click_if_seen: NDArray[np.float32]
    """`[n]`"""
    p_purchase_if_seen: NDArray[np.float32]
    """`[n]`, never above p_click_if_seen"""
    version: int
    """The version that scored, as the server named it."""


def model_name(shop_id: str) -> str:
    """What the model server calls a shop's fusion model."""
    return f"fusion-{shop_id}"


def _request(shop_id: str, version: int, tensors: Tensors) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model_name(shop_id)
    request.model_spec.version.value = version
    for name, tensor in tensors.items():
        request.inputs[name].CopyFrom(encode_tensor(tensor))
    return request


class ModelClient:
    """Scores candidates by a version number, never by a label."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(upstream.channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(upstream.channel)

    @classmethod
    def open(cls, addresses: Sequence[str]) -> "ModelClient":
        """Opens a channel to the server's replicas; within a running event loop."""
        return cls(Upstream.open(DEPENDENCY, addresses))

    async def predict(
        self, shop_id: str, version: int, tensors: Tensors, *, timeout_s: float | None = None
    ) -> Prediction:
        """One `Predict` with the signature's tensors.

        Raises:
            DependencyDown: the server is down or late, or has no such version.
            RemoteError: the server refused the tensors: our bug.

        """
        request = _request(shop_id, version, tensors)
        request.output_filter.extend(OUTPUTS)
        answer = await self._call(self._predictions.Predict, request, timeout_s)
        return Prediction(
            decode_tensor(answer.outputs[CLICK]),
            decode_tensor(answer.outputs[PURCHASE]),
            answer.model_spec.version.value,
        )

    async def explain(
        self, shop_id: str, version: int, tensors: Tensors, *, timeout_s: float | None = None
    ) -> Attribution:
        """One `Predict` of the signature `explain` with the tensors of one candidate.

        Raises:
            DependencyDown: as `predict`.
            NotReady: the version has no such signature.
            RemoteError: the server refused the tensors: our bug.

        """
        request = _request(shop_id, version, tensors)
        request.model_spec.signature_name = EXPLAIN
        request.output_filter.extend(EXPLAIN_OUTPUTS)
        try:
            answer = await self._call(self._predictions.Predict, request, timeout_s)
        except RemoteError as refusal:
            if refusal.code == grpc.StatusCode.FAILED_PRECONDITION:
                message = f"the model of release r{version} was exported without explanations; train a new release"
                raise NotReady(message, reason="EXPLANATION_NOT_EXPORTED") from refusal
            raise
        log_odds, baseline, contributions = (decode_tensor(answer.outputs[name]) for name in EXPLAIN_OUTPUTS)
        return Attribution(float(log_odds[0]), float(baseline[0]), contributions[0].tolist())

    async def available_versions(self, shop_id: str, *, timeout_s: float = 1.0) -> frozenset[int]:
        """Versions of the shop's model that are loaded and warmed up; none when the server has no such model.

        Raises:
            DependencyDown: the server is down or late.

        """
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = model_name(shop_id)
        try:
            answer = await self._upstream.call(self._models.GetModelStatus, request, timeout_s=timeout_s)
        except RemoteError as refusal:
            if refusal.code == grpc.StatusCode.NOT_FOUND:
                return frozenset()
            raise
        available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
        return frozenset(status.version for status in answer.model_version_status if status.state == available)

    async def close(self) -> None:
        """Closes the channel."""
        await self._upstream.close()

    async def _call(self, method: Any, request: Any, timeout_s: float | None) -> Any:
        try:
            return await self._upstream.call(method, request, timeout_s=timeout_s)
        except RemoteError as refusal:
            if refusal.code == grpc.StatusCode.NOT_FOUND:
                message = f"{DEPENDENCY} does not serve that version: {refusal.message}"
                raise DependencyDown(DEPENDENCY, message, cause="unavailable") from refusal
            raise
