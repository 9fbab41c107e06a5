"""A walk from the seeds over brands, categories and attributes to other items, with the path as evidence."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.ranker.source import Arrays, Scored, Seeds, Source
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary


class KnowledgeGraph(Source):
    """Walks item → node → item or item → node → node → item; nodes are brands, categories, colours and price bands."""

    name = "knowledge_graph"

    def __init__(self, vocabulary: Vocabulary, arrays: Arrays) -> None:
        super().__init__(vocabulary, arrays)
        self._names = [str(name) for name in arrays["node_names"].tolist()]
        self._nodes = arrays["item_nodes"]
        """`[items, kinds]` node numbers, −1 where the item has none."""
        self._out = arrays["node_to_item"].astype(np.float32)
        """`[items, kinds]` probability of the step from that node to the item."""
        self._step = arrays["item_to_node"].astype(np.float32)
        """`[items, kinds]` probability of the step from the item to that node."""
        self._near = arrays["near_nodes"]
        """`[nodes, k]` other nodes, −1 pads."""
        self._near_step = arrays["near_steps"].astype(np.float32)
        """`[nodes, k]` probabilities of the step to them; the rest is the probability of staying."""

    def score(self, visitor: Visitor, seeds: Seeds) -> Scored:
        """Probability that a walk ends at the item, times the number of items."""
        _, mass = self._mass(seeds)
        steps = np.where(self._nodes >= 0, mass[self._nodes] * self._out, 0.0)
        scores = steps.sum(axis=1) * len(self.vocabulary)
        return Scored(np.where(scores > 0, scores, -np.inf).astype(np.float32))

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
