"""The graph of items, brands, categories, colours and price bands, as step probabilities of a walk.

A walk goes from a seed to one of its nodes, perhaps on to a node that shares items with it, and to an item there. How
likely a kind of node is stepped to is learnt from what users use together: kinds that hold their items together count
more.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from services.ranker.training.interactions import Interactions
from services.ranker.vocabulary import Vocabulary


@dataclass(frozen=True)
class KnowledgeGraphConfig:
    """How the walk steps."""

    near_nodes: int = 4
    """Other nodes that a walk may go on to from a node."""
    move: float = 0.3
    """Probability of going on to another node before an item."""
    popularity_power: float = 0.3
    """A node's items are stepped to by their use to this power."""


KINDS = ("brand", "category", "colour", "price_band")


def train(
    interactions: Interactions, vocabulary: Vocabulary, config: KnowledgeGraphConfig | None = None
) -> dict[str, NDArray[Any]]:
    """Node names and step probabilities; see the attributes of `services.ranker.sources.knowledge_graph`."""
    config = config or KnowledgeGraphConfig()
    columns = (vocabulary.brands, vocabulary.categories, vocabulary.colours, vocabulary.price_bands)
    names: dict[str, int] = {}
    item_nodes = np.full((len(vocabulary), len(KINDS)), -1, np.int32)
    for kind, (label, column) in enumerate(zip(KINDS, columns, strict=True)):
        for row, value in enumerate(column):
            if value:
                item_nodes[row, kind] = names.setdefault(f"{label}:{value}", len(names))
    used = np.asarray(interactions.matrix().sum(axis=0)).ravel()
    draw = (1.0 + used) ** config.popularity_power
    near, near_steps = _near(item_nodes, len(names), config)
    return {
        "node_names": np.array(list(names), np.str_),
        "item_nodes": item_nodes,
        "item_to_node": _to_node(item_nodes, _kind_weights(item_nodes, interactions)),
        "node_to_item": _to_item(item_nodes, draw, len(names)),
        "near_nodes": near,
        "near_steps": near_steps,
    }


def _kind_weights(item_nodes: NDArray[np.int32], interactions: Interactions) -> NDArray[np.float64]:
    """`[kinds]` how much more often two items of one user share a node of the kind than any two items do, minus 1."""
    order = np.lexsort((-interactions.age_days, interactions.users))
    rows, users = interactions.rows[order], interactions.users[order]
    same = (users[1:] == users[:-1]) & (rows[1:] != rows[:-1])
    first, second = rows[:-1][same], rows[1:][same]
    shuffled = np.random.default_rng(0).permutation(second)
    weights = np.ones(item_nodes.shape[1])
    for kind in range(item_nodes.shape[1]):
        nodes = item_nodes[:, kind]
        together = float(((nodes[first] == nodes[second]) & (nodes[first] >= 0)).mean()) if len(first) else 0.0
        by_chance = float(((nodes[first] == nodes[shuffled]) & (nodes[first] >= 0)).mean()) if len(first) else 0.0
        weights[kind] = max(together / max(by_chance, 1e-3) - 1.0, 0.05)
    return weights


def _to_node(item_nodes: NDArray[np.int32], weights: NDArray[np.float64]) -> NDArray[np.float32]:
    steps = np.where(item_nodes >= 0, weights, 0.0)
    return np.asarray(steps / np.maximum(steps.sum(axis=1, keepdims=True), 1e-12), np.float32)


def _to_item(item_nodes: NDArray[np.int32], draw: NDArray[np.float64], nodes: int) -> NDArray[np.float32]:
    steps = np.zeros(item_nodes.shape)
    for kind in range(item_nodes.shape[1]):
        here = item_nodes[:, kind] >= 0
        total = np.bincount(item_nodes[here, kind], draw[here], nodes)
        steps[here, kind] = draw[here] / total[item_nodes[here, kind]]
    return steps.astype(np.float32)


def _near(
    item_nodes: NDArray[np.int32], nodes: int, config: KnowledgeGraphConfig
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The nodes that share most items with each node, as a share of the node's items."""
    item, kind = np.nonzero(item_nodes >= 0)
    incidence = csr_matrix((np.ones(len(item)), (item_nodes[item, kind], item)), shape=(nodes, len(item_nodes)))
    shared = (incidence @ incidence.T).tocsr()
    near = np.full((nodes, config.near_nodes), -1, np.int32)
    steps = np.zeros((nodes, config.near_nodes), np.float32)
    for node in range(nodes):
        others = shared.indices[shared.indptr[node] : shared.indptr[node + 1]]
        counts = shared.data[shared.indptr[node] : shared.indptr[node + 1]]
        real = others != node
        best = np.lexsort((others[real], -counts[real]))[: config.near_nodes]
        if len(best):
            near[node, : len(best)] = others[real][best]
            steps[node, : len(best)] = config.move * counts[real][best] / counts[real][best].sum()
    return near, steps
