"""What of an item is said to a text encoder, and how the answers become one vector."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.item_vision.model.encoders import TextEncoder, normalise_rows

# How much of an item's vector its titles, its facts (brand, category, attributes) and its description make
# up.
TITLE_WEIGHT, FACTS_WEIGHT, DESCRIPTION_WEIGHT = 1.0, 0.5, 0.25
DESCRIPTION_LENGTH = 300
PREFERRED_DESCRIPTION_LANGUAGE = "en"


@dataclass(frozen=True)
class ItemText:
    """What is written about an item. Markup is already removed."""

    titles: Mapping[str, str]
    """By BCP 47 language."""
    brand: str = ""
    category: str = ""
    """Path such as "Women/Dresses"."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    """By BCP 47 language; one of them is used."""


def encode_items(encoder: TextEncoder, items: Sequence[ItemText]) -> np.ndarray:
    """One L2-normalised vector an item, `[items, encoder.width] float32`; zeros where nothing is written.

    Titles are averaged over languages, so that an item lies where its meaning is, not where its language is.
    A sentence that several items share is encoded once.
    """
    sentences: dict[str, int] = {}
    rows, columns, weights = [], [], []
    for row, item in enumerate(items):
        for sentence, weight in weighted_sentences(item):
            rows.append(row)
            columns.append(sentences.setdefault(sentence, len(sentences)))
            weights.append(weight)
    vectors = encoder.encode(list(sentences))
    sums = np.zeros((len(items), encoder.width), np.float32)
    np.add.at(sums, rows, vectors[columns] * np.array(weights, np.float32)[:, None])
    return normalise_rows(sums)


def weighted_sentences(item: ItemText) -> list[tuple[str, float]]:
    """The sentences that stand for an item, each with its share."""
    titles = [title.strip() for title in item.titles.values() if title.strip()]
    facts = [item.brand, item.category.replace("/", " "), *item.attributes.values()]
    facts_sentence = " ".join(fact.strip() for fact in facts if fact.strip())
    description = _description(item.descriptions)
    weighted = [(title, TITLE_WEIGHT / len(titles)) for title in titles]
    weighted += [(facts_sentence, FACTS_WEIGHT)] if facts_sentence else []
    weighted += [(description, DESCRIPTION_WEIGHT)] if description else []
    return weighted


def _description(descriptions: Mapping[str, str]) -> str:
    written = {language: text.strip() for language, text in descriptions.items() if text.strip()}
    chosen = written.get(PREFERRED_DESCRIPTION_LANGUAGE) or next(iter(written.values()), "")
    if len(chosen) <= DESCRIPTION_LENGTH:
        return chosen
    return chosen[:DESCRIPTION_LENGTH].rsplit(" ", 1)[0]
