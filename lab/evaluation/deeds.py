"""What each user did: from the boutique's own event file, and from user_profile's export for what came after it.
What a shop knows of its users, not the truth.
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.channels import open_channel
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2, user_profile_pb2_grpc


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


def add_exported(addresses: Sequence[str], shop_id: str, user_ids: Sequence[str], deeds: Mapping[str, Deeds]) -> None:
    """Add to the users' deeds what their own data export holds: what was recorded since the file was written."""
    with open_channel(addresses, "vitrine.user_profile.v1") as channel:
        stub = user_profile_pb2_grpc.UserProfileServiceStub(channel)
        for user_id in user_ids:
            request = user_profile_pb2.ExportUserDataRequest(shop_id=shop_id, user_id=user_id)
            for record in stub.ExportUserData(request, timeout=30):
                if record.HasField("event"):
                    _add(deeds[user_id], record.event)


def _add(deeds: Deeds, event: user_profile_pb2.Event) -> None:
    if event.query:
        deeds.queries.add(event.query)
    if event.item_id:
        action = common_pb2.Action.Name(event.action).removeprefix("ACTION_").lower()
        deeds.items.setdefault(action, set()).add(event.item_id)


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
