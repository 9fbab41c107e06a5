"""Learns the 64-d image embedding: items that share looks lie close, and what no attribute names is kept.

Loss, over unit vectors z = normalise(coordinates · kernel):
  sum over attributes of the normalised-softmax proxy loss (Zhai & Wu, BMVC 2019; one learned proxy a class) +
  pair loss of positive pairs against the batch (InfoNCE, van den Oord et al. 2018) + keep_weight · mean over
  pairs of (z_i·z_j − s_i·s_j)², s = the raw appearance, so that tastes no attribute names
    (a cut, a texture) survive.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import tensorflow as tf

from services.item_vision.model.encoders import normalise_rows


@dataclass(frozen=True)
class EmbeddingSettings:
    """How the embedding is learned."""

    width: int = 64
    """Of the embedding."""
    step_count: int = 100
    """Steps of training. More fit the attributes better and lose the looks that no attribute names."""
    batch_size: int = 256
    """Rows a step; also the negatives of a pair."""
    learning_rate: float = 3e-3
    """Of Adam, falling to zero along a cosine."""
    proxy_temperature: float = 0.25
    """Of cosine to a class's proxy."""
    pair_temperature: float = 0.1
    """Of cosine to the other half of a pair."""
    pair_weight: float = 0.2
    """Of the pair loss."""
    keep_weight: float = 5.0
    """Of keeping the raw appearance."""


@dataclass(frozen=True)
class EmbeddingRows:
    """What the embedding is learned from."""

    coordinates: np.ndarray
    """`[n, rank]`, largest variance first."""
    classes: Mapping[str, np.ndarray]
    """For each attribute `[n]` class numbers, −1 for none."""
    partners: np.ndarray
    """`[n]` another row that belongs with this one (a variant, an item clicked with it), −1 for none."""


def fit_embedding(rows: EmbeddingRows, settings: EmbeddingSettings, seed: int) -> np.ndarray:
    """The kernel `[rank, width] float32` (width columns, zero where the rank is smaller)."""
    coordinates = rows.coordinates.astype(np.float32)
    # One scale for all coordinates: cosines are unchanged and steps are of one size on every shop.
    scale = float(np.sqrt((coordinates**2).sum(axis=1).mean())) or 1.0
    variables = _variables(rows, settings, seed)
    step = _training_step(rows, coordinates / scale, variables, settings)
    for batch in islice(_batches(len(coordinates), settings.batch_size, seed), settings.step_count):
        step(tf.constant(batch))
    kernel: np.ndarray = variables["kernel"].numpy() / scale
    return kernel


def _batches(count: int, size: int, seed: int) -> Iterator[np.ndarray]:
    """Row numbers `[size] int32`, shuffled anew each pass, for ever.

    All batches are of one size (a second would trace a second graph): what is left of a pass waits for a later one.
    """
    generator, size = np.random.default_rng(seed), min(size, count)
    while True:
        order = generator.permutation(count).astype(np.int32)
        yield from (order[start : start + size] for start in range(0, count - size + 1, size))


def _variables(rows: EmbeddingRows, settings: EmbeddingSettings, seed: int) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    kernel = np.eye(rows.coordinates.shape[1], settings.width, dtype=np.float32)
    variables = {"kernel": tf.Variable(kernel)}
    start = rows.coordinates @ kernel
    for name, classes in rows.classes.items():
        # Noise stands in for the proxy of a class that none of these rows has.
        proxies = generator.normal(0, 0.01, (int(classes.max(initial=0)) + 1, settings.width))
        np.add.at(proxies, classes[classes >= 0], normalise_rows(start)[classes >= 0])
        variables[f"proxies:{name}"] = tf.Variable(normalise_rows(proxies))
    return variables


def _training_step(
    rows: EmbeddingRows, coordinates: np.ndarray, variables: dict[str, Any], settings: EmbeddingSettings
) -> Any:
    inputs = tf.constant(coordinates)
    appearance = tf.constant(normalise_rows(coordinates))
    classes = {name: tf.constant(numbers, tf.int32) for name, numbers in rows.classes.items()}
    partners = tf.constant(rows.partners, tf.int32)
    schedule = tf.keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.step_count)
    optimizer = tf.keras.optimizers.Adam(schedule)
    trained = list(variables.values())
    optimizer.build(trained)

    def step(batch: Any) -> Any:
        with tf.GradientTape() as tape:
            vectors = _embed(tf.gather(inputs, batch), variables["kernel"])
            loss = settings.keep_weight * _appearance_loss(vectors, tf.gather(appearance, batch))
            for name, numbers in classes.items():
                proxies = variables[f"proxies:{name}"]
                loss += _proxy_loss(vectors, tf.gather(numbers, batch), proxies, settings.proxy_temperature)
            partner = tf.gather(partners, batch)
            others = _embed(tf.gather(inputs, tf.maximum(partner, 0)), variables["kernel"])
            loss += settings.pair_weight * _pair_loss(vectors, others, partner >= 0, settings.pair_temperature)
        optimizer.apply_gradients(zip(tape.gradient(loss, trained), trained, strict=True))
        return loss

    return tf.function(step, autograph=False)


def _embed(coordinates: Any, kernel: Any) -> Any:
    return tf.math.l2_normalize(coordinates @ kernel, axis=1)


def _appearance_loss(vectors: Any, appearance: Any) -> Any:
    difference = tf.matmul(vectors, vectors, transpose_b=True) - tf.matmul(appearance, appearance, transpose_b=True)
    return tf.reduce_mean(tf.square(difference))


def _proxy_loss(vectors: Any, classes: Any, proxies: Any, temperature: float) -> Any:
    logits = tf.matmul(vectors, tf.math.l2_normalize(proxies, axis=1), transpose_b=True) / temperature
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(classes, 0), logits)
    return _masked_mean(losses, classes >= 0)


def _pair_loss(vectors: Any, others: Any, paired: Any, temperature: float) -> Any:
    logits = tf.matmul(others, vectors, transpose_b=True) / temperature
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.range(tf.shape(logits)[0]), logits)
    return _masked_mean(losses, paired)


def _masked_mean(losses: Any, mask: Any) -> Any:
    weights = tf.cast(mask, tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(losses * weights), tf.reduce_sum(weights))
