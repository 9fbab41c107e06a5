"""The few functions of TensorFlow's C API that run a SavedModel: the TensorFlow wheel's own libraries, by ctypes."""

import ctypes
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ranker.predict_protocol import dtype_of

_ERROR_CODES = {
    1: "CANCELLED",
    3: "INVALID_ARGUMENT",
    4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND",
    8: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION",
    11: "OUT_OF_RANGE",
    12: "UNIMPLEMENTED",
    13: "INTERNAL",
    14: "UNAVAILABLE",
}


class RuntimeRefusal(Exception):  # noqa: N818 - it is what the runtime answered, not always an error of ours
    """What the runtime answered when it could not load or run; `code` is the name of TensorFlow's status code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Output(ctypes.Structure):
    """TF_Output: one output of an operation."""

    _fields_ = (("operation", ctypes.c_void_p), ("index", ctypes.c_int))


class Buffer(ctypes.Structure):
    """TF_Buffer: bytes and how to free them."""

    _fields_ = (("data", ctypes.c_void_p), ("length", ctypes.c_size_t), ("deallocator", ctypes.c_void_p))


_P, _I, _S = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t
_PROTOTYPES: dict[str, tuple[Any, list[Any]]] = {
    "TF_NewStatus": (_P, []),
    "TF_DeleteStatus": (None, [_P]),
    "TF_GetCode": (_I, [_P]),
    "TF_Message": (ctypes.c_char_p, [_P]),
    "TF_NewGraph": (_P, []),
    "TF_DeleteGraph": (None, [_P]),
    "TF_NewSessionOptions": (_P, []),
    "TF_SetConfig": (None, [_P, _P, _S, _P]),
    "TF_DeleteSessionOptions": (None, [_P]),
    "TF_NewBuffer": (ctypes.POINTER(Buffer), []),
    "TF_NewBufferFromString": (ctypes.POINTER(Buffer), [_P, _S]),
    "TF_DeleteBuffer": (None, [ctypes.POINTER(Buffer)]),
    "TF_LoadSessionFromSavedModel": (
        _P,
        [_P, _P, ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p), _I, _P, ctypes.POINTER(Buffer), _P],
    ),
    "TF_GraphOperationByName": (_P, [_P, ctypes.c_char_p]),
    "TF_AllocateTensor": (_P, [_I, ctypes.POINTER(ctypes.c_int64), _I, _S]),
    "TF_TensorData": (_P, [_P]),
    "TF_TensorType": (_I, [_P]),
    "TF_TensorByteSize": (_S, [_P]),
    "TF_NumDims": (_I, [_P]),
    "TF_Dim": (ctypes.c_int64, [_P, _I]),
    "TF_DeleteTensor": (None, [_P]),
    "TF_SessionRun": (
        None,
        [_P, ctypes.POINTER(Buffer), _P, _P, _I, _P, _P, _I, _P, _I, _P, _P],
    ),
    "TF_CloseSession": (None, [_P, _P]),
    "TF_DeleteSession": (None, [_P, _P]),
}


@cache
def library() -> Any:
    """The loaded library, its functions typed."""
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("The C++ runtime needs the package tensorflow installed.")
    folder = Path(spec.submodule_search_locations[0])
    ctypes.CDLL(str(folder / "libtensorflow_framework.so.2"), mode=ctypes.RTLD_GLOBAL)
    api = ctypes.CDLL(str(folder / "libtensorflow_cc.so.2"), mode=ctypes.RTLD_GLOBAL)
    for name, (result, arguments) in _PROTOTYPES.items():
        function = getattr(api, name)
        function.restype, function.argtypes = result, arguments
    return api


class Status:
    """A status that is checked and freed."""

    def __enter__(self) -> "Status":
        self.handle = library().TF_NewStatus()
        return self

    def __exit__(self, *_: object) -> None:
        library().TF_DeleteStatus(self.handle)

    def check(self) -> None:
        """Raises: RuntimeRefusal unless all is well."""
        code = library().TF_GetCode(self.handle)
        if code:
            text = library().TF_Message(self.handle).decode(errors="replace")
            raise RuntimeRefusal(_ERROR_CODES.get(code, "UNKNOWN"), text)


def buffer_of(content: bytes) -> Any:
    """A TF_Buffer with a copy of the content; delete it."""
    return library().TF_NewBufferFromString(content, len(content))


_TYPE_NUMBERS = {
    np.dtype(np.float32): 1,
    np.dtype(np.float64): 2,
    np.dtype(np.int32): 3,
    np.dtype(np.int64): 9,
}
_TYPE_NUMBERS[np.dtype(np.bool_)] = 10


def tensor_of(array: NDArray[Any]) -> int:
    """A TF_Tensor with a copy of the array; delete it."""
    contiguous = np.ascontiguousarray(array)
    api = library()
    sizes = (ctypes.c_int64 * array.ndim)(*array.shape)
    handle = api.TF_AllocateTensor(_TYPE_NUMBERS[array.dtype], sizes, array.ndim, array.nbytes)
    if array.nbytes:
        ctypes.memmove(api.TF_TensorData(handle), contiguous.ctypes.data, array.nbytes)
    return int(handle)


def array_of(handle: int) -> NDArray[Any]:
    """A copy of a TF_Tensor's values."""
    api = library()
    shape = [api.TF_Dim(handle, axis) for axis in range(api.TF_NumDims(handle))]
    size = api.TF_TensorByteSize(handle)
    content = ctypes.string_at(api.TF_TensorData(handle), size) if size else b""
    return np.frombuffer(content, dtype_of(api.TF_TensorType(handle))).reshape(shape)
