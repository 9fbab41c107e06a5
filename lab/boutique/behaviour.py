"""Behaviour: what everybody did, day after day."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lab.boutique.aftermath import reorder
from lab.boutique.catalogue import Column
from lab.boutique.day import Day, World, begin_day
from lab.boutique.event_log import EventLog, Events
from lab.boutique.home_pages import show_home_pages
from lab.boutique.memory import POPULARITY_DECAY, Memory, empty_memory
from lab.boutique.searches import look_around


@dataclass(frozen=True)
class History:
    """All that happened, and how it left everybody."""

    events: Events
    memory: Memory


def live_through(world: World, rng: np.random.Generator, progress: Callable[[int], None]) -> History:
    """Simulate every day; `progress` is told the number of days done."""
    memory = empty_memory(world.catalogue, world.users, world.intents.first(rng))
    log, pages = EventLog(), 0
    for number in range(world.calendar.days):
        day = begin_day(world, memory, log, number)
        pages += _live_one_day(day, pages, rng)
        memory.popularity *= POPULARITY_DECAY
        progress(number + 1)
    return History(log.ordered(), memory)


def _live_one_day(day: Day, pages: int, rng: np.random.Generator) -> int:
    """A visit begins on the home page, may buy something again, and looks around; answers how many pages were shown."""
    users: Column = np.unique(day.visitors)
    day.memory.intent[users] = day.world.intents.next(users, day.memory.intent[users], rng)
    shown = show_home_pages(day, day.click_probability(day.memory.intent[day.visitors]), pages, rng)
    reorder(day, rng)
    look_around(day, rng)
    return shown
