"""Ids of events whose file has none: made of what the event says, so that repeating an import changes nothing."""

import hashlib
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lab.importing.checkpoint import make_durable

Keys = NDArray[np.uint64]

_DIGEST_BYTES = 12
_KEY_BYTES = 8
_HEADER = struct.Struct("<qq")
MOST_REMEMBERED = 32_000_000
"""Contents that are remembered, in eight bytes each, seven eighths of them at any time; a repeat farther behind its
first than this is taken for the same event."""
_PARTS = 8


class ContentIds:
    """Gives ids in file order. An id is the second of the event in hexadecimal (events of one time lie together in the
    service's ledger, which makes them several times cheaper to enter) and a digest of its content.

    A content that came before in the file gets the number of its repetition behind the id, unless repeats are merged.
    What came before is remembered beside the checkpoint, in `journal`.
    """

    def __init__(self, journal: Path, rows_behind: int, *, merge_repeats: bool) -> None:
        self._journal = journal
        self._merge_repeats = merge_repeats
        self._seen = _Seen()
        self._fresh: list[Keys] = []
        if not merge_repeats and journal.exists():
            self._recall(rows_behind)

    def name(self, contents: Sequence[str], seconds: Sequence[int]) -> list[str]:
        """Return the id of each event; `contents` says everything about it but its id."""
        blake2b = hashlib.blake2b
        digests = [blake2b(content.encode(), digest_size=_DIGEST_BYTES).digest() for content in contents]
        ids = [f"{second:08x}{digest.hex()}" for second, digest in zip(seconds, digests, strict=True)]
        if not self._merge_repeats and digests:
            keys = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, _DIGEST_BYTES)[:, :_KEY_BYTES]
            for position, repeat in self._seen.add(np.ascontiguousarray(keys).view(np.uint64).ravel()):
                ids[position] = f"{ids[position]}-{repeat}"
            self._fresh.append(np.ascontiguousarray(keys).view(np.uint64).ravel())
        return ids

    def cut(self) -> Keys:
        """Return what was named since the last cut, for `keep` once it is acknowledged."""
        keys = np.concatenate(self._fresh) if self._fresh else np.empty(0, np.uint64)
        self._fresh = []
        return keys

    def keep(self, keys: Keys, rows_behind: int) -> None:
        """Write down, before the checkpoint, what the rows up to this one were named by."""
        if len(keys):
            with self._journal.open("ab") as file:
                file.write(_HEADER.pack(rows_behind, len(keys)) + keys.tobytes())
            make_durable(self._journal)

    def _recall(self, rows_behind: int) -> None:
        """Read what was kept up to the checkpoint; what was written behind it was not acknowledged."""
        with self._journal.open("r+b") as file:
            end = 0
            while len(header := file.read(_HEADER.size)) == _HEADER.size:
                rows, count = _HEADER.unpack(header)
                stored = file.read(count * _KEY_BYTES)
                if rows > rows_behind or len(stored) < count * _KEY_BYTES:
                    break
                self._seen.add(np.frombuffer(stored, np.uint64))
                end = file.tell()
            file.truncate(end)


class _Seen:
    """A multiset of keys: sorted arrays, merged so that each is at least four times as long as the next.

    After every eighth of MOST_REMEMBERED keys what came since the last is sealed, and of sealed eighths the oldest is
    forgotten: what is known depends on the order of the keys alone, not on how they were cut into calls.
    """

    def __init__(self) -> None:
        self._sealed: list[Keys] = []
        self._runs: list[Keys] = []
        self._count = 0
        self._repeated: dict[int, int] = {}

    def add(self, keys: Keys) -> list[tuple[int, int]]:
        """Add keys in order; return (position, how often it came before) of those that came before."""
        eighth = MOST_REMEMBERED // _PARTS
        found: list[tuple[int, int]] = []
        start = 0
        while start < len(keys):
            part = keys[start : start + eighth - self._count]
            found += [(start + position, repeat) for position, repeat in self._add(part)]
            start += len(part)
            self._count += len(part)
            if self._count == eighth:
                self._seal()
        return found

    def _add(self, keys: Keys) -> list[tuple[int, int]]:
        distinct, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        known = np.zeros(len(distinct), np.bool_)
        for run in (*self._sealed, *self._runs):
            places = np.minimum(run.searchsorted(distinct), len(run) - 1)
            known |= run[places] == distinct
        found: list[tuple[int, int]] = []
        if known.any() or len(distinct) < len(keys):
            is_repeat = known[inverse]
            is_repeat |= first[inverse] != np.arange(len(keys))
            for position in np.flatnonzero(is_repeat).tolist():
                key = int(keys[position])
                self._repeated[key] = self._repeated.get(key, 0) + 1
                found.append((position, self._repeated[key]))
        self._keep(distinct[~known])
        return found

    def _keep(self, fresh: Keys) -> None:
        if not len(fresh):
            return
        self._runs.append(fresh)
        while len(self._runs) > 1 and len(self._runs[-2]) < 4 * len(self._runs[-1]):
            self._merge(2)

    def _seal(self) -> None:
        self._merge(len(self._runs))
        self._sealed += self._runs
        self._runs, self._count = [], 0
        del self._sealed[: 1 - _PARTS]

    def _merge(self, count: int) -> None:
        if count > 1:
            self._runs[-count:] = [np.sort(np.concatenate(self._runs[-count:]), kind="stable")]
