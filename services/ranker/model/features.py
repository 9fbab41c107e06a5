"""Raw values to the fusion model's tensors: one module for training and serving (design: train and serve alike).

Everything is computed in float64 and rounded to float32 once, one request at a time, so that the same request gives
bit for bit the same tensors whether it is built alone, at serving, or as one of many, at training.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.item_facts import ItemFacts, looked_up
from services.ranker.model.normalisation import Normalisation, country, language
from services.ranker.model.signature import (
    CONTENT_SIZE,
    CONTEXT_SIZE,
    EMBEDDING_SIZE,
    FEATURE_COUNT,
    HISTORY_LENGTH,
    Tensors,
)
from services.ranker.visitor import RecentAction, Situation, Visitor
from services.ranker.vocabulary import Vocabulary

FEATURE_NAMES: Final = (
    "price_in_category",
    "discount",
    "popularity_1d",
    "popularity_7d",
    "popularity_30d",
    "stock",
    "age",
    "exposures",
    "brand_affinity",
    "category_affinity",
    "price_band_affinity",
    "own_recency",
)
"""Columns of `candidate_features`, in order."""

REFERRER_KINDS: Final = ("direct", "search", "social", "campaign", "other")
"""What brought the visitor. "direct" (also: came from within the shop) is the absence of the others."""

REGION_COLUMNS: Final = slice(7, 10)
"""Columns of `context`: 1 where the visit comes from the country that the normalisation names in that place."""

_DEVICES: Final = 3
_STOCK_THAT_IS_PLENTY: Final = 100


def request_tensors(
    visitor: Visitor, facts: ItemFacts, vocabulary: Vocabulary, normalisation: Normalisation
) -> Tensors:
    """The whole dictionary of the signature for one visitor and the n candidates of `facts`."""
    rows = facts.rows.astype(np.int32)
    new = rows < 0
    rows[new] = len(vocabulary) + np.arange(int(new.sum()), dtype=np.int32)
    tensors = visitor_tensors(visitor, vocabulary, normalisation)
    tensors["candidate_rows"] = rows
    tensors["candidate_features"] = normalisation.standardise(raw_candidate_features(visitor, facts, normalisation))
    tensors["new_items"] = facts.new_vectors.astype(np.float32).reshape(-1, CONTENT_SIZE)
    return tensors


def visitor_tensors(visitor: Visitor, vocabulary: Vocabulary, normalisation: Normalisation) -> Tensors:
    """The inputs that do not depend on the candidates, each with a leading axis of 1."""
    embedding = visitor.user_embedding
    z = np.zeros(EMBEDDING_SIZE, np.float32) if embedding is None else np.asarray(embedding, np.float32)
    rows, actions, ages = _history(visitor.recent_actions, vocabulary)
    context = _context(visitor.situation, embedding is not None, normalisation)
    return {
        "user_embedding": z[None],
        "history_rows": rows[None],
        "history_actions": actions[None],
        "history_age_days": ages[None],
        "context": context[None],
    }


def stack_visitor_tensors(built: Iterable[Tensors]) -> Tensors:
    """Per-request inputs of many requests, stacked along the first axis for training."""
    requests = list(built)
    return {name: np.concatenate([request[name] for request in requests]) for name in requests[0]}


def raw_candidate_features(visitor: Visitor, facts: ItemFacts, normalisation: Normalisation) -> NDArray[np.float64]:
    """`[n, 12]` features before standardisation; see `FEATURE_NAMES`. What is missing is neutral, never NaN."""
    raw = np.zeros((len(facts), FEATURE_COUNT))
    raw[:, 0] = _price_in_category(facts, normalisation)
    raw[:, 1] = _discount(facts)
    for column, popularity in enumerate((facts.popularity_1d, facts.popularity_7d, facts.popularity_30d), 2):
        raw[:, column] = np.log1p(np.maximum(np.asarray(popularity, np.float64), 0.0))
    raw[:, 5] = _stock(facts)
    raw[:, 6] = np.log1p(np.maximum(np.asarray(facts.age_days, np.float64), 0.0))
    raw[:, 7] = _exposures(visitor, facts)
    raw[:, 8] = _affinities(visitor, "brand", facts.brands)
    raw[:, 9] = _affinities(visitor, "category", facts.categories)
    raw[:, 10] = _affinities(visitor, "price_band", facts.price_bands)
    raw[:, 11] = _own_recency(visitor, facts)
    return raw


def _history(
    recent_actions: Sequence[RecentAction], vocabulary: Vocabulary
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """The newest known actions, newest last, padded on the left. Ties in age keep the order given."""
    row_of = vocabulary.row_of
    known = [action for action in recent_actions if action.item_id in row_of]
    known.sort(key=lambda action: -action.age_days)
    known = known[-HISTORY_LENGTH:]
    rows = np.full(HISTORY_LENGTH, -1, np.int32)
    actions = np.zeros(HISTORY_LENGTH, np.int32)
    ages = np.zeros(HISTORY_LENGTH, np.float32)
    if known:
        start = HISTORY_LENGTH - len(known)
        rows[start:] = [row_of[action.item_id] for action in known]
        actions[start:] = [action.action for action in known]
        ages[start:] = [max(action.age_days, 0.0) for action in known]
    return rows, actions, ages


def _context(situation: Situation, has_embedding: bool, normalisation: Normalisation) -> NDArray[np.float32]:
    """`[16]`: device 3, hour 2, weekday 2, region 3, language 2, referrer 3 (search, social, campaign), known user."""
    device = situation.device or 1  # not said: treated as desktop, as the contract has it
    hour = 2.0 * math.pi * situation.hour / 24.0
    weekday = 2.0 * math.pi * situation.weekday / 7.0
    region, spoken = country(situation.region), language(situation.locale)
    regions, locales = [*normalisation.regions, "", "", ""][:3], [*normalisation.locales, "", ""][:2]
    values = [
        *(float(device == number) for number in range(1, _DEVICES + 1)),
        *(math.sin(hour), math.cos(hour), math.sin(weekday), math.cos(weekday)),
        *(float(bool(region) and region == known) for known in regions),
        *(float(bool(spoken) and spoken == known) for known in locales),
        *(float(situation.referrer_kind == kind) for kind in REFERRER_KINDS[1:4]),
        float(has_embedding),
    ]
    context = np.zeros(CONTEXT_SIZE, np.float32)
    context[: len(values)] = values
    return context


def _price_in_category(facts: ItemFacts, normalisation: Normalisation) -> NDArray[np.float64]:
    price_of, overall = normalisation.log_price_of, normalisation.log_price
    usual = looked_up(facts.categories, price_of, overall)
    price = np.asarray(facts.price_minor, np.float64)
    return np.where(price > 0, np.log(np.maximum(price, 1.0)) - usual, 0.0)


def _discount(facts: ItemFacts) -> NDArray[np.float64]:
    price = np.asarray(facts.price_minor, np.float64)
    before = np.asarray(facts.list_price_minor, np.float64)
    known = (price > 0) & (before > price)
    return np.where(known, 1.0 - price / np.maximum(before, 1.0), 0.0)


def _stock(facts: ItemFacts) -> NDArray[np.float64]:
    stock = np.asarray(facts.stock, np.float64)
    counted = np.where(stock < 0, _STOCK_THAT_IS_PLENTY, np.minimum(stock, _STOCK_THAT_IS_PLENTY))
    return np.log1p(counted)


def _exposures(visitor: Visitor, facts: ItemFacts) -> NDArray[np.float64]:
    if not visitor.exposures:
        return np.zeros(len(facts))
    return np.log1p(facts.of_items(visitor.exposures))


def _affinities(visitor: Visitor, kind: str, values: Sequence[str]) -> NDArray[np.float64]:
    weights = visitor.affinities.get(kind)
    if not weights:
        return np.zeros(len(values))
    return looked_up(values, weights, 0.0)


def _own_recency(visitor: Visitor, facts: ItemFacts) -> NDArray[np.float64]:
    """1 / (1 + days since the user's newest action on the item), 0 where there is none."""
    if not visitor.recent_actions:
        return np.zeros(len(facts))
    newest: dict[str, float] = {}
    for action in visitor.recent_actions:
        newest[action.item_id] = min(max(action.age_days, 0.0), newest.get(action.item_id, math.inf))
    return facts.of_items({item_id: 1.0 / (1.0 + age_days) for item_id, age_days in newest.items()})
