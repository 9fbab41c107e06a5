"""Pictures from untrusted bytes: checked before they are decoded, then cut to what encoder and page need."""

import hashlib
import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from PIL import Image, ImageOps

from services.item_vision.model.encoders import PICTURE_SIZE

MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}
MAGIC_BYTES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
# What Pillow's decoders raise on damaged files.
DECODER_FAILURES = (
    OSError,
    SyntaxError,
    ValueError,
    LookupError,
    EOFError,
    TypeError,
    AttributeError,
    OverflowError,
    struct.error,
    zlib.error,
)
WHITE = (255, 255, 255)
# What a centre crop of the network's training resolution is cut from.
CROP_RATIO = 0.875
# Recompression moves the grey of a flat cell by one or two levels: less than this is no edge.
SHAPE_MARGIN = 2
# 8 + 12 + 12 bits. Lightness steps are wide, because the same photograph is often brightened.
LIGHTNESS_STEPS = np.linspace(28, 227, 8)
COLOUR_STEPS = 128 + np.linspace(-44, 44, 12)


@dataclass(frozen=True)
class PictureLimits:
    """What a picture may cost us."""

    byte_count: int = 10 * 2**20
    """Largest file."""
    pixel_count: int = 40_000_000
    """Most pixels once decompressed, read from the header before decoding. 40 M pixels are 120 MB."""


class PictureError(ValueError):
    """A picture that cannot be used: `reason` is stable, the message says what to do."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Framing(StrEnum):
    """How a picture of any shape becomes a square."""

    LETTERBOX = "letterbox"
    """All of it, on white: no sleeve is cut off."""
    CENTRE_CROP = "centre_crop"
    """The middle, as ImageNet networks were tested."""


@dataclass(frozen=True)
class Picture:
    """A decoded picture, upright, on white."""

    image: Image.Image
    media_type: str
    """Of the file it came from, such as `image/jpeg`."""
    content_sha256: str
    """Of the file's bytes, 64 hex digits."""

    @property
    def width(self) -> int:
        """In pixels, after turning upright."""
        return self.image.width

    @property
    def height(self) -> int:
        """In pixels, after turning upright."""
        return self.image.height


def decode_picture(data: bytes, limits: PictureLimits | None = None) -> Picture:
    """The picture in a JPEG, PNG, WebP or GIF file; of an animation the first frame.

    Raises:
        PictureError: PICTURE_TOO_LARGE, PICTURE_TYPE_UNSUPPORTED, PICTURE_TOO_MANY_PIXELS (checked before
        anything
            is decompressed) or PICTURE_UNREADABLE (empty, cut short, corrupt).

    """
    limits = limits or PictureLimits()
    if len(data) > limits.byte_count:
        size, limit = _mebibytes(len(data)), _mebibytes(limits.byte_count)
        raise PictureError("PICTURE_TOO_LARGE", f"the picture has {size} MiB; send one of at most {limit} MiB")
    if not data:
        raise PictureError("PICTURE_UNREADABLE", "the picture is empty; send the bytes of a picture file")
    _check_type(data)
    with _unreadable_as_picture_error(), Image.open(io.BytesIO(data), formats=list(MEDIA_TYPES)) as file:
        _check_pixel_count(file, limits)
        media_type = MEDIA_TYPES[str(file.format)]
        image = _upright_on_white(file)
    return Picture(image, media_type, hashlib.sha256(data).hexdigest())


def picture_of(pixels: np.ndarray) -> Picture:
    """The picture with these pixels `[height, width, 3] uint8` (RGB), hashed as they are."""
    digest = hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()
    return Picture(Image.fromarray(pixels), "image/png", digest)


