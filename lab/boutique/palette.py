"""The boutique's colours: families that a title may name, each with a few shades that a picture may show."""

from dataclasses import dataclass

Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Colour:
    """One colour family."""

    name: str
    """English name; the value of an item's `colour` attribute."""
    shades: tuple[str, ...]
    """Hexadecimal shades, drawn one a family of products."""


COLOURS: tuple[Colour, ...] = (
    Colour("black", ("#2b2b30", "#33302f", "#26282d")),
    Colour("white", ("#f7f4ee", "#fbf9f5", "#f4f5f6")),
    Colour("grey", ("#8f9499", "#a5a6a8", "#777d84")),
    Colour("beige", ("#d9c3a0", "#cdb592", "#e0cfb4")),
    Colour("brown", ("#7d5438", "#8f6241", "#65432f")),
    Colour("red", ("#c0392f", "#b32b35", "#cf4a3c")),
    Colour("pink", ("#e59aa8", "#dd7f95", "#efb6bd")),
    Colour("orange", ("#dd7a35", "#e58b45", "#cc6a2e")),
    Colour("yellow", ("#e8bd4a", "#efcb66", "#d9a937")),
    Colour("green", ("#5c8a5a", "#48754f", "#7a9f66")),
    Colour("teal", ("#2f8584", "#3d9a94", "#256f74")),
    Colour("blue", ("#5287bf", "#6a9acb", "#3f74b0")),
    Colour("navy", ("#2a3c63", "#243255", "#33466f")),
    Colour("purple", ("#7d5a9b", "#93709f", "#6a4a89")),
)
COLOUR_NAMES: tuple[str, ...] = tuple(colour.name for colour in COLOURS)

# Accents that sit well on each family: the second and third colour of a pattern.
ACCENTS: dict[str, tuple[str, ...]] = {
    "black": ("#f3efe6", "#d8a24a", "#c9c9cc"),
    "white": ("#33466f", "#c0392f", "#5c8a5a", "#2b2b30", "#e59aa8"),
    "grey": ("#f6f4f0", "#2f3339", "#e8bd4a"),
    "beige": ("#7d5438", "#f9f5ec", "#2a3c63"),
    "brown": ("#eddcc0", "#dd9a5a", "#f7f1e6"),
    "red": ("#f9efe4", "#2a2d45", "#f0c56a"),
    "pink": ("#fdf3ee", "#a83e5b", "#5c8a5a"),
    "orange": ("#fdf1e0", "#7a3b1c", "#2f8584"),
    "yellow": ("#fffaf0", "#7b5a1f", "#3f5f88"),
    "green": ("#f4f1e2", "#27452d", "#e8bd4a"),
    "teal": ("#eef5ee", "#f0b486", "#173f44"),
    "blue": ("#f6f8fa", "#1f3b66", "#f0cd79"),
    "navy": ("#f2efe8", "#c9a35b", "#b9473f"),
    "purple": ("#f5eef6", "#e5b55c", "#3d2a55"),
}


def rgb(hexadecimal: str) -> Rgb:
    """Three channels of 0 to 255 from "#rrggbb"."""
    return int(hexadecimal[1:3], 16), int(hexadecimal[3:5], 16), int(hexadecimal[5:7], 16)


def mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """`first` with `share` (0 to 1) of `second` in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def darker(colour: Rgb, share: float) -> Rgb:
    """`colour` towards a warm black."""
    return mix(colour, (28, 24, 26), share)


def lighter(colour: Rgb, share: float) -> Rgb:
    """`colour` towards a warm white."""
    return mix(colour, (255, 252, 247), share)


def luminance(colour: Rgb) -> float:
    """Perceived lightness, 0 to 1."""
    return (0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]) / 255
