"""The item tower: row numbers to item vectors, known items and new ones alike."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from services.ranker.model.configuration import FusionConfig, ItemTable
from services.ranker.model.own_embeddings import OwnEmbeddings
from services.ranker.model.signature import CONTENT_SIZE, IMAGE_SIZE

FROZEN_AT_ONCE = 50_000
"""Items whose vectors are computed together; what is in between takes a kilobyte an item."""

Lookup = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""`[...]` rows of known items → `[..., W]` vectors and `[...]` category codes, computed before and only looked up."""


class ItemTower(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """Projects content, own embedding and attributes of items to vectors of the model's width.

    A row below the table's length is that item; `length + k` is row k of `new_items`; a negative row is nothing, zeros.
    An item that is new or was cold in training has no embedding of its own: pictures, text and attributes carry it.
    """

    def __init__(self, table: ItemTable, config: FusionConfig) -> None:
        super().__init__(name="items")
        self.table, self.config = table, config
        self.length = len(table.content)
        self.reads_content = config.inputs.image or config.inputs.text
        if config.id_size:
            self.own = OwnEmbeddings(self.length, config)

    def build(self, *_: Any) -> None:
        """Adds the constant tables (variables, so that the graph stays small) and the embeddings."""
        config, l2 = self.config, keras.regularizers.L2(self.config.l2)
        if self.reads_content:
            self.content = self._constant("content", self.table.content)
        attributes = (self.table.categories, self.table.brands, self.table.colours)
        self.codes = self._constant("codes", np.stack(attributes, axis=1).astype(np.int32))
        self.warm = self._constant("warm", self.table.warm.astype(np.float32))
        if config.precomputed:
            self.vectors = self._constant("vectors", np.zeros((self.length, config.width), np.float32))
        if config.id_size:
            self.own.build()
        if config.inputs.attributes:
            small = keras.initializers.RandomNormal(stddev=0.05, seed=config.seed)
            self.attributes = [
                self.add_weight(
                    shape=(int(codes.max(initial=0)) + 1, config.attribute_size),
                    initializer=small,
                    regularizer=l2,
                    name=name,
                )
                for codes, name in zip(attributes, ("category", "brand", "colour"), strict=True)
            ]
        self.project = keras.layers.Dense(config.width, kernel_regularizer=l2, name="project")
        attribute_size = 3 * config.attribute_size if config.inputs.attributes else 0
        self.project.build((None, CONTENT_SIZE * self.reads_content + config.id_size + attribute_size))
        self.normalise = keras.layers.LayerNormalization(name="normalise")
        self.normalise.build((None, config.width))

    def _constant(self, name: str, values: np.ndarray) -> Any:
        weight = self.add_weight(
            shape=values.shape, dtype=str(values.dtype), initializer="zeros", trainable=False, name=name
        )
        weight.assign(values)
        return weight

    def call(self, rows: tf.Tensor, new_items: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """`[B, N]` int32 rows and `[m, 128]` new items → `[B, N, W]` vectors and `[B, N]` category codes."""
        known, row, place = self._places(rows, new_items)
        content = None
        if self.reads_content:
            new = tf.gather(_after_nothing(new_items), place)
            content = tf.where(known[:, :, None], tf.gather(self.content.value, row), new)
        codes = tf.where(known[:, :, None], tf.gather(self.codes.value, row), 0)
        own = None
        if self.config.id_size:
            own = self._own(known, row, training)
        return self._project(content, own, codes), codes[:, :, 0]

    def _own(self, known: tf.Tensor, row: tf.Tensor, training: bool) -> tf.Tensor:
        """`[B, N, id_size]`: zeros for items without an embedding of their own, and for some in training."""
        present = tf.where(known, tf.gather(self.warm.value, row), 0.0)
        if training:
            present *= tf.cast(tf.random.uniform(tf.shape(present)) >= self.config.id_dropout, tf.float32)
        return self.own(row) * present[:, :, None]

    def freeze(self) -> None:
        """Computes the vectors of all known items, which `stored` looks up; call it when training is over."""
        if not self.config.precomputed:
            return
        for start in range(0, self.length, FROZEN_AT_ONCE):
            rows = tf.range(start, min(start + FROZEN_AT_ONCE, self.length))
            vectors = self(rows[None], tf.zeros([0, CONTENT_SIZE]))[0][0]
            self.vectors.value.scatter_update(tf.IndexedSlices(vectors, rows))

    def stored(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The `Lookup` of what `freeze` computed."""
        return tf.gather(self.vectors.value, rows), tf.gather(self.codes.value, rows)[..., 0]

    def looked_up(self, rows: tf.Tensor, new_items: tf.Tensor, lookup: Lookup) -> tuple[tf.Tensor, tf.Tensor]:
        """What `call` answers, known items by lookup: the way of serving."""
        known, row, place = self._places(rows, new_items)
        content = _after_nothing(new_items)[None] if self.reads_content else None
        size = tf.shape(new_items)[0] + 1
        own = tf.zeros([1, size, self.config.id_size]) if self.config.id_size else None
        new = self._project(content, own, tf.zeros([1, size, 3], tf.int32))[0]
        vectors, categories = lookup(row)
        return tf.where(known[:, :, None], vectors, tf.gather(new, place)), tf.where(known, categories, 0)

    def _places(self, rows: tf.Tensor, new_items: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Which rows are known, their row in the table (else 0), and their place after nothing (else 0)."""
        known = (rows >= 0) & (rows < self.length)
        place = rows - self.length + 1
        place = tf.where((place > 0) & (place <= tf.shape(new_items)[0]), place, 0)
        return known, tf.where(known, rows, 0), place

    def _project(self, content: tf.Tensor | None, own: tf.Tensor | None, codes: tf.Tensor) -> tf.Tensor:
        parts = [] if content is None else [content * tf.constant(_content_mask(self.config)) * 8.0]
        if own is not None:
            parts.append(own)
        if self.config.inputs.attributes:
            parts.extend(self._attribute(index, codes[:, :, index]) for index in range(3))
        return self.normalise(self.project(tf.concat(parts, axis=-1)))

    def _attribute(self, index: int, codes: tf.Tensor) -> tf.Tensor:
        return tf.gather(self.attributes[index], codes) * tf.cast(codes > 0, tf.float32)[:, :, None]


def _after_nothing(new_items: tf.Tensor) -> tf.Tensor:
    """`[1 + m, 128]`: place 0 is nothing (pads, rows out of range), place k + 1 is new item k."""
    return tf.concat([tf.zeros([1, CONTENT_SIZE]), new_items], axis=0)


def _content_mask(config: FusionConfig) -> np.ndarray:
    """`[128]`: 0 where the inputs leave image or text out."""
    mask = np.ones(CONTENT_SIZE, np.float32)
    mask[:IMAGE_SIZE] *= config.inputs.image
    mask[IMAGE_SIZE:] *= config.inputs.text
    return mask
