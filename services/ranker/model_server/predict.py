"""One Predict: messages to arrays, the runtime, arrays to messages; with the status codes of TensorFlow Serving."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.kit.errors import InvalidRequest, NotReady
from services.ranker.model.runtime import SIGNATURE, LoadedModel, RuntimeRefusal, Signature, TensorInfo
from services.ranker.predict_protocol import decode_tensor, encode_tensor, predict_pb2


def run(model: LoadedModel, request: predict_pb2.PredictRequest) -> dict[str, NDArray[Any]]:
    """The outputs asked for, by name.

    Raises: InvalidRequest naming the input or output at fault; NotReady when the model has no such signature.
    """
    name = signature_name(request)
    signature = _signature(model, name)
    inputs = {each: _array(each, request) for each in request.inputs}
    _check_inputs(signature, inputs)
    wanted = _outputs(signature, request)
    try:
        outputs = model.run(inputs, name)
    except RuntimeRefusal as refusal:
        if refusal.code in ("INVALID_ARGUMENT", "OUT_OF_RANGE"):
            raise InvalidRequest.of("inputs", refusal.message) from refusal
        raise
    return {each: outputs[each] for each in wanted}


def signature_name(request: predict_pb2.PredictRequest) -> str:
    """The signature that a request names, else the default one."""
    return request.model_spec.signature_name or SIGNATURE


def fill(response: predict_pb2.PredictResponse, outputs: dict[str, NDArray[Any]]) -> None:
    """Put the outputs into the answer."""
    for name, array in outputs.items():
        response.outputs[name].CopyFrom(encode_tensor(array))


def _signature(model: LoadedModel, name: str) -> Signature:
    if name not in model.signatures:
        known = ", ".join(sorted(model.signatures))
        raise NotReady(f'Serving signature key "{name}" not found; there is {known}', reason="SIGNATURE_UNKNOWN")
    return model.signatures[name]


def _outputs(signature: Signature, request: predict_pb2.PredictRequest) -> list[str]:
    wanted = list(request.output_filter)
    for name in wanted:
        if name not in signature.outputs:
            raise InvalidRequest.of(
                "output_filter", f"send outputs of the signature: {', '.join(signature.outputs)}; not {name}"
            )
    if len(set(wanted)) < len(wanted):
        raise InvalidRequest.of("output_filter", "send each output once")
    return wanted or list(signature.outputs)


def _array(name: str, request: predict_pb2.PredictRequest) -> NDArray[Any]:
    try:
        return decode_tensor(request.inputs[name])
    except ValueError as error:
        raise InvalidRequest.of(f"inputs[{name}]", str(error)) from error


def _check_inputs(signature: Signature, inputs: dict[str, NDArray[Any]]) -> None:
    if inputs.keys() != signature.inputs.keys():
        named, got = ", ".join(signature.inputs), ", ".join(sorted(inputs))
        raise InvalidRequest.of("inputs", f"send exactly the signature's inputs {named}; got {got}")
    for name, info in signature.inputs.items():
        array = inputs[name]
        if array.dtype != info.dtype or not _fits(array, info):
            wanted = f"{info.dtype.name}{[None if size < 0 else size for size in info.shape]}"
            raise InvalidRequest.of(f"inputs[{name}]", f"send {wanted}, not {array.dtype.name}{list(array.shape)}")


def _fits(array: NDArray[Any], info: TensorInfo) -> bool:
    same_rank = array.ndim == len(info.shape)
    return same_rank and all(size in (-1, actual) for size, actual in zip(info.shape, np.shape(array), strict=True))
