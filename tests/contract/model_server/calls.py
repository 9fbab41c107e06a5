"""What the tests of the model server ask again and again, in a line each."""

from collections.abc import Awaitable

import grpc
import numpy as np
import pytest

from services.ranker.model.signature import Tensors
from services.ranker.predict_protocol import decode_tensor, encode_tensor, get_model_status_pb2, predict_pb2
from tests.contract.model_server.houses import House

STATES = get_model_status_pb2.ModelVersionStatus
MODEL = "fusion-boutique"


def tensors(count: int = 5, seed: int = 3, new_items: int = 2) -> Tensors:
    random = np.random.default_rng(seed)

    def some(*shape: int) -> np.ndarray:
        return random.standard_normal(shape).astype(np.float32)

    history = random.integers(-1, 60, (1, 30)).astype(np.int32)
    return {
        "user_embedding": some(1, 64),
        "history_rows": history,
        "history_actions": np.where(history < 0, 0, 4).astype(np.int32),
        "history_age_days": np.abs(some(1, 30)),
        "context": some(1, 16),
        "candidate_rows": random.integers(0, 60 + new_items, count).astype(np.int32),
        "candidate_features": some(count, 12),
        "new_items": some(new_items, 128),
    }


def predict_request(
    inputs: Tensors, name: str = MODEL, version: int | None = None, packed: bool = True
) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    if version is not None:
        request.model_spec.version.value = version
    for key, tensor in inputs.items():
        request.inputs[key].CopyFrom(encode_tensor(tensor, packed))
    return request


async def predict(house: House, request: predict_pb2.PredictRequest) -> dict[str, np.ndarray]:
    answer = await house.predictions.Predict(request)
    return {name: decode_tensor(tensor) for name, tensor in answer.outputs.items()}


async def code_of(call: Awaitable[object]) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code()


async def states(house: House, name: str = MODEL) -> dict[int, int]:
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = name
    answer = await house.models.GetModelStatus(request)
    return {each.version: each.state for each in answer.model_version_status}
