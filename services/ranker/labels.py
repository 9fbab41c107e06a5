"""Releases of a shop and the moving of their labels: promote, roll back, and who is ready."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from services.kit.errors import Conflict, NotFound, NotReady
from services.kit.label_moves import ask_for, end_asking, move_labels
from services.kit.release import Labels, Release, ReleaseBroken, ReleaseDirectory

LOG = logging.getLogger(__name__)

POLL_S = 0.2
ASKING_GRACE_S = 5.0
"""A release is asked for this much longer than a promotion waits: only one whose process died lets it run out."""

ReadyServices = Callable[[str], Awaitable[Mapping[str, frozenset[str]]]]
"""shop_id → for each service, the releases that every one of its replicas has ready."""


@dataclass(frozen=True)
class ListedRelease:
    """A release with what is true of it now."""

    release: Release
    labels: Sequence[str]
    """Of "stable", "canary", "previous"."""
    ready_services: Sequence[str]


class ReleaseLabels:
    """Moves labels. Any replica may: whoever decided on labels that have moved since is told so."""

    def __init__(self, root: Path, ready_services: ReadyServices) -> None:
        self._root = root
        self._ready_services = ready_services

    async def list_releases(self, shop_id: str) -> list[ListedRelease]:
        """All releases of a shop, newest first; broken ones are left out, as nobody can serve them."""
        directory = ReleaseDirectory(self._root, shop_id)
        ready = await self._ready_services(shop_id)
        labels = await asyncio.to_thread(directory.labels)
        releases = await asyncio.to_thread(_open_all, directory)
        return [_listed(release, labels, ready) for release in releases]

    async def promote(self, shop_id: str, release_id: str, label: str, wait_s: float) -> ListedRelease:
        """Have every service load the release, and move `label` ("stable" or "canary") once all have it ready.

        Raises: NotFound (RELEASE_UNKNOWN); NotReady (RELEASE_NOT_READY) naming the services that were not; Conflict
        (LABELS_CONTENDED) when somebody else moves this shop's labels.
        """
        directory = ReleaseDirectory(self._root, shop_id)
        release = await asyncio.to_thread(directory.open, release_id)
        before = await asyncio.to_thread(directory.labels)
        owner = uuid4().hex
        try:
            # Not in a thread: of a call that is cancelled meanwhile it would ask after the end.
            ask_for(directory, release_id, datetime.now(UTC), wait_s + ASKING_GRACE_S, owner)
            ready = await self._until_ready(shop_id, release_id, wait_s)
            labels = await asyncio.to_thread(_promoted, directory, before, label, release_id)
        finally:
            end_asking(directory, release_id, datetime.now(UTC), owner)  # at once: a cancelled call awaits nothing more
        return _listed(release, labels, ready)

    async def roll_back(self, shop_id: str, wait_s: float) -> ListedRelease:
        """Make previous stable, and stable previous.

        Raises: NotReady (NO_PREVIOUS_RELEASE or RELEASE_NOT_READY); Conflict (LABELS_CONTENDED): of two who roll back
        at once the second would undo what the first did.
        """
        directory = ReleaseDirectory(self._root, shop_id)
        before = await asyncio.to_thread(directory.labels)
        previous = (await asyncio.to_thread(_of_what_is_there, directory, before)).previous
        if not previous:
            raise NotReady(
                f"shop {shop_id} has no previous release to go back to; promote one with PromoteRelease",
                reason="NO_PREVIOUS_RELEASE",
            )
        release = await asyncio.to_thread(directory.open, previous)
        ready = await self._until_ready(shop_id, previous, wait_s)
        labels = await asyncio.to_thread(_move, directory, before, "stable", previous)
        return _listed(release, labels, ready)

    async def _until_ready(self, shop_id: str, release_id: str, wait_s: float) -> Mapping[str, frozenset[str]]:
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + wait_s
        while True:
            ready = await self._ready_services(shop_id)
            late = sorted(service for service, releases in ready.items() if release_id not in releases)
            if not late:
                return ready
            if loop.time() >= ends_s:
                raise NotReady(
                    f"{', '.join(late)} did not report {release_id} ready within {wait_s:g} s; see their logs",
                    reason="RELEASE_NOT_READY",
                    metadata={"release_id": release_id, "not_ready": ",".join(late)},
                )
            await asyncio.sleep(POLL_S)


def with_label(labels: Labels, label: str, release_id: str) -> Labels:
    """The labels after a move. A new stable makes the old one previous and ends a canary of the same release."""
    if label == "canary":
        return labels.model_copy(update={"canary": release_id})
    if labels.stable == release_id:
        return labels
    canary = None if labels.canary == release_id else labels.canary
    return Labels(stable=release_id, canary=canary, previous=labels.stable)


def _promoted(directory: ReleaseDirectory, before: Labels, label: str, release_id: str) -> Labels:
    try:
        return _move(directory, before, label, release_id)
    except Conflict:
        now = directory.labels()
        if now.model_dump()[label] == release_id:  # asked for twice: the other call did it
            return now
        raise


def _move(directory: ReleaseDirectory, before: Labels, label: str, release_id: str) -> Labels:
    labels = with_label(_of_what_is_there(directory, before), label, release_id)
    move_labels(directory, before, labels)
    return labels


def _of_what_is_there(directory: ReleaseDirectory, labels: Labels) -> Labels:
    """The labels without those of releases that were removed from the disk."""
    there = frozenset(directory.list_ids())
    named = labels.model_dump()
    return Labels(**{label: release_id if release_id in there else None for label, release_id in named.items()})


def _open_all(directory: ReleaseDirectory) -> list[Release]:
    releases = []
    for release_id in directory.list_ids():
        try:
            releases.append(directory.open(release_id))
        except (NotFound, ReleaseBroken) as problem:
            LOG.warning("a release cannot be listed", extra={"fields": {"problem": str(problem)}})
    return releases


def _listed(release: Release, labels: Labels, ready: Mapping[str, frozenset[str]]) -> ListedRelease:
    release_id = release.release_id
    named = [label for label, labelled in labels.model_dump().items() if labelled == release_id]
    return ListedRelease(release, named, sorted(s for s, releases in ready.items() if release_id in releases))
