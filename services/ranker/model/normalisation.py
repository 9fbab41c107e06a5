"""Normalisation fitted at training and stored in the release as `fusion/features.json`."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from services.ranker.model.signature import FEATURE_COUNT

REGION_COUNT = 3
LOCALE_COUNT = 2


@dataclass(frozen=True)
class Normalisation:
    """What turns raw values into the model's scale. Floats survive the JSON round trip exactly."""

    log_price_of: Mapping[str, float]
    """Category path → mean of the natural log of its prices (minor units)."""
    log_price: float
    """The same over all items, for categories never seen."""
    mean: Sequence[float]
    """`[12]` means of the raw candidate features."""
    scale: Sequence[float]
    """`[12]` standard deviations of the raw candidate features, 1 where they do not vary."""
    regions: Sequence[str] = ()
    """The most frequent countries, up to three, most frequent first."""
    locales: Sequence[str] = ()
    """The most frequent languages, up to two, most frequent first."""

    def standardise(self, raw: NDArray[np.float64]) -> NDArray[np.float32]:
        """`[n, 12]` raw features, standardised and clipped to ±5 standard deviations."""
        standard: NDArray[np.float64] = (raw - np.asarray(self.mean)) / np.asarray(self.scale)
        return np.clip(standard, -5.0, 5.0).astype(np.float32)

    def save(self, path: Path) -> None:
        """Writes the JSON file."""
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what `save` wrote."""
        return cls(**json.loads(path.read_text("utf-8")))


def fit_prices(categories: Sequence[str], price_minor: NDArray[np.int64]) -> tuple[dict[str, float], float]:
    """Mean log price of each category and of all items; items without a price are left out.

    Raises:
        ValueError: no item has a price.

    """
    logs: dict[str, list[float]] = {}
    for category, price in zip(categories, price_minor.tolist(), strict=True):
        if price > 0:
            logs.setdefault(category, []).append(float(np.log(price)))
    if not logs:
        raise ValueError("No item has a price to normalise by.")
    means = {category: sum(values) / len(values) for category, values in sorted(logs.items())}
    overall = [value for values in logs.values() for value in values]
    return means, sum(overall) / len(overall)


def fit_normalisation(
    prices: Normalisation, raw: NDArray[np.float64], regions: Iterable[str], locales: Iterable[str]
) -> Normalisation:
    """Completes `prices` (see `priced`) with the statistics of the training rows.

    Args:
        prices: the normalisation that the raw features were computed with.
        raw: `[rows, 12]` raw candidate features of the training rows.
        regions: region of each training request; empty ones do not count.
        locales: locale of each training request; empty ones do not count.

    """
    deviation = raw.std(axis=0)
    scale = np.where(deviation > 1e-6, deviation, 1.0)
    return Normalisation(
        prices.log_price_of,
        prices.log_price,
        raw.mean(axis=0).tolist(),
        scale.tolist(),
        _most_frequent((country(region) for region in regions), REGION_COUNT),
        _most_frequent((language(locale) for locale in locales), LOCALE_COUNT),
    )


def priced(categories: Sequence[str], price_minor: NDArray[np.int64]) -> Normalisation:
    """The catalogue's price statistics with means 0 and scales 1: enough to compute raw features."""
    means, overall = fit_prices(categories, price_minor)
    return Normalisation(means, overall, [0.0] * FEATURE_COUNT, [1.0] * FEATURE_COUNT)


def country(region: str) -> str:
    """The country of an ISO 3166-1 or 3166-2 code."""
    return region.partition("-")[0].upper()


def language(locale: str) -> str:
    """The base language of a BCP 47 tag."""
    return locale.replace("_", "-").partition("-")[0].lower()


def _most_frequent(values: Iterable[str], count: int) -> list[str]:
    counted = Counter(value for value in values if value)
    return [value for value, _ in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:count]]
