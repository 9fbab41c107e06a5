"""The home page of each visit: impressions, clicks by examination and taste, and what people hide."""

import numpy as np

from lab.boutique.aftermath import Interest, follow_up
from lab.boutique.catalogue import Column
from lab.boutique.day import Day
from lab.boutique.examination import examination_tables
from lab.boutique.logging_policy import SHELVES, Slots, Today, lay_out, rank_shelves
from lab.boutique.memory import note_hidden
from lab.boutique.users import Matrix

HOME_SHARE = 0.92
"""Visits that begin on the home page; the others come by a link or go straight to a search."""
ROW_MS, COLUMN_MS = 6_000, 900
"""Reading speed."""


def show_home_pages(day: Day, click_probability: Matrix, first_page: int, rng: np.random.Generator) -> int:
    """Show each visit its page, log what happens, and say how many pages there were."""
    chosen = np.flatnonzero(rng.random(len(day.visits)) < HOME_SHARE)
    world = day.world
    today = Today(day.offer, world.calendar.day_ms(day.number), day.allowed[chosen])
    shelves = rank_shelves(world.catalogue, day.memory, day.visitors[chosen], today, rng)
    devices = world.sessions.device[day.visits[chosen]]
    slots = lay_out(shelves, world.catalogue.family, devices, rng)
    place = _places(day, slots, first_page)
    visit = chosen[slots.visit]
    session, start = day.visits[visit], day.start_ms[visit]
    day.log.add("impression", session, start + slots.row * 40, item=slots.item, **place)
    seen = rng.random(len(visit)) < examination_tables()[devices[slots.visit], slots.row, slots.column]
    probability = click_probability[visit, slots.item]
    clicked = seen & (rng.random(len(visit)) < probability)
    pause = 4_000 + slots.row * ROW_MS + slots.column * COLUMN_MS + rng.integers(0, 800, len(visit))
    at = {name: column[clicked] for name, column in place.items()}
    clicks = Interest(day.visitors[visit[clicked]], session[clicked], slots.item[clicked], (start + pause)[clicked])
    day.log.add("click", clicks.session, clicks.time_ms, item=clicks.item, **at)
    follow_up(day, Interest(clicks.user, clicks.session, clicks.item, clicks.time_ms + 350), rng)
    disliked = seen & ~clicked & (probability < 0.02) & (rng.random(len(visit)) < 0.006)
    day.log.add("hide", session[disliked], (start + pause)[disliked], item=slots.item[disliked])
    note_hidden(day.memory, world.catalogue, day.visitors[visit[disliked]], slots.item[disliked])
    return len(chosen)


def _places(day: Day, slots: Slots, first_page: int) -> dict[str, Column]:
    """Page, section, row and column of every slot; a section is named after its shelf and its row."""
    numbers = np.array([[day.log.section(f"{shelf}:{row}") for row in range(16)] for shelf in SHELVES], dtype=np.int64)
    return {
        "page": first_page + slots.visit,
        "section": numbers[slots.shelf, slots.row],
        "row": slots.row,
        "column": slots.column,
    }
