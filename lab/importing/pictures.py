"""Pictures that items refer to: files beside the import, or addresses."""

from pathlib import Path

from vitrine.item_vision.v1 import item_vision_pb2 as pb

LARGEST_PICTURE_BYTES = 10 * 2**20


class PictureMissing(Exception):  # noqa: N818  named like the errors of kit
    """A reference that leads to no usable picture; the message says why."""


class PictureFolder:
    """Reads pictures below one folder; nothing outside of it, whatever the reference says."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def picture(self, reference: str) -> pb.Picture:
        """Return the picture as bytes, or as its address when the reference is one.

        Raises: PictureMissing.
        """
        if reference.startswith(("http://", "https://")):
            return pb.Picture(url=reference)
        path = self._path(reference)
        if not path.is_relative_to(self.root):
            raise PictureMissing(f"{reference} leads outside of the picture folder")
        try:
            if path.stat().st_size > LARGEST_PICTURE_BYTES:
                raise PictureMissing(f"{reference} is larger than 10 MiB")
            return pb.Picture(content=path.read_bytes())
        except OSError:
            raise PictureMissing(f"there is no file {path}") from None

    def _path(self, reference: str) -> Path:
        """A path within the folder may be given whole; "/x.jpg" else means the folder's x.jpg, as in shop exports."""
        whole = Path(reference).resolve()
        return whole if whole.is_relative_to(self.root) else (self.root / reference.lstrip("/")).resolve()
