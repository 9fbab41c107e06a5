"""What each user did, from the boutique's own event file: what a shop knows of its users, not the truth."""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

UNDOES = {"unfavourite": "favourite", "uncart": "cart", "return": "purchase", "unlike": "like", "unhide": "hide"}


@dataclass
class Deeds:
    """A user's deeds, impressions left out."""

    items: dict[str, set[str]] = field(default_factory=dict)
    """Action → items it was done to."""
    queries: set[str] = field(default_factory=set)
    region: str = ""
    locale: str = "en"
    count: int = 0

    def any_of(self, *actions: str) -> set[str]:
        """Items that any of the actions was done to."""
        return set().union(*(self.items.get(action, set()) for action in actions))


def deeds_by_user(path: Path) -> Mapping[str, Deeds]:
    """Read `events.jsonl.gz`. An anonymous session's deeds count for the user it later signed in as."""
    found: dict[str, Deeds] = {}
    user_of: dict[str, str] = {}
    for event in _events(path):
        if event.get("user_id") and event.get("session_id"):
            user_of.setdefault(event["session_id"], event["user_id"])
    for event in _events(path):
        user_id = event.get("user_id") or user_of.get(event.get("session_id", ""))
        if not user_id or event["action"] == "impression":
            continue
        deeds = found.setdefault(user_id, Deeds())
        deeds.count += 1
        deeds.region = event.get("region") or deeds.region
        deeds.locale = event.get("locale") or deeds.locale
        if event.get("query"):
            deeds.queries.add(event["query"])
        if event.get("item_id"):
            deeds.items.setdefault(event["action"], set()).add(event["item_id"])
    return found


def impression_counts(path: Path) -> tuple[dict[str, int], dict[str, int]]:
    """How often each item was acted on, and how often it was shown."""
    acted: dict[str, int] = {}
    shown: dict[str, int] = {}
    for event in _events(path):
        item_id = event.get("item_id")
        if item_id:
            counts = shown if event["action"] == "impression" else acted
            counts[item_id] = counts.get(item_id, 0) + 1
    return acted, shown


def _events(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
