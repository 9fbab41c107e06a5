"""The messages of `tensorflow.serving` without TensorFlow: the one place that imports `tensorflow_serving.apis`.

Its generated modules import `tensorflow.core.*_pb2`, and so the whole of TensorFlow (2 s, 550 MB) for a few message
types (0.2 s, 30 MB). While they are imported here, an empty package with TensorFlow's path stands in for it. It is
taken away afterwards, so that a later `import tensorflow` is the real one and finds the same classes registered.
"""

import importlib.util
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray


@contextmanager
def _without_tensorflow() -> Iterator[None]:
    if "tensorflow" in sys.modules:
        yield
        return
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("The prediction protocol needs the package tensorflow-serving-api installed.")
    stand_in = types.ModuleType("tensorflow")
    stand_in.__path__ = list(spec.submodule_search_locations)
    sys.modules["tensorflow"] = stand_in
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "tensorflow"]:
            if not name.endswith("_pb2"):
                del sys.modules[name]


with _without_tensorflow():
    from tensorflow.core.framework import tensor_pb2, types_pb2
    from tensorflow.core.protobuf import config_pb2, meta_graph_pb2, saved_model_pb2
    from tensorflow_serving.apis import (
        classification_pb2,
        get_model_metadata_pb2,
        get_model_status_pb2,
        inference_pb2,
        model_management_pb2,
        model_pb2,
        model_service_pb2,
        model_service_pb2_grpc,
        predict_pb2,
        prediction_log_pb2,
        prediction_service_pb2,
        prediction_service_pb2_grpc,
        regression_pb2,
    )
    from tensorflow_serving.config import model_server_config_pb2

__all__ = [
    "classification_pb2",
    "config_pb2",
    "decode_tensor",
    "dtype_of",
    "encode_tensor",
    "get_model_metadata_pb2",
    "get_model_status_pb2",
    "inference_pb2",
    "meta_graph_pb2",
    "model_management_pb2",
    "model_pb2",
    "model_server_config_pb2",
    "model_service_pb2",
    "model_service_pb2_grpc",
    "predict_pb2",
    "prediction_log_pb2",
    "prediction_service_pb2",
    "prediction_service_pb2_grpc",
    "regression_pb2",
    "saved_model_pb2",
    "tensor_pb2",
]

_DTYPES: dict[int, np.dtype] = {
    types_pb2.DT_FLOAT: np.dtype(np.float32),
    types_pb2.DT_DOUBLE: np.dtype(np.float64),
    types_pb2.DT_INT32: np.dtype(np.int32),
    types_pb2.DT_INT64: np.dtype(np.int64),
    types_pb2.DT_BOOL: np.dtype(np.bool_),
}
_NUMBERS = {dtype: number for number, dtype in _DTYPES.items()}
_VALUE_FIELDS = {
    types_pb2.DT_FLOAT: "float_val",
    types_pb2.DT_DOUBLE: "double_val",
    types_pb2.DT_INT32: "int_val",
    types_pb2.DT_INT64: "int64_val",
    types_pb2.DT_BOOL: "bool_val",
}


def dtype_of(number: int) -> np.dtype:
    """The numpy type of a TensorFlow data type number.

    Raises:
        ValueError: neither a float, an integer nor a boolean type that this protocol carries.

    """
    try:
        return _DTYPES[number]
    except KeyError:
        raise ValueError(f"Tensors of type {types_pb2.DataType.Name(number)} are not carried.") from None


def encode_tensor(array: NDArray[Any], packed: bool = True) -> tensor_pb2.TensorProto:
    """A tensor message: raw bytes in `tensor_content` when packed, else the typed field, as TensorFlow answers."""
    contiguous = np.ascontiguousarray(array)
    number = _NUMBERS[contiguous.dtype]
    message = tensor_pb2.TensorProto(dtype=number)
    for size in array.shape:
        message.tensor_shape.dim.add(size=size)
    if packed:
        message.tensor_content = contiguous.tobytes()
    else:
        getattr(message, _VALUE_FIELDS[number]).extend(contiguous.ravel().tolist())
    return message


def decode_tensor(message: tensor_pb2.TensorProto) -> NDArray[Any]:
    """The array of a tensor message, whichever field holds its values; a single typed value fills the shape.

    Raises:
        ValueError: unknown rank, a negative or overlong size, an unsupported type, or a wrong number of values.

    """
    dtype = dtype_of(message.dtype)
    if message.tensor_shape.unknown_rank:
        raise ValueError("The tensor's shape is not known.")
    shape = tuple(dim.size for dim in message.tensor_shape.dim)
    if any(size < 0 for size in shape):
        raise ValueError(f"The tensor's shape {list(shape)} has a negative size.")
    count = 1
    for size in shape:
        count *= size
    content = message.tensor_content
    if content or count == 0:
        if len(content) != count * dtype.itemsize:
            raise ValueError(f"Shape {list(shape)} needs {count * dtype.itemsize} bytes, got {len(content)}.")
        return np.frombuffer(content, dtype).reshape(shape)
    values = np.array(getattr(message, _VALUE_FIELDS[message.dtype]), dtype)
    if values.size == 1 and count <= _MAXIMUM_FILL:
        return np.full(shape, values[0], dtype)
    if values.size != count:
        raise ValueError(f"Shape {list(shape)} needs {count} values, got {values.size}.")
    return values.reshape(shape)


# A one-value message may claim any shape; this bounds what it can make us allocate (256 MB of float32).
_MAXIMUM_FILL = 1 << 26
