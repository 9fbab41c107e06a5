"""What follows once somebody looks at an item: carts, purchases, likes, and, days later, ratings and reviews."""

from dataclasses import dataclass

import numpy as np

from lab.boutique.calendar import Times
from lab.boutique.catalogue import Column, Flags
from lab.boutique.day import Day
from lab.boutique.memory import note_interest, note_purchases
from lab.boutique.wording.people import comment, review
from lab.boutique.wording.vocabulary import LANGUAGES

ABANDONED = 0.10
"""Carts without a purchase, as a share of looks."""
SOCIAL = {"favourite": 0.10, "like": 0.07, "share": 0.025, "comment": 0.006}
"""Actions of somebody who likes what they see, scaled by how well it suits them."""
UNDONE = {"favourite": "unfavourite", "like": "unlike"}
REORDER_DAYS = 6
"""Days before a consumable may be bought again."""
REORDER_SHARE = 0.30
"""Chance of doing so at a later visit."""


@dataclass(frozen=True)
class Interest:
    """Somebody looks at an item, in columns."""

    user: Column
    session: Column
    item: Column
    time_ms: Times

    def where(self, chosen: Flags) -> "Interest":
        """The rows that are chosen."""
        return Interest(self.user[chosen], self.session[chosen], self.item[chosen], self.time_ms[chosen])


def follow_up(day: Day, looks: Interest, rng: np.random.Generator) -> None:
    """Log a view of each item and all that comes of it."""
    day.log.add("view", looks.session, looks.time_ms, item=looks.item)
    note_interest(day.memory, day.world.catalogue, looks.user, looks.item, 1.0)
    bought = rng.random(len(looks.user)) < day.purchase_probability(looks.user, looks.item)
    bought &= ~_bought_twice(looks)
    abandoned = ~bought & (rng.random(len(looks.user)) < ABANDONED)
    _fill_carts(day, looks.where(bought | abandoned), rng)
    _empty_carts(day, looks.where(abandoned), rng)
    check_out(day, looks.where(bought), rng)
    _like(day, looks, rng)


def check_out(day: Day, purchases: Interest, rng: np.random.Generator) -> None:
    """Log purchases, and for some the rating, review or return that follows in the same visit or days later."""
    consumable = day.world.catalogue.consumable[purchases.item]
    quantity = np.where(consumable, rng.integers(1, 4, len(consumable)), 1)
    price = day.offer.price_minor[purchases.item]
    paid = purchases.time_ms + rng.integers(45_000, 75_000, len(price))
    day.log.add("purchase", purchases.session, paid, item=purchases.item, quantity=quantity, price_minor=price)
    note_interest(day.memory, day.world.catalogue, purchases.user, purchases.item, 4.0)
    note_purchases(day.memory, day.world.catalogue, purchases.user, purchases.item, day.number)
    _judge_earlier(day, purchases, rng)


def reorder(day: Day, rng: np.random.Generator) -> None:
    """Visitors buy consumables again that they bought a while ago."""
    visit_of = dict(zip(day.visitors.tolist(), range(len(day.visits)), strict=True))
    kept: list[tuple[int, int, int]] = []
    again: list[tuple[int, int, int]] = []
    for user, item, bought_day in day.memory.larder:
        visit = visit_of.get(user)
        due = visit is not None and day.number - bought_day >= REORDER_DAYS and rng.random() < REORDER_SHARE
        if due and visit is not None and day.allowed[visit, item]:
            again.append((user, int(day.visits[visit]), item))
        else:
            kept.append((user, item, bought_day))
    day.memory.larder[:] = kept
    users, sessions, items = np.array(again, dtype=np.int64).reshape(-1, 3).T
    start = day.world.sessions.start_ms[sessions] + 30_000 + 2_000 * np.arange(len(items))
    looks = Interest(users, sessions, items, start)
    day.log.add("view", sessions, start, item=items)
    _fill_carts(day, looks, rng)
    check_out(day, looks, rng)


