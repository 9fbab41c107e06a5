"""Makes a whole boutique: catalogue, people, what they did, pictures, files, truth."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np

from lab.boutique.behaviour import History, live_through
from lab.boutique.calendar import Calendar
from lab.boutique.campaigns import campaign_lines
from lab.boutique.catalogue import make_catalogue
from lab.boutique.change_lines import change_lines
from lab.boutique.changes import make_plan
from lab.boutique.day import World, make_world
from lab.boutique.drawing_pool import DrawingPool, drawing
from lab.boutique.event_lines import event_lines, sign_in_ms
from lab.boutique.export import write_jsonl, write_lines
from lab.boutique.item_lines import item_lines
from lab.boutique.sessions import make_sessions
from lab.boutique.truth_files import write_truth
from lab.boutique.users import make_users

Progress = Callable[[str, int, int], None]
MANIFEST = "boutique.json"
"""Marks a folder as a generated boutique."""


@dataclass(frozen=True)
class Summary:
    """What was generated."""

    seed: int
    end: str
    items: int
    families: int
    pictures: int
    users: int
    sessions: int
    events: int
    item_changes: int
    campaigns: int


def generate(
    target: Path,
    *,
    seed: int,
    end: date,
    items: int = 2400,
    users: int = 3200,
    progress: Progress = lambda phase, done, total: None,
) -> Summary:
    """Write a boutique to `target`: the same bytes for the same arguments.

    Written beside `target` first and moved there when complete. `progress(phase, done, total)` is called with the
    phases "days", "pictures" and "files". Time ends at midnight UTC at which `end` begins.

    Raises:
        FileExistsError: `target` holds something that is not a generated boutique.
        ValueError: fewer than 100 items or 20 users.

    """
    if items < 100 or users < 20:
        raise ValueError(f"a boutique needs at least 100 items and 20 users, not {items} and {users}")
    if target.exists() and any(target.iterdir()) and not (target / MANIFEST).exists():
        raise FileExistsError(f"{target} is not a generated boutique; choose an empty folder")
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    calendar = Calendar(end)
    world = _found(calendar, items, users, rng)
    with drawing(world.catalogue, partial) as pool:
        history = live_through(world, rng, lambda day: _tell(progress, pool, day, calendar.days))
        summary = _write(partial, world, history, rng, progress)
        for done in pool.as_they_finish():
            progress("pictures", done, pool.total)
    full = Summary(seed=seed, end=end.isoformat(), **summary)
    (partial / MANIFEST).write_text(json.dumps(asdict(full), indent=2) + "\n", encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    partial.replace(target)
    return full


def _found(calendar: Calendar, items: int, users: int, rng: np.random.Generator) -> World:
    catalogue = make_catalogue(items, calendar, rng)
    people = make_users(users, rng)
    return make_world(
        calendar, catalogue, people, make_sessions(people, calendar, rng), make_plan(catalogue, calendar, rng)
    )


def _tell(progress: Progress, pool: DrawingPool, day: int, days: int) -> None:
    progress("days", day, days)
    progress("pictures", pool.done, pool.total)


def _write(
    target: Path, world: World, history: History, rng: np.random.Generator, progress: Progress
) -> dict[str, int]:
    """Write every file but the pictures; answers the counts of a Summary."""
    catalogue, events = world.catalogue, history.events
    lines = item_lines(catalogue, world.offers[-1])
    write_jsonl(target / "items.jsonl.gz", lines)
    progress("files", 1, 5)
    changes = change_lines(catalogue, world.plan, world.calendar, lines)
    write_jsonl(target / "item_changes.jsonl.gz", changes)
    progress("files", 2, 5)
    signed_in_ms = sign_in_ms(events, world.sessions, rng)
    write_lines(target / "events.jsonl.gz", event_lines(events, world.sessions, world.users, signed_in_ms))
    progress("files", 3, 5)
    campaigns = write_jsonl(target / "campaigns.jsonl", campaign_lines(world.calendar))
    progress("files", 4, 5)
    write_truth(target, world, history, signed_in_ms)
    progress("files", 5, 5)
    return {
        "items": catalogue.count,
        "families": len(catalogue.families),
        "pictures": len(catalogue.pictures),
        "users": world.users.count,
        "sessions": world.sessions.count,
        "events": events.count,
        "item_changes": len(changes),
        "campaigns": campaigns,
    }
