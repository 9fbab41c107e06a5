"""A walk from the seeds over brands, categories and attributes to other items, with the path as evidence."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.ranker.catalogue import LARGE
from services.ranker.postings import united
from services.ranker.source import Arrays, Scored, Seeds, Source
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary

MOST_OF_A_NODE = 500
"""Of a large catalogue, so many items of each node are looked at."""
NODES_LOOKED_AT = 40


class KnowledgeGraph(Source):
    """Walks item → node → item or item → node → node → item; nodes are brands, categories, colours and price bands."""

    name = "knowledge_graph"

    def __init__(self, vocabulary: Vocabulary, arrays: Arrays) -> None:
        super().__init__(vocabulary, arrays)
        self._names = [str(name) for name in arrays["node_names"].tolist()]
        self._nodes = arrays["item_nodes"]
        """`[items, kinds]` node numbers, −1 where the item has none."""
        self._out = np.asarray(arrays["node_to_item"], np.float32)
        """`[items, kinds]` probability of the step from that node to the item."""
        self._step = np.asarray(arrays["item_to_node"], np.float32)
        """`[items, kinds]` probability of the step from the item to that node."""
        self._near = arrays["near_nodes"]
        """`[nodes, k]` other nodes, −1 pads."""
        self._near_step = arrays["near_steps"].astype(np.float32)
        """`[nodes, k]` probabilities of the step to them; the rest is the probability of staying."""
        self._large = len(vocabulary) > LARGE
        if self._large:
            self._top, self._top_starts = self._tops()

    def score(self, visitor: Visitor, seeds: Seeds, rows: NDArray[np.int32] | None = None) -> Scored:
        """Probability that a walk ends at the item, times the number of items."""
        _, mass = self._mass(seeds)
        nodes, out = (self._nodes, self._out) if rows is None else (self._nodes[rows], self._out[rows])
        steps = np.where(nodes >= 0, mass[nodes] * out, 0.0)
        scores = steps.sum(axis=1) * len(self.vocabulary)
        return Scored(np.where(scores > 0, scores, -np.inf).astype(np.float32), rows)

    def promising(self, visitor: Visitor, seeds: Seeds, limit: int) -> NDArray[np.int32] | None:
        """Of a large catalogue, the items that are likeliest from each of the likeliest nodes."""
        if not self._large:
            return None
        _, mass = self._mass(seeds)
        nodes = np.argsort(-mass, kind="stable")[:NODES_LOOKED_AT]
        tops = [self._top[self._top_starts[node] : self._top_starts[node + 1]] for node in nodes[mass[nodes] > 0]]
        return united(tops)

    def _tops(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The items that are likeliest from each node, and where each node's begin."""
        item, kind = np.nonzero(self._nodes >= 0)
        node = self._nodes[item, kind]
        order = np.lexsort((-self._out[item, kind], node))
        starts = np.searchsorted(node[order], np.arange(len(self._names) + 1))
        rank = np.arange(len(order)) - starts[node[order]]
        kept = order[rank < MOST_OF_A_NODE]
        return item[kept].astype(np.int32), np.searchsorted(node[kept], np.arange(len(self._names) + 1))

    def via(self, visitor: Visitor, seeds: Seeds, rows: NDArray[np.int32]) -> NDArray[np.int32]:
        """The seed that shares most with each row, by steps over shared nodes; −1 when nothing is shared."""
        nodes = self._nodes[rows][:, None, :]
        shared = (nodes == self._nodes[seeds.rows][None]) & (nodes >= 0)
        strength = (shared * self._step[seeds.rows][None] * self._out[rows][:, None, :]).sum(axis=2) * seeds.weights
        return np.where(strength.any(axis=1), strength.argmax(axis=1), -1).astype(np.int32)

    def paths(self, visitor: Visitor, seeds: Seeds, rows: NDArray[np.int32]) -> Sequence[str]:
        """The strongest path to each row: "brand:Aster", or "colour:red > category:Women/Dresses" over two nodes."""
        first, mass = self._mass(seeds)
        steps = np.where(self._nodes[rows] >= 0, mass[self._nodes[rows]] * self._out[rows], -1.0)
        last = self._nodes[rows, np.argmax(steps, axis=1)]
        path_of = {node: self._path(node, first) for node in set(last.tolist())}
        return [path_of[node] for node in last.tolist()]

    def _path(self, node: int, first: NDArray[np.float32]) -> str:
        if node < 0:
            return ""
        stayed = first[node] * (1.0 - float(self._near_step[node].sum()))
        arrived = np.where(self._near == node, self._near_step * first[:, None], 0.0).sum(axis=1)
        before = int(np.argmax(arrived))
        if stayed >= arrived[before]:
            return self._names[node]
        return f"{self._names[before]} > {self._names[node]}"

    def _mass(self, seeds: Seeds) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """`[nodes]` probability of being at a node after one step, and after the second."""
        first = np.zeros(len(self._names), np.float32)
        weights = seeds.weights / max(float(seeds.weights.sum()), 1e-9)
        nodes, steps = self._nodes[seeds.rows], self._step[seeds.rows] * weights[:, None]
        np.add.at(first, nodes[nodes >= 0], steps[nodes >= 0])
        moved = first * (1.0 - self._near_step.sum(axis=1))
        leaving = self._near_step * first[:, None]
        np.add.at(moved, self._near[self._near >= 0], leaving[self._near >= 0])
        return first, moved
