"""Titles and descriptions of items."""

from dataclasses import dataclass

import numpy as np

from lab.boutique.wording.vocabulary import COLOURS, LANGUAGES, MATERIALS, MODEL_NAMES, NOUNS, PATTERNS, Words


@dataclass(frozen=True)
class Said:
    """What a text may say about an item. The hidden style is not among it."""

    brand: str
    category: str
    material: str
    colour: str | None
    """None where the title leaves it to the picture."""
    pattern: str | None
    size: str | None
    wording_seed: int
    """One a family: its variants are worded alike."""


def titles(said: Said) -> Words:
    """The title in every language."""
    rng = np.random.default_rng(said.wording_seed)
    name = MODEL_NAMES[rng.integers(len(MODEL_NAMES))]
    form, synonym = int(rng.integers(3)), int(rng.integers(2))
    written = {"en": _english, "zh": _chinese, "es": _spanish}
    return {language: written[language](said, name, form, synonym) for language in LANGUAGES}


def descriptions(said: Said) -> Words:
    """Two or three sentences in every language."""
    rng = np.random.default_rng(said.wording_seed + 1)
    department = said.category.split("/")[0]
    opening, closing = rng.integers(len(_OPENINGS)), rng.integers(len(_CLOSINGS[department]))
    texts = {}
    for language in LANGUAGES:
        words = {
            "noun": NOUNS[said.category][language][0],
            "material": MATERIALS[said.material][language],
            "brand": said.brand,
        }
        texts[language] = (_OPENINGS[opening][language].format(**words)) + _CLOSINGS[department][closing][language]
    return texts


def _english(said: Said, name: str, form: int, synonym: int) -> str:
    noun = NOUNS[said.category]["en"][synonym]
    qualities = _joined([said.pattern and PATTERNS[said.pattern]["en"], MATERIALS[said.material]["en"]])
    colour = COLOURS[said.colour]["en"] if said.colour else ""
    if form == 0:
        title = _joined([said.brand, colour, qualities, noun])
    elif form == 1:
        title = (
            f"{said.brand} {name} {noun} in {_joined([colour, qualities])}"
            if said.category[0] != "P"
            else _joined([said.brand, name, colour, qualities, noun])
        )
    else:
        title = _joined([qualities[:1].upper() + qualities[1:], noun, f"“{name}”", f"by {said.brand}"]) + (
            f", {colour}" if colour else ""
        )
    return title + (f", {said.size}" if said.size else "")


def _chinese(said: Said, name: str, form: int, synonym: int) -> str:
    noun = NOUNS[said.category]["zh"][synonym]
    colour = COLOURS[said.colour]["zh"] if said.colour else ""
    pattern = PATTERNS[said.pattern]["zh"] if said.pattern else ""
    what = f"{pattern}{MATERIALS[said.material]['zh']}{noun}"
    title = (
        f"{said.brand} {colour}{what}" if form == 0 else f"{said.brand} {name} {what}{' ' + colour if colour else ''}"
    )
    return title + (f" {said.size}" if said.size else "")


def _spanish(said: Said, name: str, form: int, synonym: int) -> str:
    noun = NOUNS[said.category]["es"][synonym]
    what = _joined([noun, MATERIALS[said.material]["es"], said.pattern and PATTERNS[said.pattern]["es"]])
    colour = f"en {COLOURS[said.colour]['es']}" if said.colour else ""
    if form == 0:
        title = _joined([what[:1].upper() + what[1:], colour, said.brand])
    else:
        title = _joined([what[:1].upper() + what[1:], f"«{name}»", f"de {said.brand}"]) + (
            f", {colour}" if colour else ""
        )
    return title + (f", {said.size}" if said.size else "")


def _joined(words: list[str | None]) -> str:
    return " ".join(word for word in words if word)


_OPENINGS: tuple[Words, ...] = (
    {
        "en": "To be used often, and it shows no wear: {material} {noun}. ",
        "zh": "常用常新的{material}{noun}。",
        "es": "Para usar a menudo: {noun} {material}. ",
    },
    {
        "en": "Made in small batches by {brand}: {noun}. ",
        "zh": "{brand}小批量制作的{noun}。",
        "es": "{brand} lo hace en series pequeñas: {noun}. ",
    },
    {
        "en": "Careful finish, made to last: {material} {noun}. ",
        "zh": "精选{material}，做工细致，经久耐用。",
        "es": "Buena calidad, acabado cuidado: {noun} {material}. ",
    },
    {
        "en": "The {noun} our customers ask for by name. ",
        "zh": "顾客点名想要的{noun}。",
        "es": "Nuestros clientes lo piden por su nombre: {noun}. ",
    },
)

_WEAR: tuple[Words, ...] = (
    {"en": "Easy to combine, easy to wash.", "zh": "易搭配，易打理。", "es": "Fácil de combinar y de lavar."},
    {
        "en": "True to size; take one up for a loose fit.",
        "zh": "尺码标准，喜欢宽松可选大一码。",
        "es": "Talla normal; pide una más para ir con holgura.",
    },
    {
        "en": "Comfortable from morning to evening.",
        "zh": "从早到晚都舒适。",
        "es": "Comodidad de la mañana a la noche.",
    },
)
_CARRIED: tuple[Words, ...] = (
    {
        "en": "Comfortable from morning to evening.",
        "zh": "从早到晚都舒适。",
        "es": "Comodidad de la mañana a la noche.",
    },
    {
        "en": "Comes in a box that makes a present of it.",
        "zh": "附礼盒，送礼得体。",
        "es": "Llega en una caja lista para regalar.",
    },
)
_HOME: tuple[Words, ...] = (
    {
        "en": "At home in a bright room or a quiet corner.",
        "zh": "适合明亮的房间，也适合安静的角落。",
        "es": "Queda bien en una sala luminosa o en un rincón tranquilo.",
    },
    {"en": "Packed well and delivered whole.", "zh": "包装严实，完好送达。", "es": "Bien embalado, llega entero."},
)
_PANTRY: tuple[Words, ...] = (
    {
        "en": "Fresh from this season; keep cool and dry.",
        "zh": "当季新鲜，请置于阴凉干燥处。",
        "es": "De esta temporada; conservar en lugar fresco y seco.",
    },
    {"en": "A small pleasure for every day.", "zh": "每天的小确幸。", "es": "Un pequeño placer para cada día."},
)
_CLOSINGS: dict[str, tuple[Words, ...]] = {
    "Women": _WEAR,
    "Men": _WEAR,
    "Accessories": _CARRIED,
    "Home": _HOME,
    "Pantry": _PANTRY,
}
