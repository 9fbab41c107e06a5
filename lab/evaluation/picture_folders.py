"""Folders of picture files: what is in them, decoded when it is asked for, and what cannot be used."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from services.item_vision.model.pictures import Picture, PictureError, decode_picture

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif"})


class FolderRefused(ValueError):  # noqa: N818  named like the errors of kit
    """A folder that cannot be used at all; the message names it and says what to do."""


@dataclass(frozen=True)
class RefusedPicture:
    """A file that is no usable picture."""

    path: str
    """Below the folder, with `/`."""
    reason: str
    """Stable, such as PICTURE_UNREADABLE."""
    message: str


@dataclass(frozen=True)
class PictureFiles(Sequence[Picture]):
    """Picture files below a folder, each decoded whenever it is asked for."""

    root: Path
    paths: tuple[str, ...]
    """Below the folder, with `/`, sorted."""

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, row: int) -> Picture: ...
    @overload
    def __getitem__(self, row: slice) -> "PictureFiles": ...
    def __getitem__(self, row: int | slice) -> "Picture | PictureFiles":
        """Decode a picture. Raises: PictureError."""
        if isinstance(row, slice):
            return PictureFiles(self.root, self.paths[row])
        try:
            data = (self.root / self.paths[row]).read_bytes()
        except OSError as error:
            raise PictureError("PICTURE_UNREADABLE", f"the file cannot be read ({error.strerror})") from error
        return decode_picture(data)

    def decoded(self) -> Iterator[Picture | RefusedPicture]:
        """Every picture in order, or why there is none."""
        for row, path in enumerate(self.paths):
            try:
                yield self[row]
            except PictureError as error:
                yield RefusedPicture(path, error.reason, str(error))


@dataclass(frozen=True)
class ClassFolders:
    """Labelled pictures: the first folder below the root is the class, whatever lies deeper belongs to it."""

    files: PictureFiles
    labels: tuple[str, ...]
    """Of each file."""
    refused: list[RefusedPicture] = field(default_factory=list)
    """Pictures that lie in no class folder."""


def find_pictures(root: Path) -> PictureFiles:
    """All picture files below a folder, by their suffix, at any depth; hidden files and folders are left out.

    Raises: FolderRefused.
    """
    if not root.is_dir():
        raise FolderRefused(f"{root} is no folder; give the folder that holds the pictures")
    below = (path.relative_to(root) for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
    paths = sorted(path.as_posix() for path in below if not any(part.startswith(".") for part in path.parts))
    files = PictureFiles(root, tuple(path for path in paths if not (root / path).is_dir()))
    if not files:
        raise FolderRefused(f"{root} holds no picture; files end in {', '.join(sorted(SUFFIXES))}")
    return files


def find_class_folders(root: Path) -> ClassFolders:
    """The labelled pictures below a folder. Raises: FolderRefused when there are fewer than two classes."""
    files = find_pictures(root)
    filed = tuple(path for path in files.paths if "/" in path)
    stray = [path for path in files.paths if "/" not in path]
    labels = tuple(path.split("/", 1)[0] for path in filed)
    if len(set(labels)) < 2:
        found = ", ".join(sorted(set(labels))) or "none"
        raise FolderRefused(f"{root} needs at least two class folders with pictures; found: {found}")
    message = "the picture lies in no class folder; move it into the folder of its class"
    return ClassFolders(
        PictureFiles(root, filed), labels, [RefusedPicture(path, "PICTURE_WITHOUT_CLASS", message) for path in stray]
    )
