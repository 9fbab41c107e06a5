"""`.npz` files whose arrays can be used where they lie: stored uncompressed and aligned, so that they are mapped into
memory instead of read. Processes of one machine then share them, and only what is touched is in memory.
"""

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

ALIGNMENT: Final = 64
_SMALLEST_MAPPED: Final = 64 * 1024
"""Smaller arrays are read: a mapping of its own costs more."""
_LOCAL_HEADER: Final = 30
_ZIP64_EXTRA: Final = 20
_PADDING_ID: Final = 0xD935
"""The extra field that Android's zipalign pads with."""


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write what `numpy.load` reads, the same bytes for the same arrays. Raises: ValueError for arrays of objects."""
    with path.open("wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")
            header = file.tell() + _LOCAL_HEADER + len(entry.filename.encode()) + _ZIP64_EXTRA
            padding = -(header + 4) % ALIGNMENT
            entry.extra = struct.pack("<HH", _PADDING_ID, padding) + b"\x00" * padding
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def map_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a file, read-only; large ones are mapped where they were stored uncompressed, else read.

    Raises: OSError or ValueError when the file cannot be read.
    """
    found: dict[str, npt.NDArray[Any]] = {}
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            if entry.compress_type == zipfile.ZIP_STORED and entry.file_size >= _SMALLEST_MAPPED:
                found[name] = _mapped(path, file, entry)
            else:
                with archive.open(entry) as member:
                    found[name] = np.lib.format.read_array(member, allow_pickle=False)
    return found


def _mapped(path: Path, file: BinaryIO, entry: zipfile.ZipInfo) -> npt.NDArray[Any]:
    file.seek(entry.header_offset + 26)
    name_length, extra_length = struct.unpack("<HH", file.read(4))
    file.seek(entry.header_offset + _LOCAL_HEADER + name_length + extra_length)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, kind = read(file)
    if kind.hasobject:
        raise ValueError(f"{path}: {entry.filename} holds objects")
    mapped = np.memmap(path, kind, "r", file.tell(), shape, "F" if fortran else "C")
    # A plain view: subclasses of arrays are slower in every operation.
    return mapped.view(np.ndarray)