def _bought_twice(looks: Interest) -> Flags:
    """Rows that repeat an earlier row's session and item."""
    keys = looks.session * 1_000_000 + looks.item
    repeated = np.ones(len(keys), dtype=bool)
    repeated[np.unique(keys, return_index=True)[1]] = False
    return repeated


def _fill_carts(day: Day, looks: Interest, rng: np.random.Generator) -> None:
    filled = looks.time_ms + rng.integers(9_000, 30_000, len(looks.item))
    price = day.offer.price_minor[looks.item]
    day.log.add("cart", looks.session, filled, item=looks.item, quantity=1, price_minor=price)
    note_interest(day.memory, day.world.catalogue, looks.user, looks.item, 2.0)


def _empty_carts(day: Day, looks: Interest, rng: np.random.Generator) -> None:
    emptied = looks.where(rng.random(len(looks.item)) < 0.25)
    day.log.add("uncart", emptied.session, emptied.time_ms + 60_000, item=emptied.item, quantity=1)


def _like(day: Day, looks: Interest, rng: np.random.Generator) -> None:
    """Favourites, likes, shares and comments, the more the better the item suits the user."""
    suits = np.einsum("kf,kf->k", day.world.click_weights[looks.user], day.features[looks.item])
    warmth = 2 / (1 + np.exp(-(suits + 1.0)))
    for action, share in SOCIAL.items():
        chosen = looks.where(rng.random(len(looks.item)) < share * warmth)
        words = _comments(day, chosen, rng) if action == "comment" else -1
        day.log.add(action, chosen.session, chosen.time_ms + 5_000, item=chosen.item, words=words)
        if action in UNDONE:
            regretted = chosen.where(rng.random(len(chosen.item)) < 0.04)
            day.log.add(UNDONE[action], regretted.session, regretted.time_ms + 8_000, item=regretted.item)


def _comments(day: Day, looks: Interest, rng: np.random.Generator) -> Column:
    languages = day.world.users.language[looks.user]
    return np.array([day.log.say(comment(LANGUAGES[k], rng)) for k in languages.tolist()], dtype=np.int64)


def _judge_earlier(day: Day, purchases: Interest, rng: np.random.Generator) -> None:
    """A third of the buyers rate what they bought at a later visit; some of them write, a few send it back."""
    for k in np.flatnonzero(rng.random(len(purchases.item)) < 0.36).tolist():
        user, item = int(purchases.user[k]), int(purchases.item[k])
        session = _later_session(day, user, int(purchases.time_ms[k]))
        if session is None:
            continue
        stars = _stars(day, user, item, rng)
        row, moment = np.array([session]), np.array([day.world.sessions.start_ms[session] + 15_000])
        if stars <= 2 and rng.random() < 0.4:
            day.log.add("return", row, moment - 2_000, item=item, quantity=1)
        day.log.add("rate", row, moment, item=item, rating=stars)
        if rng.random() < 0.45:
            language = LANGUAGES[day.world.users.language[user]]
            words = day.log.say(review(language, stars, rng))
            day.log.add("review", row, moment + 20_000, item=item, rating=stars, words=words)


def _later_session(day: Day, user: int, after_ms: int) -> int | None:
    """The user's first session that starts two days later or more."""
    rows = day.world.sessions_of(user)
    later = rows[day.world.sessions.start_ms[rows] > after_ms + 2 * 86_400_000]
    return int(later[0]) if len(later) else None


def _stars(day: Day, user: int, item: int, rng: np.random.Generator) -> int:
    """One to five: quality and taste, and a mood."""
    quality = float(day.world.catalogue.families[day.world.catalogue.family[item]].quality)
    taste = float(day.world.click_weights[user] @ day.features[item])
    return int(np.clip(round(3.9 + 0.7 * quality + 0.2 * taste + float(rng.normal(0, 0.8))), 1, 5))
