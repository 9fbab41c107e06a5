"""Reads tensors from an old-style torch file without torch, and without running anything the file says.

The format (`torch.save` before version 1.6) is five pickles in a row (magic number, protocol version, system
information, the object, the storage keys in file order) followed by the raw storages, each behind an int64
count.
"""

import collections
import math
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib.stride_tricks import as_strided

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001
STORAGE_TYPES = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
}


class WeightsFileError(ValueError):
    """The weights file is not what it should be; the message names the file and what is wrong with it."""


@dataclass(frozen=True)
class StoredTensor:
    """Where one tensor lies: a strided view of a storage."""

    storage_key: str
    dtype: np.dtype[Any]
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _stored_tensor(storage: tuple[str, np.dtype[Any]], offset: int, shape: Any, strides: Any, *_: Any) -> StoredTensor:
    key, dtype = storage
    return StoredTensor(key, dtype, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


class _Reader(pickle.Unpickler):
    """Admits an ordered dictionary, the tensor record and the storage types: nothing that can run."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _stored_tensor
        if module == "torch" and name in STORAGE_TYPES:
            return STORAGE_TYPES[name]
        raise pickle.UnpicklingError(f"the file asks for {module}.{name}, which is not a tensor")

    def persistent_load(self, pid: Any) -> tuple[str, np.dtype[Any]]:
        kind, dtype, key, _location, _count, view = pid
        if kind != "storage" or view is not None:
            raise pickle.UnpicklingError(f"unknown storage record {kind!r}")
        return str(key), dtype


def read_torch_file(path: Path) -> dict[str, np.ndarray]:
    """Tensors by name, in file order and their own shapes (convolutions `OIHW`, dense layers `OI`).

    Raises:
        WeightsFileError: The file is missing, cut short, of another format, or names anything but tensors.

    """
    try:
        with path.open("rb") as file:
            return dict(_read_tensors(file))
    except OSError as error:
        raise WeightsFileError(f"{path}: cannot be read ({error.strerror}); give the path of a weights file") from error
    except (
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        KeyError,
        AttributeError,
        IndexError,
        TypeError,
    ) as error:
        raise WeightsFileError(f"{path}: not an old-style torch weights file ({error})") from error


def _read_tensors(file: BinaryIO) -> Iterator[tuple[str, np.ndarray]]:
    magic, protocol, system = (_Reader(file).load() for _ in range(3))
    if magic != MAGIC_NUMBER or protocol != PROTOCOL_VERSION or not system["little_endian"]:
        raise ValueError("the header is of another format")
    tensors: dict[str, StoredTensor] = _Reader(file).load()
    dtypes = {tensor.storage_key: tensor.dtype for tensor in tensors.values()}
    storages = {key: _read_storage(file, dtypes[key]) for key in _Reader(file).load()}
    for name, tensor in tensors.items():
        yield name, _view(storages[tensor.storage_key], tensor)


def _read_storage(file: BinaryIO, dtype: np.dtype[Any]) -> np.ndarray:
    count = int.from_bytes(file.read(8), "little", signed=True)
    data = file.read(count * dtype.itemsize) if count >= 0 else b""
    if count < 0 or len(data) != count * dtype.itemsize:
        raise ValueError("the file is cut short")
    return np.frombuffer(data, dtype)


def _view(storage: np.ndarray, tensor: StoredTensor) -> np.ndarray:
    last = tensor.offset + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))
    if math.prod(tensor.shape) and not 0 <= tensor.offset <= last < storage.size:
        raise ValueError("a tensor reaches beyond its storage")
    steps = tuple(stride * storage.itemsize for stride in tensor.strides)
    return np.ascontiguousarray(as_strided(storage[tensor.offset :], tensor.shape, steps))
