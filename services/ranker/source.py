"""What a candidate source is: arrays of a release that turn a visitor and seed items into scored rows."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from services.ranker.vector_search import INDEX_ARRAY, VectorSearch
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary

Arrays = Mapping[str, NDArray[Any]]
"""The arrays of `sources/<name>.npz`."""

HALF_LIFE_DAYS = 14.0
"""An action counts half after this time."""

ACTION_WEIGHTS: Mapping[int, float] = {
    2: 1.0,  # view
    4: 1.0,  # click
    5: 2.5,  # favourite
    6: 3.0,  # cart
    7: 4.0,  # purchase
    8: 1.5,  # rate
    9: 1.5,  # review
    10: 1.0,  # comment
    11: 2.0,  # like
    12: 2.0,  # share
}
"""What an action says of liking the item, by number of the Action enum; impressions, hides and undoing say nothing."""

_LOOKED_AT = (4, 32)
"""So many times the limit is looked at, first and where a filter left too few of them; then everything."""


@dataclass(frozen=True)
class Seeds:
    """The items that a source starts from."""

    rows: NDArray[np.int32]
    """`[s]` vocabulary rows, each once."""
    weights: NDArray[np.float32]
    """`[s]` above 0."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shares(self) -> NDArray[np.float32]:
        """`[s]` the weights, adding up to 1."""
        return np.asarray(self.weights / np.float32(max(float(self.weights.sum()), 1e-9)), np.float32)


@dataclass(frozen=True)
class Scored:
    """A source's opinion of items."""

    scores: NDArray[np.float32]
    """`[k]`; −inf for items that the source does not propose."""
    rows: NDArray[np.int32] | None = None
    """`[k]` which items, ascending; None for all of the vocabulary. Items left out are not proposed."""

    def dense(self, items: int) -> NDArray[np.float32]:
        """`[items]` the opinion of every item."""
        if self.rows is None:
            return self.scores
        scores = np.full(items, -np.inf, np.float32)
        scores[self.rows] = self.scores
        return scores


class Allowed(Protocol):
    """Which rows of the vocabulary a pool's filter lets through."""

    def check(self, rows: NDArray[np.int32]) -> NDArray[np.bool_]:
        """`[k]` whether each row passes."""

    def few(self) -> NDArray[np.int32] | None:
        """All rows that pass, ascending, where they are a small part of a large catalogue; else None."""

    def mask(self) -> NDArray[np.bool_]:
        """`[items]` whether each row passes; costs as much as the catalogue is large."""


@dataclass(frozen=True)
class AllowedMask:
    """A mask as `Allowed`."""

    rows: NDArray[np.bool_]
    """`[items]`"""

    def check(self, rows: NDArray[np.int32]) -> NDArray[np.bool_]:
        """`[k]` whether each row passes."""
        return np.asarray(self.rows[rows], np.bool_)

    def few(self) -> None:
        """Never: whoever has a mask has gone through all items already."""

    def mask(self) -> NDArray[np.bool_]:
        """`[items]` whether each row passes."""
        return self.rows


@dataclass(frozen=True)
class Retrieved:
    """Candidates, best first; columns of length k ≤ limit. Ties in score go to the lower row."""

    rows: NDArray[np.int32]
    """`[k]` vocabulary rows, each once."""
    scores: NDArray[np.float32]
    """`[k]` the source's own scores, not increasing."""
    p_click_if_seen: NDArray[np.float32]
    """`[k]` what the scores stand for while the model server is down; calibrated offline."""
    speakers: NDArray[np.int32]
    """`[k]` place in `seeds` of the one that speaks most for the candidate, −1 where there is none."""
    seeds: NDArray[np.int32]
    """`[s]` vocabulary rows of the seeds used."""
    paths: Sequence[str] = ()
    """`[k]` for knowledge_graph: "brand:Aster > category:Women/Dresses"; empty for the others."""

    @property
    def via(self) -> NDArray[np.int32]:
        """`[k]` vocabulary row of the seed that speaks most for the candidate, −1 where there is none."""
        if not len(self.seeds):
            return self.speakers
        return np.where(self.speakers >= 0, self.seeds[np.maximum(self.speakers, 0)], -1).astype(np.int32)


