"""TensorFlow's C++ runtime through its C API and ctypes: loads and runs a SavedModel without importing TensorFlow.

The libraries are the TensorFlow wheel's own; loading and the first run take about a second, where the import alone
takes two. This is the runtime TensorFlow Serving runs, so what runs here runs there.
"""

import ctypes
import importlib.util
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ranker.predict_protocol import config_pb2, dtype_of, meta_graph_pb2

SIGNATURE = "serving_default"
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


@dataclass(frozen=True)
class TensorInfo:
    """One input or output of a signature."""

    name: str
    """Its name in the signature."""
    tensor: str
    """`operation:index` in the graph."""
    dtype: np.dtype
    shape: tuple[int, ...]
    """−1 where any size is accepted."""


class _Output(ctypes.Structure):
    _fields_ = (("operation", ctypes.c_void_p), ("index", ctypes.c_int))


class _Buffer(ctypes.Structure):
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
    "TF_NewBuffer": (ctypes.POINTER(_Buffer), []),
    "TF_NewBufferFromString": (ctypes.POINTER(_Buffer), [_P, _S]),
    "TF_DeleteBuffer": (None, [ctypes.POINTER(_Buffer)]),
    "TF_LoadSessionFromSavedModel": (
        _P,
        [_P, _P, ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p), _I, _P, ctypes.POINTER(_Buffer), _P],
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
        [_P, ctypes.POINTER(_Buffer), _P, _P, _I, _P, _P, _I, _P, _I, _P, _P],
    ),
    "TF_CloseSession": (None, [_P, _P]),
    "TF_DeleteSession": (None, [_P, _P]),
}


@cache
def _library() -> Any:
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("The C++ runtime needs the package tensorflow installed.")
    folder = Path(spec.submodule_search_locations[0])
    ctypes.CDLL(str(folder / "libtensorflow_framework.so.2"), mode=ctypes.RTLD_GLOBAL)
    library = ctypes.CDLL(str(folder / "libtensorflow_cc.so.2"), mode=ctypes.RTLD_GLOBAL)
    for name, (result, arguments) in _PROTOTYPES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class _Status:
    """A status that is checked and freed."""

    def __enter__(self) -> "_Status":
        self.handle = _library().TF_NewStatus()
        return self

    def __exit__(self, *_: object) -> None:
        _library().TF_DeleteStatus(self.handle)

    def check(self) -> None:
        code = _library().TF_GetCode(self.handle)
        if code:
            text = _library().TF_Message(self.handle).decode(errors="replace")
            raise RuntimeRefusal(_ERROR_CODES.get(code, "UNKNOWN"), text)


class LoadedModel:
    """A SavedModel in the C++ runtime, one intra-op thread a run, safe to run from many threads at once.

    Runs happen in the caller's thread and hold no Python lock. Close it when no run is in flight.

    Raises:
        RuntimeRefusal: the folder holds no SavedModel that this runtime loads.

    """

    def __init__(self, folder: Path) -> None:
        resources = _Resources()
        # Also at exit: the runtime crashes when its library is unloaded under a live session.
        self._finalizer = weakref.finalize(self, resources.free)
        self._resources = resources
        try:
            self.meta_graph = resources.load(folder)
            signature = self.meta_graph.signature_def.get(SIGNATURE, meta_graph_pb2.SignatureDef())
            self.method_name: str = signature.method_name
            self.inputs = {name: _info(name, tensor) for name, tensor in sorted(signature.inputs.items())}
            self.outputs = {name: _info(name, tensor) for name, tensor in sorted(signature.outputs.items())}
            self._feeds = self._endpoints(self.inputs)
            self._fetches = self._endpoints(self.outputs)
        except BaseException:
            self.close()
            raise

    def _endpoints(self, infos: Mapping[str, TensorInfo]) -> Any:
        endpoints = (_Output * len(infos))()
        for position, info in enumerate(infos.values()):
            name, _, index = info.tensor.partition(":")
            operation = _library().TF_GraphOperationByName(self._resources.graph, name.encode())
            if not operation:
                raise RuntimeRefusal("NOT_FOUND", f"The graph has no operation {name!r} for {info.name!r}.")
            endpoints[position] = _Output(operation, int(index or 0))
        return endpoints

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """All outputs of `serving_default`, by name. Inputs must be exactly the signature's names and types.

        Raises:
            RuntimeRefusal: the runtime refused the values, or the graph failed.

        """
        library = _library()
        if self._resources.session is None:
            raise RuntimeRefusal("FAILED_PRECONDITION", "The model is closed.")
        fed: list[int] = []
        results = (ctypes.c_void_p * len(self.outputs))()
        try:
            fed.extend(_tensor(np.asarray(inputs[name], info.dtype)) for name, info in self.inputs.items())
            values = (ctypes.c_void_p * len(fed))(*fed)
            with _Status() as status:
                library.TF_SessionRun(
                    self._resources.session, self._resources.run_options,
                    self._feeds, values, len(fed),
                    self._fetches, results, len(self.outputs),
                    None, 0, None, status.handle,
                )  # fmt: skip
                status.check()
            return {name: _array(result) for name, result in zip(self.outputs, results, strict=True)}
        finally:
            for handle in [*fed, *results]:
                if handle:
                    library.TF_DeleteTensor(handle)

    def close(self) -> None:
        """Frees the session and the graph; a second call does nothing."""
        self._finalizer()


