"""What is popular where and how the visitor is: by region and device, with decay."""

import numpy as np
from numpy.typing import NDArray

from services.ranker.catalogue import LARGE
from services.ranker.source import Arrays, Scored, Seeds, Source, best_rows, of_rows
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary

SHARES = {"region": 0.4, "device": 0.2}
"""What a known segment adds to the mix beside the whole shop, which makes up the rest."""

ORDERED = 20_000
"""Of a large catalogue, so many of the most popular items are kept in order for each mix of segments."""


class Popular(Source):
    """A mix of the segments' popularity, each a distribution over items; the pool's filter picks the category."""

    name = "popular"
    uses_seeds = False

    def __init__(self, vocabulary: Vocabulary, arrays: Arrays) -> None:
        super().__init__(vocabulary, arrays)
        self._large = len(vocabulary) > LARGE
        self._segment = {str(name): place for place, name in enumerate(arrays["segments"].tolist())}
        self._popularity = np.asarray(arrays["popularity"], np.float32)
        self._orders: dict[tuple[tuple[int, float], ...], NDArray[np.int32]] = {}

    def score(self, visitor: Visitor, seeds: Seeds, rows: NDArray[np.int32] | None = None) -> Scored:
        """Share of all decayed actions, times the number of items: 1 is average."""
        mix = sum(share * of_rows(self._popularity[place], rows) for place, share in self._mix(visitor))
        return Scored(np.asarray(mix * self._popularity.shape[1], np.float32), rows)

    def promising(self, visitor: Visitor, seeds: Seeds, limit: int) -> NDArray[np.int32] | None:
        """From the most popular of each mix of segments, which are put in order once."""
        if not self._large or limit > ORDERED:
            return None
        mix = self._mix(visitor)
        order = self._orders.get(mix)
        if order is None:
            scores = self.score(visitor, seeds).scores
            order = self._orders[mix] = best_rows(scores, np.ones(len(scores), np.bool_), ORDERED)
        return order[:limit]

    def _mix(self, visitor: Visitor) -> tuple[tuple[int, float], ...]:
        """Segments by place with their shares, which add up to 1."""
        situation = visitor.situation
        wanted = {
            "region": f"region:{situation.region.partition('-')[0].upper()}",
            "device": f"device:{situation.device or 1}",
        }
        found = [(self._segment[name], SHARES[kind]) for kind, name in wanted.items() if name in self._segment]
        return (*found, (self._segment["all"], 1.0 - sum(share for _, share in found)))
