"""How training publishes a release: written in a hidden folder, then moved into place in one step."""

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy.typing as npt

from services.kit.array_files import write_arrays
from services.kit.release import (
    MANIFEST_FILE,
    Manifest,
    Release,
    ReleaseDirectory,
    relative_files,
    sha256_of,
    write_atomically,
)

SERVING_FOLDER = "serving"
FUSION = "fusion"


class ReleaseWriter:
    """Writes one release; use as a context. Leaving it without `publish` removes what was written.

    `folder` is where to write; models that write their own files (a SavedModel) go to `folder / "fusion" /
    str(version)`.
    """

    def __init__(self, root: Path, shop_id: str, now: datetime | None = None) -> None:
        self._now = (now or datetime.now(UTC)).astimezone(UTC)
        self._directory = ReleaseDirectory(root, shop_id)
        self.shop_id = shop_id
        self.version = self._free_version()
        self.release_id = f"r{self.version}"
        self.folder = self._directory.path / f".{self.release_id}.partial"
        self._published = False

    def __enter__(self) -> "ReleaseWriter":
        self.folder.mkdir(parents=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._published:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def fusion_folder(self) -> Path:
        """Where the fusion SavedModel belongs."""
        return self.folder / FUSION / str(self.version)

    def path(self, relative: str) -> Path:
        """Return the place of a file, with the folders above it made."""
        path = self.folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write_arrays(self, relative: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Write an `.npz` file that can be mapped. Raises: ValueError for arrays of objects: they need a pickle."""
        for name, array in arrays.items():
            if array.dtype.hasobject:
                raise ValueError(f"{relative}: {name} holds objects; convert it to a plain type")
        write_arrays(self.path(relative), arrays)

    def write_json(self, relative: str, value: Any) -> None:
        """Write a JSON file; NaN and infinity are refused."""
        text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
        self.path(relative).write_text(text + "\n", encoding="utf-8")

    def write_text(self, relative: str, text: str) -> None:
        """Write a text file."""
        self.path(relative).write_text(text, encoding="utf-8")

    def copy_file(self, relative: str, source: Path) -> None:
        """Copy a file into the release."""
        shutil.copyfile(source, self.path(relative))

    def publish(
        self,
        *,
        data_sha256: str,
        spaces: Mapping[str, str],
        calibrated: bool,
        metrics: Mapping[str, float] | None = None,
        choices: Mapping[str, str] | None = None,
    ) -> Release:
        """Checksum everything, write the manifest last, move the folder into place, and link the fusion
        model.
        """
        files = {name: sha256_of(self.folder / name) for name in sorted(relative_files(self.folder))}
        manifest = Manifest(
            release_id=self.release_id,
            shop_id=self.shop_id,
            version=self.version,
            created_at=self._now,
            data_sha256=data_sha256,
            spaces=dict(spaces),
            calibrated=calibrated,
            metrics=dict(metrics or {}),
            choices=dict(choices or {}),
            files=files,
        )
        write_atomically(self.folder / MANIFEST_FILE, manifest.model_dump_json(indent=1) + "\n")
        final = self._directory.path / self.release_id
        self.folder.rename(final)
        self._published = True
        if (final / FUSION / str(self.version)).is_dir():
            self._link_fusion()
        return Release(final, manifest)

    def _link_fusion(self) -> None:
        # Relative, so that the folder of releases can be moved or mounted elsewhere.
        link = self._directory.path / SERVING_FOLDER / FUSION / str(self.version)
        link.parent.mkdir(parents=True, exist_ok=True)
        target = Path("..") / ".." / self.release_id / FUSION / str(self.version)
        link.symlink_to(target, target_is_directory=True)

    def _free_version(self) -> int:
        version = int(self._now.strftime("%Y%m%d%H%M%S"))
        while (self._directory.path / f"r{version}").exists():
            version += 1
        return version
