"""What people type and write: search queries, reviews, comments."""

import numpy as np

from lab.boutique.wording.vocabulary import COLOURS, MATERIALS, NOUNS, PATTERNS, Words


def query(language: str, category: str, said: dict[str, str], synonym: int) -> str:
    """A search in the user's language; `said` may hold colour, pattern, material and brand."""
    noun = NOUNS[category][language][synonym]
    colour = COLOURS[said["colour"]][language] if "colour" in said else ""
    pattern = PATTERNS[said["pattern"]][language] if "pattern" in said else ""
    material = MATERIALS[said["material"]][language] if "material" in said else ""
    brand = said.get("brand", "")
    if language == "zh":
        return f"{brand} {colour}{pattern}{material}{noun}".strip()
    order = (noun, material, pattern, colour, brand) if language == "es" else (brand, colour, pattern, material, noun)
    return " ".join(word for word in order if word).lower()


def review(language: str, stars: int, rng: np.random.Generator) -> str:
    """A review in words that fits a rating of 1 to 5."""
    mood = 2 if stars >= 4 else 1 if stars == 3 else 0
    first, second = _VERDICTS[mood], _DETAILS[mood]
    parts = (first[rng.integers(len(first))][language], second[rng.integers(len(second))][language])
    return ("" if language == "zh" else " ").join(parts)


def comment(language: str, rng: np.random.Generator) -> str:
    """A question or remark under an item."""
    return _COMMENTS[rng.integers(len(_COMMENTS))][language]


_VERDICTS: tuple[tuple[Words, ...], ...] = (
    (
        {"en": "Not for me.", "zh": "不适合我。", "es": "No es para mí."},
        {"en": "I expected more.", "zh": "没有达到期望。", "es": "Esperaba más."},
        {"en": "Sent it back.", "zh": "已经退货了。", "es": "Lo he devuelto."},
    ),
    (
        {"en": "All right for the price.", "zh": "这个价格还可以。", "es": "Correcto por lo que cuesta."},
        {"en": "Neither good nor bad.", "zh": "中规中矩。", "es": "Ni bien ni mal."},
    ),
    (
        {"en": "I love it.", "zh": "非常喜欢。", "es": "Me encanta."},
        {"en": "Exactly as in the picture.", "zh": "和图片一模一样。", "es": "Igual que en la foto."},
        {"en": "Would buy again.", "zh": "会再次购买。", "es": "Volvería a comprarlo."},
    ),
)
_DETAILS: tuple[tuple[Words, ...], ...] = (
    (
        {"en": "The quality is poor.", "zh": "质量不好。", "es": "La calidad es mala."},
        {"en": "It looks different in daylight.", "zh": "实物颜色有差别。", "es": "A la luz del día se ve distinto."},
    ),
    (
        {"en": "Delivery took a while.", "zh": "送货有点慢。", "es": "Tardó un poco en llegar."},
        {"en": "The finish could be better.", "zh": "做工还能更好。", "es": "El acabado podría ser mejor."},
    ),
    (
        {
            "en": "Great quality and quick delivery.",
            "zh": "质量好，送货快。",
            "es": "Muy buena calidad y entrega rápida.",
        },
        {
            "en": "Everyone asks me where it is from.",
            "zh": "朋友都问我在哪里买的。",
            "es": "Todos me preguntan de dónde es.",
        },
        {"en": "A present that was a success.", "zh": "送礼很受欢迎。", "es": "Un regalo que ha gustado mucho."},
    ),
)
_COMMENTS: tuple[Words, ...] = (
    {"en": "Does it come in other colours?", "zh": "还有其他颜色吗？", "es": "¿Lo hay en otros colores?"},
    {"en": "How long does delivery take?", "zh": "多久能送到？", "es": "¿Cuánto tarda el envío?"},
    {"en": "Looks lovely.", "zh": "真好看。", "es": "Qué bonito."},
    {"en": "Is it as big as it looks?", "zh": "实物有这么大吗？", "es": "¿Es tan grande como parece?"},
)
