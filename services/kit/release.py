"""Releases on disk: what was trained and published together, immutable and checksummed, and the labels that
move.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.kit.array_files import map_arrays
from services.kit.checks import RELEASE_ID, SHOP_ID
from services.kit.errors import NotFound

MANIFEST_FILE = "release.json"
LABELS_FILE = "labels.json"


class ReleaseBroken(Exception):  # noqa: N818  named like the errors of errors.py
    """A release's files are not what its manifest says, or its labels cannot be read."""


class Manifest(BaseModel):
    """`release.json`: what is in a release and where it came from."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    release_id: str = Field(pattern=RELEASE_ID.pattern)
    """The id: "r" and the version."""
    shop_id: str
    """The shop that it was trained for."""
    version: int = Field(gt=0)
    """UTC time of its making as yyyymmddHHMMSS; also the version number of the fusion model."""
    created_at: datetime
    """When it was published."""
    data_sha256: str
    """Hash of the prepared data that it was trained on."""
    spaces: dict[str, str]
    """Vector space id by modality, "user" included."""
    calibrated: bool
    """Whether probabilities were calibrated on logged impressions."""
    metrics: dict[str, float] = {}
    """Held-out metrics by name."""
    choices: dict[str, str] = {}
    """How its models were made, by name, such as the fusion model's history_encoder and compression."""
    files: dict[str, str] = {}
    """SHA-256 in hex of every file, by path within the release."""


class Labels(BaseModel):
    """`labels.json`: which release has which part."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    stable: str | None = None
    """What pages are made with."""
    canary: str | None = None
    """What is being tried on part of the visitors."""
    previous: str | None = None
    """What rolling back leads to."""

    def release_ids(self) -> frozenset[str]:
        """Return the releases that carry a label."""
        return frozenset(each for each in (self.stable, self.canary, self.previous) if each)


@dataclass(frozen=True)
class Release:
    """One published release."""

    path: Path
    manifest: Manifest

    @property
    def release_id(self) -> str:
        """The id: "r" and the version."""
        return self.manifest.release_id

    def load_arrays(self, relative: str) -> Mapping[str, npt.NDArray[Any]]:
        """Read an `.npz` file into memory. Pickled objects are refused."""
        with np.load(self.file(relative), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}

    def map_arrays(self, relative: str) -> Mapping[str, npt.NDArray[Any]]:
        """Map an `.npz` file into memory: read-only arrays, read when touched, shared between processes."""
        return map_arrays(self.file(relative))

    def load_json(self, relative: str) -> Any:
        """Read a JSON file."""
        return json.loads(self.file(relative).read_text(encoding="utf-8"))

    def has(self, relative: str) -> bool:
        """Say whether the manifest lists a file, or any file below a folder."""
        return relative in self.manifest.files or any(
            name.startswith(relative.rstrip("/") + "/") for name in self.manifest.files
        )

    def file(self, relative: str) -> Path:
        """Return the path of a listed file. Raises: ReleaseBroken when the manifest does not list it."""
        if relative not in self.manifest.files:
            raise ReleaseBroken(f"{self.release_id} has no file {relative}")
        return self.path / relative

    def verify(self) -> None:
        """Compare every file with its checksum. Reads everything: call it outside the event loop.

        Raises: ReleaseBroken naming each file that is missing, changed or not listed.
        """
        present = relative_files(self.path) - {MANIFEST_FILE}
        listed = self.manifest.files
        problems = [f"{name} is missing" for name in sorted(listed.keys() - present)]
        problems += [f"{name} is not listed" for name in sorted(present - listed.keys())]
        problems += [
            f"{name} has changed"
            for name in sorted(listed.keys() & present)
            if sha256_of(self.path / name) != listed[name]
        ]
        if problems:
            raise ReleaseBroken(f"{self.release_id}: {'; '.join(problems[:20])}")


class ReleaseDirectory:
    """The releases and labels of one shop."""

    def __init__(self, root: Path, shop_id: str) -> None:
        self.shop_id = shop_id
        self.path = root / shop_id

    def list_ids(self) -> list[str]:
        """Return the ids of all published releases, newest first."""
        if not self.path.is_dir():
            return []
        found = [
            entry.name
            for entry in self.path.iterdir()
            if RELEASE_ID.fullmatch(entry.name) and (entry / MANIFEST_FILE).is_file()
        ]
        return sorted(found, key=version_of, reverse=True)

    def open(self, release_id: str) -> Release:
        """Read a release's manifest. Raises: NotFound; ReleaseBroken when the manifest cannot be read."""
        path = self.path / release_id
        if not RELEASE_ID.fullmatch(release_id) or not (path / MANIFEST_FILE).is_file():
            raise NotFound(
                f"shop {self.shop_id} has no release {release_id}; ListReleases names those there are",
                reason="RELEASE_UNKNOWN",
                metadata={"release_id": release_id},
            )
        try:
            manifest = Manifest.model_validate_json((path / MANIFEST_FILE).read_bytes())
        except ValidationError as error:
            raise ReleaseBroken(f"{release_id}: {MANIFEST_FILE} cannot be read: {error}") from error
        if (manifest.release_id, manifest.shop_id) != (release_id, self.shop_id):
            raise ReleaseBroken(f"{release_id}: {MANIFEST_FILE} belongs to another release or shop")
        return Release(path, manifest)

    def labels(self) -> Labels:
        """Read the labels; none are set while there is no file. Raises: ReleaseBroken."""
        try:
            return Labels.model_validate_json((self.path / LABELS_FILE).read_bytes())
        except FileNotFoundError:
            return Labels()
        except ValidationError as error:
            raise ReleaseBroken(f"{self.shop_id}: {LABELS_FILE} cannot be read: {error}") from error

    def write_labels(self, labels: Labels) -> None:
        """Replace the labels in one step; readers see the old ones or the new ones. Raises: NotFound."""
        for release_id in labels.release_ids():
            self.open(release_id)
        write_atomically(self.path / LABELS_FILE, labels.model_dump_json(indent=2) + "\n")


def shop_ids(root: Path) -> list[str]:
    """Return the shops that have a folder of releases, in order."""
    if not root.is_dir():
        return []
    return sorted(entry.name for entry in root.iterdir() if SHOP_ID.fullmatch(entry.name) and entry.is_dir())


def version_of(release_id: str) -> int:
    """Return the version number in a release id."""
    return int(release_id[1:])


def relative_files(folder: Path) -> set[str]:
    """Return all files below a folder, as paths relative to it with forward slashes."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path: Path, text: str) -> None:
    """Write a file beside its place, flush it to the disk, and move it there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
