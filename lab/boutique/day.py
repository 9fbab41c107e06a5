"""One day of the boutique: its visits, its offer, and how likely everybody is to click on everything."""

from dataclasses import dataclass

import numpy as np

from lab.boutique.calendar import Calendar, Times
from lab.boutique.catalogue import Catalogue, Column, Flags
from lab.boutique.changes import Offer, Plan
from lab.boutique.event_log import EventLog
from lab.boutique.intents import Intents, make_intents
from lab.boutique.logging_policy import eligible
from lab.boutique.memory import Memory
from lab.boutique.response import CLICK, MAX_PROBABILITY, PURCHASE, item_features, sigmoid, user_weights
from lab.boutique.sessions import Sessions
from lab.boutique.trends import Trends, make_trends
from lab.boutique.users import Matrix, Users


@dataclass(frozen=True)
class World:
    """All that is fixed before the first day."""

    calendar: Calendar
    catalogue: Catalogue
    users: Users
    sessions: Sessions
    intents: Intents
    plan: Plan
    trends: Trends
    offers: list[Offer]
    """One a day, and the last for the end."""
    session_rows: Column
    """Rows of all sessions, grouped by user."""
    session_ends: Column
    """Where each user's group begins in `session_rows`, and the end."""
    click_weights: Matrix
    purchase_weights: Matrix

    def sessions_of(self, user: int) -> Column:
        """Rows of a user's sessions, in order of time."""
        return self.session_rows[self.session_ends[user] : self.session_ends[user + 1]]


@dataclass(frozen=True)
class Day:
    """What a day's visits have in common."""

    world: World
    memory: Memory
    log: EventLog
    number: int
    visits: Column
    """Rows of the day's sessions."""
    features: Matrix
    allowed: Flags
    """[visits, items]"""
    base: Matrix
    """P(click | seen) without an intent, [visits, items]."""

    @property
    def visitors(self) -> Column:
        """The user of each visit."""
        return self.world.sessions.user[self.visits]

    @property
    def start_ms(self) -> Times:
        """When each visit begins."""
        return self.world.sessions.start_ms[self.visits]

    @property
    def offer(self) -> Offer:
        """Prices and stock of the day."""
        return self.world.offers[self.number]

    def click_probability(self, intents: Column) -> Matrix:
        """P(click | seen) of every visit and item under the visits' present intents."""
        multipliers = self.world.intents.multipliers(self.visitors, intents)
        category = self.world.catalogue.category
        return np.asarray(np.minimum(self.base * multipliers[:, category], MAX_PROBABILITY))

    def purchase_probability(self, users: Column, items: Column) -> Matrix:
        """P(purchase | click) of pairs."""
        return sigmoid(np.einsum("kf,kf->k", self.world.purchase_weights[users], self.features[items]))


def make_world(calendar: Calendar, catalogue: Catalogue, users: Users, sessions: Sessions, plan: Plan) -> World:
    """Work out what stays the same."""
    return World(
        calendar=calendar,
        catalogue=catalogue,
        users=users,
        sessions=sessions,
        intents=make_intents(users.category),
        plan=plan,
        trends=make_trends(catalogue, calendar),
        offers=plan.offers(calendar.days),
        session_rows=np.argsort(sessions.user, kind="stable"),
        session_ends=np.searchsorted(np.sort(sessions.user), np.arange(users.count + 1)),
        click_weights=user_weights(users, CLICK),
        purchase_weights=user_weights(users, PURCHASE),
    )


def begin_day(world: World, memory: Memory, log: EventLog, number: int) -> Day:
    """Set the day up."""
    visits = world.sessions.of_day(world.calendar, number)
    visitors = world.sessions.user[visits]
    offer, now_ms = world.offers[number], world.calendar.day_ms(number)
    trend = world.trends.on_day(number)
    features = item_features(world.catalogue, offer.price_minor, offer.list_price_minor, trend)
    base = sigmoid(world.click_weights[visitors] @ features.T) * memory.factors[visitors][:, world.catalogue.family]
    allowed = eligible(world.catalogue, world.users, visitors, offer, now_ms)
    return Day(world, memory, log, number, visits, features, allowed, np.minimum(base, MAX_PROBABILITY))
