"""Smoothed statistics of users, items, context and their crosses, adjusted for position, without leakage.

What a row of the training part knows of its own values comes from the other blocks of time (out of fold); what a row
to be predicted knows comes from the whole training part. A cross says only what its two sides do not.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.impressions.encoding import ITEM, USER, Encoded
from lab.evaluation.impressions.ratios import Numbers, Outcomes, Ratios, Sums, best_strength, count, effect
from services.ranker.training.examination import Slots, fit_examination

BLOCKS = 8
MOST_CROSSES = 14
_MOST_VALUES_TO_CROSS = 2_000
_EXAMINATION_ROWS = 300_000
"""The newest rows are enough to learn the curve."""
_LEAST_RATE = 1e-6

Key = tuple[str, ...]
"""One column, or two that are crossed."""


@dataclass(frozen=True)
class KeyStatistics:
    """Counts of one key, and how far to believe them."""

    key: Key
    ratios: Ratios
    strength: float


@dataclass(frozen=True)
class Features:
    """What the candidates learn from; `[N, …]`."""

    encoded: Encoded
    click_effects: NDArray[np.float32]
    """Differences of logits of P(click | examined): one column a key, crosses last."""
    buy_effects: NDArray[np.float32]
    """The same of P(purchase | click)."""
    counts: NDArray[np.float32]
    """log(1 + impressions) behind each click effect."""
    examination: Numbers
    """`[N]` of the position; 1 at the best one."""

    def __len__(self) -> int:
        return len(self.encoded)

    def take(self, rows: NDArray[np.int64]) -> "Features":
        """Some of the rows."""
        return Features(
            self.encoded.take(rows),
            self.click_effects[rows],
            self.buy_effects[rows],
            self.counts[rows],
            self.examination[rows],
        )

    def matrix(self) -> NDArray[np.float32]:
        """`[N, p]` everything in columns."""
        effects = self.click_effects
        item = effects[:, 1].astype(np.float64)
        requests = self.encoded.requests
        rivals = np.bincount(requests, item) / np.maximum(np.bincount(requests), 1)
        return np.column_stack(
            [
                effects,
                self.buy_effects,
                self.counts,
                self.encoded.amounts,
                item - rivals[requests],
                self.encoded.places,
                np.log(self.examination),
            ]
        ).astype(np.float32)


@dataclass(frozen=True)
class Statistics:
    """What the training part says of each value."""

    curve: Numbers
    """`[places]` P(examined), the best place 1."""
    seen_rate: float
    """P(click | examined) on average."""
    buy_rate: float
    """P(purchase | click) on average."""
    mains: tuple[KeyStatistics, ...]
    crosses: tuple[KeyStatistics, ...]
    buys: tuple[KeyStatistics, ...]

    def features(self, encoded: Encoded) -> Features:
        """Of rows that are none of the training part."""
        sums = {each.key: each.ratios.sums(codes_of(encoded, each.key)) for each in (*self.mains, *self.crosses)}
        buys = {each.key: each.ratios.sums(codes_of(encoded, each.key)) for each in self.buys}
        return self.assemble(encoded, sums, buys)

    def assemble(self, encoded: Encoded, sums: dict[Key, Sums], buys: dict[Key, Sums]) -> Features:
        """Features from what each row may know of its values."""
        effects = {each.key: effect(sums[each.key], each.strength) for each in self.mains}
        for each in self.crosses:
            effects[each.key] = effect(sums[each.key], each.strength, _parents(effects, each.key))
        bought = [effect(buys[each.key], each.strength) for each in self.buys]
        counts = [np.log1p(sums[key].shown) for key in effects]
        return Features(
            encoded,
            np.column_stack(list(effects.values())).astype(np.float32),
            np.column_stack(bought).astype(np.float32),
            np.column_stack(counts).astype(np.float32),
            self.curve[encoded.places],
        )


def codes_of(encoded: Encoded, key: Key) -> NDArray[np.int64]:
    """`[N]` one number for each value of a key; −1 where a part is unknown."""
    if len(key) == 1:
        return encoded.codes[key[0]]
    one, other = encoded.codes[key[0]], encoded.codes[key[1]]
    return np.where((one >= 0) & (other >= 0), (one << 32) | np.maximum(other, 0), -1)


def learn_statistics(encoded: Encoded, order: NDArray[np.int64]) -> tuple[Statistics, Features]:
    """Count everything; also the features of the counted rows, each without its own block of time.

    Args:
        encoded: the training part.
        order: `[N]` number of each row's request in order of time.

    """
    blocks = order * BLOCKS // (int(order.max(initial=0)) + 1)
    learner = _Learner(encoded, blocks)
    return learner.learn()


class _Learner:
    def __init__(self, encoded: Encoded, blocks: NDArray[np.int64]) -> None:
        self._encoded, self._blocks = encoded, blocks
        self._everything = np.ones(len(encoded), np.bool_)
        self._keys: list[Key] = [(USER,), (ITEM,), *((name,) for name in encoded.codes if name not in (USER, ITEM))]

    def learn(self) -> tuple[Statistics, Features]:
        encoded = self._encoded
        curve = self._curve()
        seen_rate = max(float(encoded.clicked.sum()) / float(curve[encoded.places].sum()), _LEAST_RATE)
        expected = np.clip(seen_rate * curve[encoded.places], _LEAST_RATE, 0.95)
        mains, sums = self._count_mains(expected)
        crosses, cross_sums = self._count_crosses(mains, sums, expected)
        buy_rate = (float(encoded.purchased.sum()) + 0.5) / (float(encoded.clicked.sum()) + 50.0)
        buys, buy_sums = self._count_buys(buy_rate)
        statistics = Statistics(curve, seen_rate, buy_rate, mains, crosses, buys)
        return statistics, statistics.assemble(encoded, {**sums, **cross_sums}, buy_sums)

    def _curve(self) -> Numbers:
        """The position-based model, its relevance explained by first statistics adjusted for the places' rates."""
        encoded = self._encoded
        shown = np.bincount(encoded.places)
        overall = float(encoded.clicked.mean())
        rates = (np.bincount(encoded.places, encoded.clicked) + 100.0 * overall) / (shown + 100.0)
        mains, sums = self._count_mains(np.clip(rates[encoded.places], _LEAST_RATE, 0.95))
        effects = np.column_stack([effect(sums[each.key], each.strength) for each in mains])
        newest = np.argsort(-self._blocks, kind="stable")[:_EXAMINATION_ROWS]
        nowhere = np.zeros(len(newest), np.int32)
        slots = Slots(nowhere, encoded.places[newest].astype(np.int32), nowhere)
        if not encoded.clicked[newest].any():
            return np.ones(len(shown))
        found = fit_examination(slots, effects[newest], encoded.clicked[newest])
        places = np.arange(len(shown), dtype=np.int32)
        return found.probability(np.zeros_like(places), places, np.zeros_like(places)).astype(np.float64)

    def _count_mains(self, expected: Numbers) -> tuple[tuple[KeyStatistics, ...], dict[Key, Sums]]:
        outcomes = Outcomes(self._encoded.clicked, expected, self._everything, self._blocks)
        return self._count(outcomes)

    def _count_buys(self, rate: float) -> tuple[tuple[KeyStatistics, ...], dict[Key, Sums]]:
        encoded = self._encoded
        expected = np.full(len(encoded), rate)
        return self._count(Outcomes(encoded.purchased, expected, encoded.clicked, self._blocks))

    def _count(self, outcomes: Outcomes) -> tuple[tuple[KeyStatistics, ...], dict[Key, Sums]]:
        kept, sums = [], {}
        for key in self._keys:
            ratios, sums[key] = count(codes_of(self._encoded, key), outcomes)
            kept.append(KeyStatistics(key, ratios, best_strength(ratios)[0]))
        return tuple(kept), sums

    def _count_crosses(
        self, mains: tuple[KeyStatistics, ...], sums: dict[Key, Sums], expected: Numbers
    ) -> tuple[tuple[KeyStatistics, ...], dict[Key, Sums]]:
        """The crosses with most evidence of a difference that their sides do not explain."""
        effects = {each.key: effect(sums[each.key], each.strength) for each in mains}
        outcomes = Outcomes(self._encoded.clicked, expected, self._everything, self._blocks)
        found: list[tuple[float, KeyStatistics, Sums]] = []
        for key in self._possible_crosses():
            codes = codes_of(self._encoded, key)
            ratios, own = count(codes, outcomes)
            strength, gain = best_strength(ratios, _mean_offsets(ratios, codes, _parents(effects, key)))
            if gain > 0.0:
                found.append((gain, KeyStatistics(key, ratios, strength), own))
                found = sorted(found, key=lambda each: -each[0])[:MOST_CROSSES]
        return tuple(each for _, each, _ in found), {each.key: own for _, each, own in found}

    def _possible_crosses(self) -> list[Key]:
        """The user and the item with each other and with every column that neither determines."""
        keys: list[Key] = [(USER, ITEM)]
        for name, codes in self._encoded.codes.items():
            if name in (USER, ITEM) or len(np.unique(codes)) > _MOST_VALUES_TO_CROSS:
                continue
            for side in (USER, ITEM):
                pairs = len(np.unique(codes_of(self._encoded, (side, name))))
                if pairs > 1.05 * len(np.unique(self._encoded.codes[side])):
                    keys.append((side, name))
        return keys


def _parents(effects: dict[Key, Numbers], key: Key) -> Numbers:
    return np.asarray(sum(effects[part,] for part in key))


def _mean_offsets(ratios: Ratios, codes: NDArray[np.int64], offsets: Numbers) -> Numbers:
    known = codes >= 0
    place = np.searchsorted(ratios.keys, codes[known])
    rows = np.maximum(np.bincount(place, minlength=len(ratios.keys)), 1)
    return np.bincount(place, offsets[known], len(ratios.keys)) / rows
