"""The trainable vectors that items have of their own, in one table or in shards."""

from typing import Any

import keras
import tensorflow as tf

from services.ranker.model.configuration import FusionConfig


class OwnEmbeddings(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """A trainable vector for each item: row r is row `r // S` of shard `r mod S`, so that shards fill evenly.

    Each shard is a variable: gradients, updates and files are those of its touched rows or of itself alone.
    """

    def __init__(self, length: int, config: FusionConfig) -> None:
        super().__init__(name="own")
        self.length, self.config = length, config

    def build(self, *_: Any) -> None:
        """Adds the shards."""
        config = self.config
        # A penalty on every row would make each step as dear as the table is long: see `penalty`.
        regularizer = None if config.sparse_ids else keras.regularizers.L2(config.l2)
        self.shards = [
            self.add_weight(
                shape=(len(range(shard, self.length, config.id_shards)), config.id_size),
                initializer=keras.initializers.RandomNormal(stddev=0.05, seed=config.seed + shard),
                regularizer=regularizer,
                name=f"shard_{shard}",
            )
            for shard in range(config.id_shards)
        ]

    def call(self, rows: tf.Tensor) -> tf.Tensor:
        """`[...]` rows of the table → `[..., id_size]`; the gradient has the rows named, and no others."""
        if len(self.shards) == 1:
            return tf.gather(self.shards[0].value, rows)
        flat = tf.reshape(rows, [-1])
        places = tf.dynamic_partition(tf.range(tf.size(flat)), flat % len(self.shards), len(self.shards))
        found = [
            tf.gather(shard.value, tf.gather(flat, place) // len(self.shards))
            for shard, place in zip(self.shards, places, strict=True)
        ]
        together = tf.dynamic_stitch(places, found)
        return tf.reshape(together, tf.concat([tf.shape(rows), [self.config.id_size]], axis=0))

    def penalty(self, rows: tf.Tensor) -> tf.Tensor:
        """`l2` times the squared norm of the rows named, each once; rows outside the table do not count.

        With `sparse_ids` it stands for the penalty on the whole table, at the cost of a batch.
        """
        distinct, _ = tf.unique(tf.reshape(rows, [-1]))
        known = tf.boolean_mask(distinct, (distinct >= 0) & (distinct < self.length))
        return self.config.l2 * tf.reduce_sum(tf.square(self(known)))
