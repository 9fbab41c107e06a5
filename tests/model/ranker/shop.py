"""A small shop with structure: tastes in a few dimensions that pictures, history and embeddings all show."""

from dataclasses import dataclass

import numpy as np

from services.ranker.model.configuration import FusionConfig, ItemTable
from services.ranker.training.rows import ImpressionRows

SMALL = FusionConfig(width=16, interests=4, id_size=4, attribute_size=4, cross_rank=8, hidden=(16, 8))
"""Large enough to learn, small enough to build in a second."""


@dataclass(frozen=True)
class Truth:
    """What the rows were drawn from."""

    p_click_if_seen: np.ndarray
    examination: np.ndarray
    item_popularity: np.ndarray
    """`[items]` logits that all users share."""


def item_table(items: int, seed: int = 0) -> ItemTable:
    random = np.random.default_rng(seed)
    styles = random.normal(size=(items, 6))
    image = styles @ random.normal(size=(6, 64)) + 0.3 * random.normal(size=(items, 64))
    text = random.normal(size=(items, 64))
    content = np.concatenate([image / _length(image), text / _length(text)], axis=1).astype(np.float32)
    draws = (random.integers(1, high, items).astype(np.int32) for high in (7, 20, 9))
    return ItemTable(content, *draws, warm=np.ones(items, np.bool_))


def impressions(
    table: ItemTable, requests: int, users: int = 200, per_request: int = 12, seed: int = 1
) -> tuple[ImpressionRows, Truth]:
    """Pages of three rows on three devices; the top is looked at more. Users like a direction of the pictures."""
    random = np.random.default_rng(seed)
    items = len(table.content)
    image = table.content[:, :64]
    directions = np.linalg.svd(image - image.mean(axis=0), full_matrices=False)[2][:6]
    taste = random.normal(size=(users, 6)) @ directions
    taste /= _length(taste)
    popularity = 0.5 * random.normal(size=items)
    user = random.integers(0, users, requests)
    candidates = random.integers(0, items, (requests, per_request))
    liking = 4.0 * np.einsum("rd,rcd->rc", taste[user], image[candidates])
    relevance = 1.0 / (1.0 + np.exp(-(liking + popularity[candidates] - 0.5)))
    page_rows = np.tile(np.arange(per_request) // 4, (requests, 1))
    page_columns = np.tile(np.arange(per_request) % 4, (requests, 1))
    devices = random.integers(1, 4, requests)
    examination = 0.9**page_columns * np.array([1.0, 0.6, 0.35])[page_rows]
    clicked = random.random(candidates.shape) < relevance * examination
    purchased = clicked & (random.random(candidates.shape) < 0.4)
    history = _history(random, taste[user], image)
    context = np.zeros((requests, 16), np.float32)
    context[np.arange(requests), devices - 1] = 1.0
    features = 0.1 * random.normal(size=(requests, per_request, 12))
    features[:, :, 3] = popularity[candidates]
    rows = ImpressionRows(
        user_embedding=(taste[user] + 0.02 * random.normal(size=(requests, 64))).astype(np.float32),
        history_rows=history,
        history_actions=np.where(history >= 0, 4, 0).astype(np.int32),
        history_age_days=np.where(history >= 0, np.arange(30, 0, -1), 0).astype(np.float32),
        context=context,
        users=user.astype(np.int32),
        devices=devices.astype(np.int32),
        occurred_at=np.arange(requests, dtype=np.int64),
        offsets=np.arange(requests + 1, dtype=np.int64) * per_request,
        candidate_rows=candidates.ravel().astype(np.int32),
        candidate_features=features.reshape(-1, 12).astype(np.float32),
        page_rows=page_rows.ravel().astype(np.int32),
        page_columns=page_columns.ravel().astype(np.int32),
        clicked=clicked.ravel(),
        purchased=purchased.ravel(),
    )
    return rows, Truth(relevance.ravel(), examination.ravel(), popularity)


def _history(random: np.random.Generator, taste: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Up to 12 liked items a request, newest last, padded on the left."""
    history = np.full((len(taste), 30), -1, np.int32)
    for request, length in enumerate(random.integers(0, 13, len(taste)).tolist()):
        seen = random.integers(0, len(image), 40)
        best = seen[np.argsort(-(image[seen] @ taste[request]))][:length]
        if length:
            history[request, 30 - length :] = random.permutation(best)
    return history


def _length(vectors: np.ndarray) -> np.ndarray:
    return np.linalg.norm(vectors, axis=1, keepdims=True)
