"""The prepared tables, one a file; `STEPS` is the order they are made in."""

from typing import Final

from lab.preparation.steps import Step
from lab.preparation.tables import (
    contexts,
    events,
    interactions,
    item_statistics,
    items,
    price_bands,
    sequences,
    user_statistics,
)

STEPS: Final[tuple[Step, ...]] = (
    events.STEP,
    price_bands.STEP,
    items.STEP,
    item_statistics.STEP,
    user_statistics.STEP,
    contexts.STEP,
    interactions.STEP,
    sequences.STEP,
)
"""A step reads what was exported and what earlier steps made."""