class Source(ABC):
    """One source of one release. Immutable after loading; safe to use from many threads."""

    name: ClassVar[str]
    uses_seeds: ClassVar[bool] = True
    """Whether seeds matter; sources that use them take the visitor's recent actions when a pool gives none."""

    def __init__(self, vocabulary: Vocabulary, arrays: Arrays) -> None:
        self.vocabulary = vocabulary
        self.calibration = (arrays.get("calibration_scores"), arrays.get("calibration_p_click"))

    @classmethod
    def load(cls, vocabulary: Vocabulary, arrays: Arrays) -> Self:
        """The source from the arrays of its file."""
        return cls(vocabulary, arrays)

    @abstractmethod
    def score(self, visitor: Visitor, seeds: Seeds, rows: NDArray[np.int32] | None = None) -> Scored:
        """Scores all items, or `[k]` ascending rows alone. Higher is better; the scale is the source's own."""

    def promising(self, visitor: Visitor, seeds: Seeds, limit: int) -> NDArray[np.int32] | None:
        """About the `limit` best rows, in any order, found without looking at every item; None: look at every item."""
        del visitor, seeds, limit
        return None

    def via(self, visitor: Visitor, seeds: Seeds, rows: NDArray[np.int32]) -> NDArray[np.int32]:
        """`[k]` position in the seeds of the one that speaks most for each row; −1 where a source cannot say."""
        del visitor, seeds
        return np.full(len(rows), -1, np.int32)

    def paths(self, visitor: Visitor, seeds: Seeds, rows: NDArray[np.int32]) -> Sequence[str]:
        """Evidence in words for each row; empty where a source has none."""
        del visitor, seeds, rows
        return ()

    def retrieve(
        self, visitor: Visitor, seed_rows: NDArray[np.int32] | Seeds, allowed: Allowed | NDArray[np.bool_], limit: int
    ) -> Retrieved:
        """The best `limit` allowed items.

        Args:
            visitor: whose page it is.
            seed_rows: `[s]` rows to start from; empty: the visitor's recent actions, whose items are then left out.
                Also taken: what `seeds` made of them.
            allowed: which rows the pool's filter lets through; a mask `[items]` is taken too.
            limit: at most so many.

        """
        seeds = seed_rows if isinstance(seed_rows, Seeds) else self.seeds(visitor, seed_rows)
        if self.uses_seeds and not len(seeds) and not self._without_seeds(visitor):
            return _nothing(seeds)
        through = AllowedMask(allowed) if isinstance(allowed, np.ndarray) else allowed
        rows, scores = self.best(visitor, seeds, through, limit)
        if len(seeds):
            speakers = np.asarray(self.via(visitor, seeds, rows), np.int32)
        else:
            speakers = np.full(len(rows), -1, np.int32)
        return Retrieved(rows, scores, self.p_click(scores), speakers, seeds.rows, self.paths(visitor, seeds, rows))

    def best(
        self, visitor: Visitor, seeds: Seeds, allowed: Allowed, limit: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Rows and scores, best first: of the few that may be, of the promising ones, or of all, whichever is least.

        What `retrieve` answers without evidence. A source that uses seeds needs some.
        """
        few = allowed.few()
        if few is not None:
            return self._chosen(self.score(visitor, seeds, few), seeds, None, limit)
        wanted = limit + (len(seeds) if self.uses_seeds else 0)
        for factor in _LOOKED_AT:
            promising = self.promising(visitor, seeds, wanted * factor)
            if promising is None:
                break
            rows, scores = self._chosen(self.score(visitor, seeds, np.sort(promising)), seeds, allowed, limit)
            if len(rows) >= limit or len(promising) < wanted * factor:
                return rows, scores
        return self._chosen(self.score(visitor, seeds), seeds, allowed, limit)

    def _chosen(
        self, scored: Scored, seeds: Seeds, allowed: Allowed | None, limit: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The best of what was scored; `allowed` is None when all of it is."""
        possible = np.isfinite(scored.scores)
        if scored.rows is None:
            possible &= True if allowed is None else allowed.mask()
            if self.uses_seeds:
                possible[seeds.rows] = False
            rows = best_rows(scored.scores, possible, limit)
            return rows, scored.scores[rows]
        if allowed is not None:
            possible &= allowed.check(scored.rows)
        if self.uses_seeds:
            possible[_places(scored.rows, seeds.rows)] = False
        places = best_rows(scored.scores, possible, limit)
        return scored.rows[places], scored.scores[places]

    def seeds(self, visitor: Visitor, seed_rows: NDArray[np.int32]) -> Seeds:
        """The seeds given (weight 1 each), else the visitor's own history; none for a source that uses none."""
        if not self.uses_seeds:
            return Seeds(np.zeros(0, np.int32), np.zeros(0, np.float32))
        given = np.array(sorted({row for row in seed_rows.tolist() if row >= 0}), np.int32)
        if len(given):
            return Seeds(given, np.ones(len(given), np.float32))
        return history_seeds(visitor, self.vocabulary)

    def p_click(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """P(click | examined) that was observed for such scores; a plain squashing where nothing was observed."""
        knots, values = self.calibration
        if knots is None or values is None or not len(knots):
            return (1.0 / (1.0 + np.exp(2.0 - scores.astype(np.float64)))).astype(np.float32)
        return np.interp(scores, knots, values).astype(np.float32)

    def _without_seeds(self, visitor: Visitor) -> bool:
        """Whether the source can score this visitor without any seed."""
        del visitor
        return False


def history_seeds(visitor: Visitor, vocabulary: Vocabulary) -> Seeds:
    """The visitor's recent items with the weight of action and recency, summed by item; heaviest first."""
    weights: dict[int, float] = {}
    for action in visitor.recent_actions:
        row = vocabulary.row_of.get(action.item_id)
        weight = ACTION_WEIGHTS.get(action.action, 0.0)
        if row is not None and weight:
            weights[row] = weights.get(row, 0.0) + weight * 0.5 ** (max(action.age_days, 0.0) / HALF_LIFE_DAYS)
    ordered = sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))
    return Seeds(
        np.array([row for row, _ in ordered], np.int32), np.array([weight for _, weight in ordered], np.float32)
    )


