"""Where the boutique's users live, and what they speak there."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """One country."""

    code: str
    """ISO 3166-1 alpha-2."""
    share: float
    languages: dict[str, float]
    """Shares of the languages that users there choose."""
    utc_offset_hours: int


REGIONS: tuple[Region, ...] = (
    Region("US", 0.28, {"en": 0.86, "es": 0.14}, -6),
    Region("GB", 0.16, {"en": 1.0}, 0),
    Region("DE", 0.14, {"en": 0.96, "es": 0.04}, 1),
    Region("ES", 0.14, {"es": 0.9, "en": 0.1}, 1),
    Region("MX", 0.10, {"es": 0.97, "en": 0.03}, -6),
    Region("CN", 0.18, {"zh": 0.97, "en": 0.03}, 8),
)
REGION_CODES: tuple[str, ...] = tuple(region.code for region in REGIONS)
REGION_COUNT = len(REGIONS)
CURRENCY = "EUR"
