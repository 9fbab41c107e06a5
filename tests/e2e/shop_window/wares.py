"""A small made-up shop: the same items every time, with drawn pictures."""

import hashlib
import io
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFilter

CATEGORIES = {
    "Women/Dresses": ("dress", "Dress", "连衣裙", "Vestido", 5900),
    "Women/Tops": ("tee", "Top", "上衣", "Blusa", 2900),
    "Men/Shirts": ("tee", "Shirt", "衬衫", "Camisa", 3900),
    "Men/Trousers": ("trousers", "Trousers", "长裤", "Pantalón", 5400),
    "Accessories/Bags": ("bag", "Bag", "手袋", "Bolso", 8900),
    "Home/Mugs": ("mug", "Mug", "马克杯", "Taza", 1400),
    "Home/Lamps": ("lamp", "Lamp", "台灯", "Lámpara", 7400),
}
COLOURS = {
    "Moss": ("#5d7052", "苔绿", "musgo"),
    "Rust": ("#b4552d", "锈红", "óxido"),
    "Sand": ("#c9a877", "沙色", "arena"),
    "Ink": ("#2f3b55", "墨蓝", "tinta"),
    "Rose": ("#c77d86", "玫瑰", "rosa"),
    "Slate": ("#6f7a80", "石板灰", "pizarra"),
}
BRANDS = ("Aster & Vale", "Norrmark", "Casa Luz", "Hinode", "Oakline")
NO_PICTURE_EVERY = 17
SOLD_OUT_EVERY = 23


@dataclass(frozen=True)
class Ware:
    item_id: str
    category: str
    brand: str
    colour: str
    titles: dict[str, str]
    price_minor: int
    list_price_minor: int
    stock: int
    image_count: int
    rank: int


def _ware(number: int, category: str, within: int) -> Ware:
    _, english, chinese, spanish, price = CATEGORIES[category]
    colour = list(COLOURS)[(within + number // 18) % len(COLOURS)]
    brand = BRANDS[(number * 3 + within) % len(BRANDS)]
    _, colour_zh, colour_es = COLOURS[colour]
    long = " with deep pockets and a relaxed, easy cut" if number % 9 == 4 else ""
    amount = price + (within * 730) % 4100
    return Ware(
        item_id=f"item-{number:03d}",
        category=category,
        brand=brand,
        colour=colour,
        titles={
            "en": f"{colour} {english.lower()}{long}".capitalize(),
            "zh": f"{colour_zh}{chinese}",
            "es": f"{spanish} {colour_es}",
        },
        price_minor=amount,
        list_price_minor=round(amount * 1.25) if number % 5 == 2 else 0,
        stock=0 if number % SOLD_OUT_EVERY == 11 else 3 + number % 40,
        image_count=0 if number % NO_PICTURE_EVERY == 9 else 1 + number % 3,
        rank=(number * 37) % 101,
    )


WARES = {
    ware.item_id: ware
    for ware in (
        _ware(position * 18 + within, category, within)
        for position, category in enumerate(CATEGORIES)
        for within in range(18)
    )
}


@lru_cache(maxsize=512)
def drawn(item_id: str, index: int, width: int) -> bytes:
    """The item's picture as a JPEG: its shape in its colour on a pale ground."""
    ware = WARES[item_id]
    scale = 800
    seed = hashlib.sha256(f"{item_id}{index}".encode()).digest()
    hue = seed[0]
    ground = Image.new("RGB", (scale, scale), (236 - hue % 14, 232 - seed[1] % 12, 224 + seed[2] % 10))
    shadow = Image.new("L", (scale, scale), 0)
    ImageDraw.Draw(shadow).ellipse((230, 690, 570, 740), fill=80)
    ground.paste((90, 80, 70), mask=shadow.filter(ImageFilter.GaussianBlur(24)))
    canvas = ImageDraw.Draw(ground)
    colour = COLOURS[ware.colour][0]
    _SHAPES[CATEGORIES[ware.category][0]](canvas, colour, _darker(colour))
    if seed[3] % 3 == 0:
        _stripes(canvas, _darker(colour), seed[4] % 40)
    ground = ground.resize((width, width), Image.Resampling.LANCZOS)
    turned = ground.rotate(-4 + 4 * index, resample=Image.Resampling.BICUBIC, fillcolor=ground.getpixel((2, 2)))
    buffer = io.BytesIO()
    turned.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _darker(colour: str) -> str:
    parts = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return "#" + "".join(f"{round(part * 0.78):02x}" for part in parts)


def _stripes(canvas: ImageDraw.ImageDraw, colour: str, offset: int) -> None:
    for top in range(340 + offset, 640, 60):
        canvas.line((345, top, 455, top), fill=colour, width=8)


def _dress(canvas: ImageDraw.ImageDraw, colour: str, dark: str) -> None:
    canvas.polygon(
        [
            (320, 130),
            (350, 210),
            (450, 210),
            (480, 130),
            (510, 150),
            (500, 320),
            (600, 700),
            (200, 700),
            (300, 320),
            (290, 150),
        ],
        fill=colour,
    )
    canvas.line((300, 330, 500, 330), fill=dark, width=14)


def _tee(canvas: ImageDraw.ImageDraw, colour: str, dark: str) -> None:
    canvas.polygon(
        [
            (310, 170),
            (490, 170),
            (660, 270),
            (610, 390),
            (540, 350),
            (540, 690),
            (260, 690),
            (260, 350),
            (190, 390),
            (140, 270),
        ],
        fill=colour,
    )
    canvas.chord((335, 110, 465, 240), 0, 180, fill=dark)


def _trousers(canvas: ImageDraw.ImageDraw, colour: str, dark: str) -> None:
    canvas.polygon([(270, 120), (530, 120), (570, 710), (440, 710), (400, 330), (360, 710), (230, 710)], fill=colour)
    canvas.rectangle((270, 120, 530, 165), fill=dark)


def _bag(canvas: ImageDraw.ImageDraw, colour: str, dark: str) -> None:
    canvas.arc((290, 150, 510, 480), 180, 360, fill=dark, width=24)
    canvas.rounded_rectangle((190, 320, 610, 700), 46, fill=colour)
    canvas.line((190, 430, 610, 430), fill=dark, width=10)


def _mug(canvas: ImageDraw.ImageDraw, colour: str, dark: str) -> None:
    canvas.arc((480, 330, 660, 570), 270, 90, fill=colour, width=36)
    canvas.rounded_rectangle((220, 260, 540, 690), 60, fill=colour)
    canvas.ellipse((220, 225, 540, 305), fill=dark)


def _lamp(canvas: ImageDraw.ImageDraw, colour: str, dark: str) -> None:
    canvas.rectangle((388, 400, 412, 690), fill=dark)
    canvas.ellipse((290, 660, 510, 720), fill=dark)
    canvas.polygon([(310, 150), (490, 150), (580, 420), (220, 420)], fill=colour)


_SHAPES = {"dress": _dress, "tee": _tee, "trousers": _trousers, "bag": _bag, "mug": _mug, "lamp": _lamp}
