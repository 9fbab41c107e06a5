"""Actions and devices by number, and what an action weighs, as expressions."""

from collections.abc import Mapping
from typing import Final

import ibis

from lab.importing.events import ACTIONS, DEVICES
from lab.preparation.integers import Column
from services.ranker.source import ACTION_WEIGHTS

HALVES: Final = 2
"""Weights are kept in halves: every weight is a whole number of them, and integers add up alike in any order."""

WEIGHT_HALVES: Final[Mapping[int, int]] = {action: round(weight * HALVES) for action, weight in ACTION_WEIGHTS.items()}


def action_number(name: Column) -> Column:
    """Number of the Action enum from its exported name; 0 for none."""
    return _number(name, ACTIONS)


def device_number(name: Column) -> Column:
    """Number of the Device enum from its exported name; 0 for none."""
    return _number(name, DEVICES)


def weight_halves(action: Column) -> Column:
    """What an action says of liking the item, in halves; 0 for impressions, hides and undoing."""
    return ibis.cases(*((action == number, weight) for number, weight in WEIGHT_HALVES.items()), else_=0).cast("int64")


def _number(name: Column, numbers: Mapping[str, int]) -> Column:
    return ibis.cases(*((name == each, number) for each, number in numbers.items()), else_=0).cast("int32")
