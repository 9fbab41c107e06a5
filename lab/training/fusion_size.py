"""How wide a shop's fusion model is: as wide as its impressions can fill."""

from dataclasses import replace

from services.ranker.model.configuration import FusionConfig
from services.ranker.training.rows import ImpressionRows

FEW_IMPRESSIONS = 500_000
"""Below this a wide model learns the log by heart rather than the visitors (ADR 0034)."""
NARROW = 16


def sized(config: FusionConfig, rows: ImpressionRows) -> FusionConfig:
    """The configuration for these rows: no wider than `NARROW` where impressions are few.

    Sampled negatives are as many as one likes to draw, and say nothing of how much there is to learn.
    """
    if rows.log_q is not None or len(rows) >= FEW_IMPRESSIONS or config.width <= NARROW:
        return config
    if NARROW % config.heads or NARROW % config.interests:
        return config
    return replace(config, width=NARROW)
