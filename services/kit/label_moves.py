"""Moving a shop's labels when several processes may: one lock, a comparison, and one release asked for at a time.

`labels.json` says what serves. `asked.json` beside it says which release somebody is about to promote: every process
that keeps releases loaded takes it in besides the labelled ones and the newest, so that any release can be promoted
and no more than one beyond those is ever held. It is a file because all of them read the folder anyway, the model
server included.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, ValidationError

from services.kit.errors import Conflict
from services.kit.release import Labels, ReleaseDirectory, write_atomically

ASKED_FILE = "asked.json"
LOCK_FILE = ".labels.lock"
LABELS_CONTENDED = "LABELS_CONTENDED"


class Asked(BaseModel):
    """`asked.json`: which release is to be loaded, and until when; a process that died must not keep it for ever."""

    model_config = ConfigDict(frozen=True)

    release_id: str
    until: datetime
    owners: dict[str, datetime] = {}
    """Who asks, each until its own time; `until` is the latest of them. Two may ask for one release."""


def wanted_ids(directory: ReleaseDirectory, labels: Labels, now: datetime) -> list[str]:
    """Return what should be loaded: stable, canary, previous, the newest, and what is asked for; at most five."""
    asked = asked_id(directory, now)
    published = directory.list_ids()
    named = [labels.stable, labels.canary, labels.previous, *published[:1], asked if asked in published else None]
    return list(dict.fromkeys(release_id for release_id in named if release_id))


def asked_id(directory: ReleaseDirectory, now: datetime) -> str | None:
    """Return the release that is asked for now; None also while the file cannot be read."""
    asked = _asked(directory, now)
    return asked.release_id if asked else None


def ask_for(directory: ReleaseDirectory, release_id: str, now: datetime, for_s: float, owner: str = "") -> None:
    """Have every process load a release for a time, or until its `owner` ends asking.

    Raises: Conflict (LABELS_CONTENDED) while another one is asked for.
    """
    with _locked(directory):
        asked = _asked(directory, now)
        if asked is not None and asked.release_id != release_id:
            raise _contended(directory.shop_id, f"{asked.release_id} is being promoted")
        before = asked.owners if asked else {}
        _write(directory, release_id, {**before, owner: now + timedelta(seconds=for_s)})


def end_asking(directory: ReleaseDirectory, release_id: str, now: datetime, owner: str = "") -> None:
    """Take back what the owner asked for; what anybody else asks for is left alone."""
    with _locked(directory):
        asked = _asked(directory, now)
        if asked is not None and asked.release_id != release_id:
            return
        owners = asked.owners if asked else {}
        _write(directory, release_id, {other: until for other, until in owners.items() if other != owner})


def move_labels(directory: ReleaseDirectory, expected: Labels, labels: Labels) -> None:
    """Write labels if they are still those that the decision was made on.

    Raises: Conflict (LABELS_CONTENDED); NotFound when a labelled release is gone.
    """
    with _locked(directory):
        if directory.labels() != expected:
            raise _contended(directory.shop_id, "its labels have moved meanwhile")
        if labels != expected:
            directory.write_labels(labels)


def _asked(directory: ReleaseDirectory, now: datetime) -> Asked | None:
    """What is asked for now."""
    try:
        asked = Asked.model_validate_json((directory.path / ASKED_FILE).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    return asked if asked.until > now else None


def _write(directory: ReleaseDirectory, release_id: str, owners: dict[str, datetime]) -> None:
    path = directory.path / ASKED_FILE
    if owners:
        asked = Asked(release_id=release_id, until=max(owners.values()), owners=owners)
        write_atomically(path, asked.model_dump_json() + "\n")
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _locked(directory: ReleaseDirectory) -> Iterator[None]:
    """Held for milliseconds, across processes and machines that mount one folder; a holder that dies lets go."""
    with (directory.path / LOCK_FILE).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _contended(shop_id: str, what: str) -> Conflict:
    return Conflict(
        f"shop {shop_id}: {what}; look at ListReleases and decide again",
        reason=LABELS_CONTENDED,
        metadata={"shop_id": shop_id},
    )