def best_rows(scores: NDArray[np.float32], possible: NDArray[np.bool_], limit: int) -> NDArray[np.int32]:
    """Rows of the highest possible scores, best first; ties go to the lower row."""
    rows = np.flatnonzero(possible)
    return rows[best_places(scores[rows], limit)].astype(np.int32)


def _places(rows: NDArray[np.int32], wanted: NDArray[np.int32]) -> NDArray[np.int64]:
    """Where wanted rows stand among ascending ones; those that do not are left out."""
    if not len(rows):
        return np.zeros(0, np.int64)
    place = np.minimum(np.searchsorted(rows, wanted), len(rows) - 1)
    return np.asarray(place[rows[place] == wanted], np.int64)


def best_places(scores: NDArray[np.float32], limit: int) -> NDArray[np.int64]:
    """Places of the highest scores, best first; ties go to the lower place."""
    if len(scores) <= limit or limit <= 0:
        return np.argsort(-scores, kind="stable")[: max(limit, 0)]
    last = len(scores) - limit
    kept = np.flatnonzero(scores >= np.partition(scores, last)[last])
    return np.asarray(kept[np.argsort(-scores[kept], kind="stable")[:limit]], np.int64)


def from_neighbours(neighbours: NDArray[np.int32], similarities: NDArray[np.float32], seeds: Seeds) -> Scored:
    """Sum over seeds of weight × similarity, each seed speaking for its `[k]` neighbours (−1 pads)."""
    shares = similarities[seeds.rows] * seeds.shares[:, None]
    targets = neighbours[seeds.rows]
    real = (targets >= 0) & (shares > 0.0)
    rows, place = np.unique(targets[real], return_inverse=True)
    scores = np.bincount(place.ravel(), shares[real], len(rows))
    return Scored(scores.astype(np.float32), rows.astype(np.int32))


def only(scored: Scored, rows: NDArray[np.int32] | None) -> Scored:
    """What was scored of these ascending rows."""
    if rows is None or scored.rows is None:
        return scored
    kept = np.isin(scored.rows, rows)
    return Scored(scored.scores[kept], scored.rows[kept])


def strongest_neighbour(
    neighbours: NDArray[np.int32], similarities: NDArray[np.float32], seeds: Seeds, rows: NDArray[np.int32]
) -> NDArray[np.int32]:
    """`[k]` position of the seed with the largest weight × similarity to each row; −1 where none has the row."""
    strength = np.zeros((len(rows), len(seeds)), np.float32)
    if len(rows) and len(seeds):
        order = np.argsort(rows)
        targets = neighbours[seeds.rows]
        place = np.minimum(np.searchsorted(rows, targets, sorter=order), len(rows) - 1)
        column = order[place]
        seed, neighbour = np.nonzero(rows[column] == targets)
        strength[column[seed, neighbour], seed] = similarities[seeds.rows[seed], neighbour] * seeds.shares[seed]
        return np.asarray(np.where(strength.any(axis=1), strength.argmax(axis=1), -1), np.int32)
    return np.full(len(rows), -1, np.int32)


def of_rows(vectors: NDArray[np.float32], rows: NDArray[np.int32] | None) -> NDArray[np.float32]:
    """The vectors of `[k]` rows, or all of them."""
    return vectors if rows is None else vectors[rows]


def from_vectors(
    vectors: NDArray[np.float32], known: NDArray[np.bool_], seeds: Seeds, rows: NDArray[np.int32] | None = None
) -> Scored:
    """Cosine of each item's unit vector `[items, d]` with the seeds' weighted mean; `[items]` who has a vector."""
    scores = of_rows(vectors, rows) @ mean_vector(vectors, seeds)
    return Scored(np.where(known if rows is None else known[rows], scores, -np.inf).astype(np.float32), rows)


def mean_vector(vectors: NDArray[np.float32], seeds: Seeds) -> NDArray[np.float32]:
    """`[d]` the seeds' weighted mean."""
    return np.asarray(seeds.shares @ vectors[seeds.rows], np.float32)


def search_of(arrays: Arrays) -> VectorSearch | None:
    """The index that a large source's file holds."""
    return VectorSearch(arrays[INDEX_ARRAY]) if INDEX_ARRAY in arrays else None


def strongest_vector(vectors: NDArray[np.float32], seeds: Seeds, rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """`[k]` position of the seed with the largest weight × cosine to each row."""
    return np.asarray(np.argmax((vectors[rows] @ vectors[seeds.rows].T) * seeds.shares, axis=1), np.int32)


def _nothing(seeds: Seeds) -> Retrieved:
    none, no_rows = np.zeros(0, np.float32), np.zeros(0, np.int32)
    return Retrieved(no_rows, none, none, no_rows, seeds.rows)
