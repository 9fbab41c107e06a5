"""TensorFlow's C++ runtime: loads and runs a SavedModel without importing TensorFlow.

Loading and the first run take about a second, where the import alone takes two. This is the runtime TensorFlow
Serving runs, so what runs here runs there.
"""

import ctypes
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ranker.model.c_api import Output, RuntimeRefusal, Status, array_of, buffer_of, library, tensor_of
from services.ranker.model.signature import EXPLAIN, SIGNATURE
from services.ranker.predict_protocol import config_pb2, dtype_of, meta_graph_pb2

__all__ = ["SIGNATURE", "LoadedModel", "RuntimeRefusal", "TensorInfo"]

ANSWERED = (SIGNATURE, EXPLAIN)
"""Signatures that are run; a SavedModel may have others, such as that of its initialisation."""


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


@dataclass(frozen=True)
class Signature:
    """One way to ask a model."""

    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]
    feeds: Any
    """Where the inputs go in the graph, in their order."""
    fetches: Any
    """Where the outputs come from."""


class LoadedModel:
    """A SavedModel in the C++ runtime, one intra-op thread a run, safe to run from many threads at once.

    Runs happen in the caller's thread and hold no Python lock. Closing waits for nothing: new runs are refused, and the
    last run in flight frees what is left.

    Raises:
        RuntimeRefusal: the folder holds no SavedModel that this runtime loads.

    """

    def __init__(self, folder: Path) -> None:
        resources = _Resources()
        # Also at exit: the runtime crashes when its library is unloaded under a live session.
        self._finalizer = weakref.finalize(self, resources.close)
        self._resources = resources
        try:
            self.meta_graph = resources.load(folder)
            definitions = self.meta_graph.signature_def
            self.signatures = {name: self._signature(definitions[name]) for name in ANSWERED if name in definitions}
            self.signatures.setdefault(SIGNATURE, self._signature(meta_graph_pb2.SignatureDef()))
        except BaseException:
            self.close()
            raise

    @property
    def inputs(self) -> Mapping[str, TensorInfo]:
        """Of `serving_default`, by name."""
        return self.signatures[SIGNATURE].inputs

    @property
    def outputs(self) -> Mapping[str, TensorInfo]:
        """Of `serving_default`, by name."""
        return self.signatures[SIGNATURE].outputs

    def _signature(self, definition: Any) -> Signature:
        inputs = {name: _info(name, tensor) for name, tensor in sorted(definition.inputs.items())}
        outputs = {name: _info(name, tensor) for name, tensor in sorted(definition.outputs.items())}
        return Signature(inputs, outputs, self._endpoints(inputs), self._endpoints(outputs))

    def _endpoints(self, infos: Mapping[str, TensorInfo]) -> Any:
        endpoints = (Output * len(infos))()
        for position, info in enumerate(infos.values()):
            name, _, index = info.tensor.partition(":")
            operation = library().TF_GraphOperationByName(self._resources.graph, name.encode())
            if not operation:
                raise RuntimeRefusal("NOT_FOUND", f"The graph has no operation {name!r} for {info.name!r}.")
            endpoints[position] = Output(operation, int(index or 0))
        return endpoints

    def run(self, inputs: Mapping[str, NDArray[Any]], signature: str = SIGNATURE) -> dict[str, NDArray[Any]]:
        """All outputs of a signature, by name. Inputs must be exactly the signature's names and types.

        Raises:
            RuntimeRefusal: the runtime refused the values, or the graph failed.

        """
        with self._resources.in_use() as (session, run_options):
            return _run(session, run_options, self.signatures[signature], inputs)

    def close(self) -> None:
        """Frees the session and the graph; a second call does nothing."""
        self._finalizer()


class _Resources:
    """What the C API made and must get back."""

    def __init__(self) -> None:
        self.graph: int | None = library().TF_NewGraph()
        # −1: the graph runs in the thread that called, without a hop to a pool.
        self.run_options: Any = buffer_of(config_pb2.RunOptions(inter_op_thread_pool=-1).SerializeToString())
        self.session: int | None = None
        self._lock = threading.Lock()
        self._running = 0
        self._closing = False

    @contextmanager
    def in_use(self) -> Iterator[tuple[int, Any]]:
        """Session and run options, which stay alive for as long as the context lasts."""
        with self._lock:
            if self._closing or self.session is None:
                raise RuntimeRefusal("FAILED_PRECONDITION", "The model is closed.")
            self._running += 1
        try:
            yield self.session, self.run_options
        finally:
            with self._lock:
                self._running -= 1
                last = self._closing and not self._running
            if last:
                self._free()

    def close(self) -> None:
        with self._lock:
            self._closing = True
            idle = not self._running
        if idle:
            self._free()

    def load(self, folder: Path) -> Any:
        """Opens the session and answers the MetaGraphDef without its graph."""
        api = library()
        config = config_pb2.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        config.device_count["GPU"] = 0
        meta_graph = api.TF_NewBuffer()
        try:
            self.session = _load(folder, config.SerializeToString(), self.graph, meta_graph)
            content = ctypes.string_at(meta_graph.contents.data, meta_graph.contents.length)
        finally:
            api.TF_DeleteBuffer(meta_graph)
        definition = meta_graph_pb2.MetaGraphDef.FromString(content)
        definition.ClearField("graph_def")
        definition.ClearField("object_graph_def")
        return definition

    def _free(self) -> None:
        api = library()
        session, self.session = self.session, None
        if session:
            with Status() as status:
                api.TF_CloseSession(session, status.handle)
                api.TF_DeleteSession(session, status.handle)
        graph, self.graph = self.graph, None
        if graph:
            api.TF_DeleteGraph(graph)
        options, self.run_options = self.run_options, None
        if options:
            api.TF_DeleteBuffer(options)


def _run(
    session: int, run_options: Any, signature: Signature, inputs: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    api = library()
    fed: list[int] = []
    results = (ctypes.c_void_p * len(signature.outputs))()
    try:
        fed.extend(tensor_of(np.asarray(inputs[name], info.dtype)) for name, info in signature.inputs.items())
        values = (ctypes.c_void_p * len(fed))(*fed)
        with Status() as status:
            api.TF_SessionRun(
                session, run_options,
                signature.feeds, values, len(fed),
                signature.fetches, results, len(signature.outputs),
                None, 0, None, status.handle,
            )  # fmt: skip
            status.check()
        return {name: array_of(result) for name, result in zip(signature.outputs, results, strict=True)}
    finally:
        for handle in [*fed, *results]:
            if handle:
                api.TF_DeleteTensor(handle)


def _load(folder: Path, config: bytes, graph: int | None, meta_graph: Any) -> int:
    api = library()
    options = api.TF_NewSessionOptions()
    try:
        with Status() as status:
            api.TF_SetConfig(options, config, len(config), status.handle)
            status.check()
            tags = (ctypes.c_char_p * 1)(b"serve")
            session = api.TF_LoadSessionFromSavedModel(
                options, None, str(folder).encode(), tags, 1, graph, meta_graph, status.handle
            )
            status.check()
            return int(session)
    finally:
        api.TF_DeleteSessionOptions(options)


def _info(name: str, tensor: Any) -> TensorInfo:
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    return TensorInfo(name, tensor.name, dtype_of(tensor.dtype), shape)
