"""One page's candidates: pools filled, their union scored once, each pool put in order."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from services.kit.errors import DependencyDown
from services.ranker.fill import fill
from services.ranker.item_facts import ItemFacts
from services.ranker.model.features import request_tensors
from services.ranker.model.signature import Tensors
from services.ranker.model_client import Prediction
from services.ranker.pools import FilledPool, Ground, Pool

Place = TypeVar("Place", np.int32, np.int64)

Predict = Callable[[Tensors], Awaitable[Prediction]]
"""From the signature's inputs to the model's answer. Raises: DependencyDown."""


@dataclass(frozen=True)
class Gathered:
    """Candidates that are ready to be scored."""

    item_ids: Sequence[str]
    """`[n]` each once."""
    tensors: Tensors
    """The signature's inputs for them."""
    stand_in: NDArray[np.float32]
    """`[n]` P(click | examined) as their sources say, for when the model cannot."""
    purchase_share: float
    """Share of clicks that lead to a purchase, for the same case."""
    pools: Sequence[FilledPool] = ()
    columns: Sequence[NDArray[np.int32]] = ()
    """For each pool `[m]` where its candidates stand in `item_ids`; −1 for those that did not fit."""
    live: bool = True
    """False when the release's vocabulary stood in for the catalogue."""
    item_cursor: str = ""
    """State of the catalogue that was used."""


@dataclass(frozen=True)
class Probabilities:
    """What candidates scored."""

    click: NDArray[np.float32]
    """`[n]` P(click | examined)."""
    purchase: NDArray[np.float32]
    """`[n]` P(click and purchase | examined)."""
    model_version: int
    """0 when source scores stood in."""
    missing: DependencyDown | None = None
    """Why source scores stood in; None when the model answered."""


@dataclass(frozen=True)
class OrderedPool:
    """A pool whose candidates stand by descending P(click)."""

    filled: FilledPool
    order: NDArray[np.int64]
    """`[m]` places in `filled`, best first; candidates that did not fit the union are left out."""
    columns: NDArray[np.int32]
    """`[m]` where each of them stands in the columns."""


def gather(pools: Sequence[Pool], union_limit: int, ground: Ground) -> Gathered:
    """Fill every pool, unite them, and make the model's inputs for the union."""
    filled = fill(pools, ground)
    union = unite(filled, union_limit)
    columns = columns_of(filled, union)
    facts = ground.release.facts(ground.items, union, ground.now_s)
    return _ready(facts, stand_in_of(filled, columns, len(union)), ground, filled, columns)


def gather_given(positions: NDArray[np.int64], ground: Ground) -> Gathered:
    """Make the model's inputs for given candidates; popularity stands in."""
    facts = ground.release.facts(ground.items, positions, ground.now_s)
    return _ready(facts, ground.release.p_click_of_popularity(facts.rows), ground)


async def score(gathered: Gathered, predict: Predict) -> Probabilities:
    """Score candidates with the model, or, when it cannot be had in time, with what their sources say."""
    if not len(gathered.item_ids):
        none = np.zeros(0, np.float32)
        return Probabilities(none, none, 0)
    try:
        answer = await predict(gathered.tensors)
    except DependencyDown as missing:
        purchase = gathered.stand_in * np.float32(gathered.purchase_share)
        return Probabilities(gathered.stand_in, purchase, 0, missing)
    return Probabilities(answer.p_click_if_seen, answer.p_purchase_if_seen, answer.version)


def order_pools(gathered: Gathered, click: NDArray[np.float32]) -> list[OrderedPool]:
    """Every pool by descending P(click), with a query by the words matched first; ties keep the source's order."""
    pools = gathered.pools
    if not pools:
        return []
    # All pools are sorted at once, the pool being the first key: numpy's cost a call is more than that of a candidate.
    starts = _starts(pools)
    columns = np.concatenate(gathered.columns)
    owners = np.repeat(np.arange(len(pools)), np.diff(starts))
    kept = np.flatnonzero(columns >= 0)
    keys: list[NDArray[np.generic]] = [-click[columns[kept]]]
    if any(pool.words is not None for pool in pools):
        words = [np.zeros(len(pool), np.float32) if pool.words is None else pool.words for pool in pools]
        keys.append(-np.concatenate(words)[kept])
    order = kept[np.lexsort([*keys, owners[kept]])]
    ends = np.searchsorted(owners[order], np.arange(len(pools) + 1)).tolist()
    places, columns = order - starts[owners[order]], columns[order]
    return [
        OrderedPool(pool, places[start:end], columns[start:end])
        for pool, (start, end) in zip(pools, pairwise(ends), strict=True)
    ]


def unite(filled: Sequence[FilledPool], limit: int) -> NDArray[np.int64]:
    """`[n ≤ limit]` catalogue positions, each once. When there are more, every pool gives its best in turn."""
    return in_turn([pool.positions for pool in filled], limit) if filled else np.zeros(0, np.int64)


def in_turn(lists: Sequence[NDArray[Place]], limit: int) -> NDArray[Place]:
    """`[n ≤ limit]` entries of lists, each once: every list gives its best, then its second, and so on."""
    entries = np.concatenate(lists)
    ranks = np.concatenate([np.arange(len(each)) for each in lists])
    ordered = entries[np.argsort(ranks, kind="stable")]
    _, first = np.unique(ordered, return_index=True)
    return ordered[np.sort(first)][:limit]


def columns_of(filled: Sequence[FilledPool], union: NDArray[np.int64]) -> list[NDArray[np.int32]]:
    """For each pool `[m]` where its candidates stand in the union; −1 for those that did not fit."""
    if not filled:
        return []
    positions = np.concatenate([pool.positions for pool in filled])
    if len(union):
        order = np.argsort(union)
        place = order[np.minimum(np.searchsorted(union, positions, sorter=order), len(union) - 1)]
        columns = np.where(union[place] == positions, place, -1).astype(np.int32)
    else:
        columns = np.full(len(positions), -1, np.int32)
    ends = _starts(filled).tolist()
    return [columns[start:end] for start, end in pairwise(ends)]


def stand_in_of(filled: Sequence[FilledPool], columns: Sequence[NDArray[np.int32]], size: int) -> NDArray[np.float32]:
    """`[size]` the highest P(click | examined) that any source gives each candidate."""
    best = np.zeros(size, np.float32)
    if filled:
        column = np.concatenate(columns)
        kept = column >= 0
        np.maximum.at(best, column[kept], np.concatenate([pool.stand_in for pool in filled])[kept])
    return best


def _starts(pools: Sequence[FilledPool]) -> NDArray[np.int64]:
    """`[pools + 1]` where each pool's candidates begin when all stand in one column, and where the last ones end."""
    return np.cumsum([0, *map(len, pools)])


def _ready(
    facts: ItemFacts,
    stand_in: NDArray[np.float32],
    ground: Ground,
    pools: Sequence[FilledPool] = (),
    columns: Sequence[NDArray[np.int32]] = (),
) -> Gathered:
    release = ground.release
    return Gathered(
        item_ids=facts.item_ids,
        tensors=request_tensors(ground.visitor, facts, release.vocabulary, release.normalisation),
        stand_in=stand_in,
        purchase_share=release.purchase_share,
        pools=pools,
        columns=columns,
        live=ground.items.live,
        item_cursor=ground.items.catalogue.cursor,
    )
