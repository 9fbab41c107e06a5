"""One page's candidates: pools filled, the union scored once, columns answered. Pure but for the scorer it is given."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.kit.errors import DependencyDown
from services.ranker.item_facts import ItemFacts
from services.ranker.model.features import request_tensors
from services.ranker.model.signature import Tensors
from services.ranker.model_client import Prediction
from services.ranker.pools import FilledPool, Ground, Pool, fill
from services.ranker.stages import Stages

Predict = Callable[[Tensors], Awaitable[Prediction]]
"""From the signature's inputs to the model's answer. Raises: DependencyDown."""


@dataclass(frozen=True)
class Probabilities:
    """What the union scored."""

    click: NDArray[np.float32]
    """`[n]` P(click | examined)."""
    purchase: NDArray[np.float32]
    """`[n]` P(click and purchase | examined)."""
    model_version: int
    """0 when source scores stood in."""
    missing: DependencyDown | None = None
    """Why source scores stood in; None when the model answered."""


@dataclass(frozen=True)
class Recommended:
    """Scored pools: entry k of every column is about the same item."""

    item_ids: Sequence[str]
    probabilities: Probabilities
    pools: Sequence["OrderedPool"]


@dataclass(frozen=True)
class OrderedPool:
    """A pool whose candidates stand by descending P(click)."""

    filled: FilledPool
    order: NDArray[np.int32]
    """`[m]` places in `filled`, best first; candidates that did not fit the union are left out."""
    columns: NDArray[np.int32]
    """`[m]` where each of them stands in the columns."""


async def recommend(
    pools: Sequence[Pool], union_limit: int, ground: Ground, predict: Predict, stages: Stages
) -> Recommended:
    """Fill every pool, unite them, score the union with one prediction, and order each pool by it."""
    with stages.stage("gather"):
        filled = [fill(pool, ground) for pool in pools]
        union = unite(filled, union_limit)
    with stages.stage("features"):
        facts = ground.release.facts(ground.items, union, ground.now_s)
    with stages.stage("predict"):
        probabilities = await score(facts, stand_in_of(filled, union), ground, predict)
    with stages.stage("order"):
        column_of = {position: column for column, position in enumerate(union.tolist())}
        ordered = [_ordered(pool, column_of, probabilities.click) for pool in filled]
    return Recommended(facts.item_ids, probabilities, ordered)


async def score(facts: ItemFacts, stand_in: NDArray[np.float32], ground: Ground, predict: Predict) -> Probabilities:
    """Score candidates with the model, or, when it cannot be had in time, with what their sources say."""
    if not len(facts):
        return Probabilities(np.zeros(0, np.float32), np.zeros(0, np.float32), 0)
    release = ground.release
    try:
        tensors = request_tensors(ground.visitor, facts, release.vocabulary, release.normalisation)
        answer = await predict(tensors)
    except DependencyDown as missing:
        return Probabilities(stand_in, stand_in * np.float32(release.purchase_share), 0, missing)
    return Probabilities(answer.p_click_if_seen, answer.p_purchase_if_seen, answer.version)


def unite(filled: Sequence[FilledPool], limit: int) -> NDArray[np.int64]:
    """`[n ≤ limit]` catalogue positions, each once. When there are more, every pool gives its best in turn."""
    if not filled:
        return np.zeros(0, np.int64)
    positions = np.concatenate([pool.positions for pool in filled])
    ranks = np.concatenate([np.arange(len(pool.positions)) for pool in filled])
    in_turn = positions[np.argsort(ranks, kind="stable")]
    _, first = np.unique(in_turn, return_index=True)
    return in_turn[np.sort(first)][:limit]


def stand_in_of(filled: Sequence[FilledPool], union: NDArray[np.int64]) -> NDArray[np.float32]:
    """`[union]` the highest P(click | examined) that any source gives each candidate."""
    best: dict[int, float] = {}
    for pool in filled:
        for position, probability in zip(pool.positions.tolist(), pool.stand_in.tolist(), strict=True):
            best[position] = max(best.get(position, 0.0), probability)
    return np.array([best[position] for position in union.tolist()], np.float32)


def _ordered(pool: FilledPool, column_of: dict[int, int], click: NDArray[np.float32]) -> OrderedPool:
    columns = np.array([column_of.get(position, -1) for position in pool.positions.tolist()], np.int32)
    kept = np.flatnonzero(columns >= 0).astype(np.int32)
    order = kept[np.argsort(-click[columns[kept]], kind="stable")]
    return OrderedPool(pool, order, columns[order])
