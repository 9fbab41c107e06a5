"""What is popular where and how the visitor is: by region and device, with decay."""

import numpy as np

from services.ranker.source import Arrays, Scored, Seeds, Source
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary

SHARES = {"region": 0.4, "device": 0.2}
"""What a known segment adds to the mix beside the whole shop, which makes up the rest."""


class Popular(Source):
    """A mix of the segments' popularity, each a distribution over items; the pool's filter picks the category."""

    name = "popular"
    uses_seeds = False

    def __init__(self, vocabulary: Vocabulary, arrays: Arrays) -> None:
        super().__init__(vocabulary, arrays)
        self._segment = {str(name): place for place, name in enumerate(arrays["segments"].tolist())}
        self._popularity = arrays["popularity"].astype(np.float32)

    def score(self, visitor: Visitor, seeds: Seeds) -> Scored:
        """Share of all decayed actions, times the number of items: 1 is average."""
        situation = visitor.situation
        wanted = {
            "region": f"region:{situation.region.partition('-')[0].upper()}",
            "device": f"device:{situation.device or 1}",
        }
        mix = np.zeros(self._popularity.shape[1], np.float32)
        rest = 1.0
        for kind, segment in wanted.items():
            place = self._segment.get(segment)
            if place is not None:
                mix += SHARES[kind] * self._popularity[place]
                rest -= SHARES[kind]
        mix += rest * self._popularity[self._segment["all"]]
        return Scored((mix * len(mix)).astype(np.float32))