class _Resources:
    """What the C API made and must get back."""

    def __init__(self) -> None:
        self.graph: int | None = _library().TF_NewGraph()
        # −1: the graph runs in the thread that called, without a hop to a pool.
        self.run_options: Any = _buffer(config_pb2.RunOptions(inter_op_thread_pool=-1).SerializeToString())
        self.session: int | None = None

    def load(self, folder: Path) -> Any:
        """Opens the session and answers the MetaGraphDef without its graph."""
        library = _library()
        config = config_pb2.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        config.device_count["GPU"] = 0
        meta_graph = library.TF_NewBuffer()
        try:
            self.session = _load(folder, config.SerializeToString(), self.graph, meta_graph)
            content = ctypes.string_at(meta_graph.contents.data, meta_graph.contents.length)
        finally:
            library.TF_DeleteBuffer(meta_graph)
        definition = meta_graph_pb2.MetaGraphDef.FromString(content)
        definition.ClearField("graph_def")
        definition.ClearField("object_graph_def")
        return definition

    def free(self) -> None:
        library = _library()
        session, self.session = self.session, None
        if session:
            with _Status() as status:
                library.TF_CloseSession(session, status.handle)
                library.TF_DeleteSession(session, status.handle)
        graph, self.graph = self.graph, None
        if graph:
            library.TF_DeleteGraph(graph)
        options, self.run_options = self.run_options, None
        if options:
            library.TF_DeleteBuffer(options)


def _buffer(content: bytes) -> Any:
    return _library().TF_NewBufferFromString(content, len(content))


def _load(folder: Path, config: bytes, graph: int | None, meta_graph: Any) -> int:
    library = _library()
    options = library.TF_NewSessionOptions()
    try:
        with _Status() as status:
            library.TF_SetConfig(options, config, len(config), status.handle)
            status.check()
            tags = (ctypes.c_char_p * 1)(b"serve")
            session = library.TF_LoadSessionFromSavedModel(
                options, None, str(folder).encode(), tags, 1, graph, meta_graph, status.handle
            )
            status.check()
            return int(session)
    finally:
        library.TF_DeleteSessionOptions(options)


def _info(name: str, tensor: Any) -> TensorInfo:
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    return TensorInfo(name, tensor.name, dtype_of(tensor.dtype), shape)


_TYPE_NUMBERS = {
    np.dtype(np.float32): 1,
    np.dtype(np.float64): 2,
    np.dtype(np.int32): 3,
    np.dtype(np.int64): 9,
}
_TYPE_NUMBERS[np.dtype(np.bool_)] = 10


def _tensor(array: NDArray[Any]) -> int:
    contiguous = np.ascontiguousarray(array)
    library = _library()
    sizes = (ctypes.c_int64 * array.ndim)(*array.shape)
    handle = library.TF_AllocateTensor(_TYPE_NUMBERS[array.dtype], sizes, array.ndim, array.nbytes)
    if array.nbytes:
        ctypes.memmove(library.TF_TensorData(handle), contiguous.ctypes.data, array.nbytes)
    return int(handle)


def _array(handle: int) -> NDArray[Any]:
    library = _library()
    shape = [library.TF_Dim(handle, axis) for axis in range(library.TF_NumDims(handle))]
    size = library.TF_TensorByteSize(handle)
    content = ctypes.string_at(library.TF_TensorData(handle), size) if size else b""
    return np.frombuffer(content, dtype_of(library.TF_TensorType(handle))).reshape(shape)