def network_input(
    picture: Picture, framing: Framing = Framing.LETTERBOX, picture_side: int = PICTURE_SIZE
) -> np.ndarray:
    """Pixels `[picture_side, picture_side, 3] uint8`; at 224 as an `ImageEncoder` takes them."""
    size = (picture_side, picture_side)
    if framing is Framing.LETTERBOX:
        return np.asarray(ImageOps.pad(picture.image, size, Image.Resampling.BICUBIC, color=WHITE))
    side = round(picture_side / CROP_RATIO)
    covered = ImageOps.fit(picture.image, (side, side), Image.Resampling.BICUBIC)
    margin = (side - picture_side) // 2
    return np.asarray(covered.crop((margin, margin, margin + picture_side, margin + picture_side)))


def perceptual_hash(picture: Picture) -> int:
    """64 bits, of which few differ between near-identical pictures: 32 of shape, then 32 of colour.

    Shape: is each of 8 x 4 grey cells clearly brighter than its right neighbour (a difference hash)? Colour:
    lightness and the two colour differences of the picture's middle, each as a row of thresholds passed, so
    that the number of differing bits grows with the difference. Without colour the same photograph in red and
    blue would be one.
    """
    grey = np.asarray(picture.image.convert("L").resize((5, 8), Image.Resampling.BOX), np.int16)
    shape = grey[:, :-1] > grey[:, 1:] + SHAPE_MARGIN
    cells = np.asarray(picture.image.convert("YCbCr").resize((4, 4), Image.Resampling.BOX), np.float32)
    lightness, *differences = cells[1:3, 1:3].mean(axis=(0, 1))
    colour = [lightness > LIGHTNESS_STEPS, *(difference > COLOUR_STEPS for difference in differences)]
    return int.from_bytes(np.packbits(np.concatenate([shape.ravel(), *colour])).tobytes(), "big")


def render(picture: Picture, width: int, media_type: str = "image/jpeg", quality: int = 85) -> bytes:
    """The picture as a JPEG, WebP or PNG file of at most `width` pixels across; never enlarged."""
    formats = {media: name for name, media in MEDIA_TYPES.items() if name != "GIF"}
    if media_type not in formats:
        raise ValueError(f"cannot render {media_type!r}; use one of {', '.join(formats)}")
    image = picture.image
    if width < image.width:
        height = max(1, round(image.height * width / image.width))
        image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    file = io.BytesIO()
    image.save(file, formats[media_type], quality=quality, optimize=formats[media_type] == "JPEG")
    return file.getvalue()


def _check_type(data: bytes) -> None:
    known = data.startswith(MAGIC_BYTES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")
    if not known:
        message = "the file is no JPEG, PNG, WebP or GIF picture; convert it to one of these"
        raise PictureError("PICTURE_TYPE_UNSUPPORTED", message)


@contextmanager
def _unreadable_as_picture_error() -> Iterator[None]:
    try:
        yield
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError("PICTURE_TOO_MANY_PIXELS", f"{error}; send a smaller picture") from error
    except DECODER_FAILURES as error:
        message = f"the picture is damaged or cut short ({error}); send the whole file"
        raise PictureError("PICTURE_UNREADABLE", message) from error


def _check_pixel_count(file: Image.Image, limits: PictureLimits) -> None:
    pixel_count = file.width * file.height
    if pixel_count > limits.pixel_count:
        dimensions = f"{file.width} x {file.height} = {pixel_count / 1e6:.1f} million pixels"
        remedy = f"send one of at most {limits.pixel_count / 1e6:.0f} million"
        raise PictureError("PICTURE_TOO_MANY_PIXELS", f"the picture has {dimensions}; {remedy}")


def _upright_on_white(file: Image.Image) -> Image.Image:
    file.seek(0)
    upright = ImageOps.exif_transpose(file)
    if not upright.has_transparency_data:
        return upright.convert("RGB")
    ground = Image.new("RGBA", upright.size, (*WHITE, 255))
    ground.alpha_composite(upright.convert("RGBA"))
    return ground.convert("RGB")


def _mebibytes(byte_count: int) -> str:
    return f"{byte_count / 2**20:.1f}"
