"""A small boutique in memory, and a smaller one on disk, made once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from lab.boutique import Summary, generate
from lab.boutique.behaviour import History, live_through
from lab.boutique.calendar import Calendar
from lab.boutique.catalogue import make_catalogue
from lab.boutique.changes import make_plan
from lab.boutique.day import World, make_world
from lab.boutique.event_lines import sign_in_ms
from lab.boutique.event_log import ACTIONS
from lab.boutique.sessions import make_sessions
from lab.boutique.users import make_users

END = date(2026, 3, 1)


@dataclass(frozen=True)
class Life:
    """A world, what happened in it, and when its sessions signed in."""

    world: World
    history: History
    signed_in_ms: np.ndarray

    def rows(self, *actions: str) -> np.ndarray:
        return np.flatnonzero(np.isin(self.history.events.action, [ACTIONS.index(action) for action in actions]))

    def users(self, rows: np.ndarray) -> np.ndarray:
        return self.world.sessions.user[self.history.events.session[rows]]

    def field(self, name: str, rows: np.ndarray) -> np.ndarray:
        return self.history.events.fields[name][rows]


@pytest.fixture(scope="session")
def life() -> Life:
    rng = np.random.default_rng(11)
    calendar = Calendar(END)
    catalogue = make_catalogue(800, calendar, rng)
    people = make_users(900, rng)
    sessions, plan = make_sessions(people, calendar, rng), make_plan(catalogue, calendar, rng)
    world = make_world(calendar, catalogue, people, sessions, plan)
    history = live_through(world, rng, lambda day: None)
    return Life(world, history, sign_in_ms(history.events, sessions, rng))


@dataclass(frozen=True)
class Exported:
    folder: Path
    summary: Summary
    told: list[tuple[str, int, int]]


@pytest.fixture(scope="session")
def export_boutique() -> Callable[[Path, int], Exported]:
    def export(folder: Path, seed: int) -> Exported:
        told: list[tuple[str, int, int]] = []
        summary = generate(folder, seed=seed, end=END, items=160, users=90, progress=lambda *step: told.append(step))
        return Exported(folder, summary, told)

    return export


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, export_boutique: Callable[[Path, int], Exported]) -> Exported:
    return export_boutique(tmp_path_factory.mktemp("boutique") / "shop", 5)
