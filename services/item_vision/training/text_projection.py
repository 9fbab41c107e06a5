"""Fits the 64-d text space of a shop."""

import numpy as np

from services.item_vision.model.text_projection import TextProjection


def fit_text_projection(vectors: np.ndarray, encoder_name: str, width: int = 64) -> TextProjection:
    """Principal components of `vectors [n, sentence width]`, their mean removed; zero rows (no text) do not count.

    The mean is what all of a shop's items have in common (its trade, its language); without it, cosines
    spread over the whole range instead of crowding near 1. With fewer items than `width`, the last columns
    are zeros.
    """
    written = np.asarray(vectors, np.float32)[np.asarray(vectors).any(axis=1)]
    mean = written.mean(axis=0) if len(written) else np.zeros(np.shape(vectors)[1], np.float32)
    centred = written - mean
    values, directions = np.linalg.eigh(centred.T @ centred)
    order = np.argsort(-values)[: min(width, max(len(written) - 1, 0))]
    kernel = np.zeros((len(mean), width), np.float32)
    kernel[:, : len(order)] = directions[:, order] * _signs(directions[:, order])
    return TextProjection(encoder_name, mean.astype(np.float32), kernel)


def _signs(directions: np.ndarray) -> np.ndarray:
    """Makes each direction's largest component positive: the same data give the same space on any machine."""
    largest = np.abs(directions).argmax(axis=0)
    signs: np.ndarray = np.sign(directions[largest, np.arange(directions.shape[1])])
    return signs
