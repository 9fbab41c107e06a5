"""Searches and browsing: what people look at beyond the home page."""

from dataclasses import dataclass

import numpy as np

from lab.boutique.aftermath import Interest, follow_up
from lab.boutique.brands import BRAND_NAMES
from lab.boutique.catalogue import Column, Flags
from lab.boutique.day import Day
from lab.boutique.departments import CATEGORIES
from lab.boutique.families import PATTERN_NAMES
from lab.boutique.logging_policy import rank
from lab.boutique.palette import COLOUR_NAMES
from lab.boutique.users import Matrix
from lab.boutique.wording.people import query
from lab.boutique.wording.vocabulary import LANGUAGES

STEPS = 4
"""Most searches or category pages in one visit."""
STEP_SHARE = 0.6
"""Chance of each further one."""
TYPED_SHARE = 0.72
"""Steps that are searches; the others are category pages, which leave no query."""
FIRST_STEP_MS, STEP_MS, LOOK_MS = 95_000, 110_000, 13_000
MAX_VIEWS = 6
MATCH = np.float32(2.6)
"""How strongly results answer a named colour, pattern or brand."""


@dataclass(frozen=True)
class Wish:
    """What each visit asks for: a category, and for some a colour, pattern or brand (−1 where none is named)."""

    category: Column
    colour: Column
    pattern: Column
    brand: Column


def look_around(day: Day, rng: np.random.Generator) -> None:
    """Let visits search or browse, step after step; the intent may move on before each."""
    going_on = np.arange(len(day.visits))
    for step in range(STEPS):
        going_on = going_on[rng.random(len(going_on)) < STEP_SHARE]
        if not len(going_on):
            return
        users = day.visitors[going_on]
        day.memory.intent[users] = day.world.intents.next(users, day.memory.intent[users], rng)
        _one_step(day, going_on, day.memory.intent[users], step, rng)


def _one_step(day: Day, chosen: Column, intents: Column, step: int, rng: np.random.Generator) -> None:
    users, sessions = day.visitors[chosen], day.visits[chosen]
    begin = day.start_ms[chosen] + FIRST_STEP_MS + step * STEP_MS + rng.integers(0, 9_000, len(chosen))
    typed = rng.random(len(chosen)) < TYPED_SHARE
    wish = _wishes(day, users, intents, typed, rng)
    words = _type_queries(day, users, wish, typed, rng)
    day.log.add("search", sessions[typed], begin[typed], words=words)
    looked_at = _results(day, chosen, wish, rng)
    wanted = np.minimum(1 + rng.poisson(2.0, len(chosen)), MAX_VIEWS)
    visit, place = np.nonzero((np.arange(looked_at.shape[1]) < wanted[:, None]) & (looked_at >= 0))
    time_ms = begin[visit] + LOOK_MS * (place + 1) + rng.integers(0, 4_000, len(visit))
    follow_up(day, Interest(users[visit], sessions[visit], looked_at[visit, place], time_ms), rng)


def _wishes(day: Day, users: Column, intents: Column, typed: Flags, rng: np.random.Generator) -> Wish:
    tastes = day.world.users
    colour = _favoured(tastes.colour[users], rng)
    pattern = _favoured(tastes.pattern[users], rng)
    brand = _favoured(1.5 * tastes.brand[users], rng)
    edible = np.array([category.consumable for category in CATEGORIES])[intents]
    named = rng.random((3, len(users))) < np.array([[0.34], [0.2], [0.12]])
    named &= typed & ~edible
    return Wish(intents, np.where(named[0], colour, -1), np.where(named[1], pattern, -1), np.where(named[2], brand, -1))


def _favoured(weights: Matrix, rng: np.random.Generator) -> Column:
    """One draw a row from the softmax of its tastes."""
    return np.asarray(np.argmax(1.6 * weights + rng.gumbel(size=weights.shape), axis=1))


def _type_queries(day: Day, users: Column, wish: Wish, typed: Flags, rng: np.random.Generator) -> Column:
    """The number of each typed query, in the user's language."""
    numbers = []
    names = {
        "colour": (wish.colour, COLOUR_NAMES),
        "pattern": (wish.pattern, PATTERN_NAMES),
        "brand": (wish.brand, BRAND_NAMES),
    }
    for row in np.flatnonzero(typed).tolist():
        said = {name: values[column[row]] for name, (column, values) in names.items() if column[row] >= 0}
        category = CATEGORIES[wish.category[row]]
        if rng.random() < 0.15:
            said["material"] = category.materials[rng.integers(len(category.materials))]
        language = LANGUAGES[day.world.users.language[users[row]]]
        numbers.append(day.log.say(query(language, category.path, said, int(rng.random() < 0.35))))
    return np.array(numbers, dtype=np.int64)


def _results(day: Day, chosen: Column, wish: Wish, rng: np.random.Generator) -> Column:
    """What each visit looks at, by taste, popularity and match, [visits, MAX_VIEWS]; −1 where there is no more."""
    catalogue = day.world.catalogue
    looked_at = np.full((len(chosen), MAX_VIEWS), -1)
    for category in np.unique(wish.category):
        rows, items = np.flatnonzero(wish.category == category), np.flatnonzero(catalogue.category == category)
        if not len(items):
            continue
        cells = np.ix_(chosen[rows], items)
        score = 1.3 * np.log(day.base[cells]) + 0.25 * np.log1p(day.memory.popularity[items]).astype(np.float32)
        score += MATCH * (catalogue.colour[items] == wish.colour[rows, None])
        score += MATCH * (catalogue.pattern[items] == wish.pattern[rows, None])
        score += MATCH * (catalogue.brand[items] == wish.brand[rows, None])
        best = rank(score, day.allowed[cells], MAX_VIEWS, rng)
        looked_at[rows, : best.shape[1]] = np.where(best >= 0, items[best], -1)
    return looked_at
