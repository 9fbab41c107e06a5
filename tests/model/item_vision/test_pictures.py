import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from services.item_vision.model.pictures import (
    Framing,
    PictureError,
    PictureLimits,
    decode_picture,
    network_input,
    perceptual_hash,
    picture_of,
    render,
)
from services.item_vision.training.augmentation import NEAR_IDENTICAL_COPIES, altered
from tests.model.item_vision.drawings import encoded, pixels

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
FILES = {name: encoded(pixels("disc", "red", 1, 64), name) for name in FORMATS}


def png_claiming(width: int, height: int) -> bytes:
    """A tiny PNG whose header announces any size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def reason(data: bytes, limits: PictureLimits | None = None) -> str:
    with pytest.raises(PictureError) as caught:
        decode_picture(data, limits)
    return caught.value.reason


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_decoded(name):
    picture = decode_picture(FILES[name])
    assert (picture.width, picture.height, picture.media_type) == (64, 64, f"image/{name.lower()}")
    red, green, blue = np.asarray(picture.image)[32, 32]
    assert red > green + 60
    assert red > blue + 60


def test_of_an_animation_the_first_frame_counts():
    file = io.BytesIO()
    first, second = Image.new("RGB", (8, 8), (250, 0, 0)), Image.new("RGB", (8, 8), (0, 0, 250))
    first.save(file, "GIF", save_all=True, append_images=[second])
    assert np.asarray(decode_picture(file.getvalue()).image)[4, 4, 0] > 200


@pytest.mark.parametrize(("width", "height"), [(8_000, 6_000), (12_000, 8_000), (60_000, 60_000)])
def test_a_picture_bomb_is_refused_by_its_header(width, height):
    assert reason(png_claiming(width, height)) == "PICTURE_TOO_MANY_PIXELS"


def test_a_large_file_is_refused():
    assert reason(FILES["PNG"], PictureLimits(byte_count=100)) == "PICTURE_TOO_LARGE"


def test_an_empty_file_is_unreadable():
    assert reason(b"") == "PICTURE_UNREADABLE"


@pytest.mark.parametrize(
    "data", [b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"BM" + bytes(60)]
)
def test_another_type_is_unsupported(data):
    assert reason(data) == "PICTURE_TYPE_UNSUPPORTED"


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(FORMATS), st.integers(0, 10_000), st.binary(max_size=8))
def test_a_file_cut_short_is_decoded_whole_or_refused_with_a_reason(name, cut, tail):
    data = FILES[name][: cut % len(FILES[name])] + tail
    try:
        picture = decode_picture(data)
    except PictureError as error:
        assert error.reason in {"PICTURE_UNREADABLE", "PICTURE_TYPE_UNSUPPORTED", "PICTURE_TOO_MANY_PIXELS"}
        assert len(str(error)) > 20
    else:
        assert network_input(picture).shape == (224, 224, 3)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(FORMATS), st.integers(0, 10_000), st.integers(1, 255))
def test_a_file_with_a_wrong_byte_is_decoded_or_refused_with_a_reason(name, position, change):
    data = bytearray(FILES[name])
    data[position % len(data)] ^= change
    try:
        network_input(decode_picture(bytes(data), PictureLimits(pixel_count=10_000)))
    except PictureError as error:
        assert error.reason.startswith("PICTURE_")


def test_transparency_becomes_white():
    file = io.BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(file, "PNG")
    assert np.asarray(decode_picture(file.getvalue()).image).min() == 255


def test_a_photograph_is_turned_upright():
    image = Image.new("RGB", (40, 20), (255, 255, 255))
    image.paste((200, 0, 0), (0, 0, 10, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif)
    picture = decode_picture(file.getvalue())
    assert (picture.width, picture.height) == (20, 40)
    assert np.asarray(picture.image)[3, 10, 1] < 60


def test_letterbox_keeps_everything_and_the_centre_crop_fills_the_square():
    tall = picture_of(np.full((400, 100, 3), 90, np.uint8))
    boxed = network_input(tall)
    cropped = network_input(tall, Framing.CENTRE_CROP)
    assert boxed.shape == cropped.shape == (224, 224, 3)
    assert (boxed[:, :60] == 255).all()
    assert abs(int(boxed[112, 112, 0]) - 90) <= 1
    assert np.abs(cropped.astype(int) - 90).max() <= 1


def test_the_hash_hardly_changes_for_a_copy_and_much_for_another_colour_or_shape():
    generator = np.random.default_rng(0)
    for seed in range(5):
        original = pixels("disc", "blue", seed)
        copy = altered(original, NEAR_IDENTICAL_COPIES, generator)
        others = [pixels("disc", "red", seed), pixels("frame", "blue", seed)]
        hashes = [perceptual_hash(picture_of(image)) for image in (original, copy, *others)]
        distances = [(hashes[0] ^ other).bit_count() for other in hashes[1:]]
        assert distances[0] < min(distances[1:])
        assert min(distances[1:]) >= 7


def test_equal_bytes_have_equal_hashes_and_the_content_hash_is_sha256():
    one, two = decode_picture(FILES["PNG"]), decode_picture(FILES["PNG"])
    assert one.content_sha256 == two.content_sha256
    assert len(one.content_sha256) == 64
    assert perceptual_hash(one) == perceptual_hash(two) < 2**64


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/webp", "image/png"])
def test_rendering_scales_down_and_never_up(media_type):
    picture = picture_of(pixels("disc", "green", 2, 200))
    small = decode_picture(render(picture, 50, media_type))
    same = decode_picture(render(picture, 900, media_type))
    assert (small.width, small.height, small.media_type) == (50, 50, media_type)
    assert same.width == 200


def test_rendering_to_another_type_is_refused():
    with pytest.raises(ValueError, match="image/gif"):
        render(picture_of(pixels("disc", "green", 2)), 50, "image/gif")
