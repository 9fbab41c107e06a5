"""What an earlier demo has left in a work folder, so that it need not be done again."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

FILE_NAME = "demo-state.json"


@dataclass(frozen=True)
class DemoState:
    """Steps that are done. Each is only believed while what it made is still there."""

    seed: int = 0
    items: int = 0
    users: int = 0
    boutique_end: str = ""
    """The date at which the generated boutique's time ends; empty: none was generated."""
    imported: bool = False
    """Whether all of it is in the services."""
    release_id: str = ""
    """The release that was promoted."""


class AnotherBoutique(Exception):  # noqa: N818  named like the errors of kit
    """The work folder holds a boutique of another seed or size; the message says what to do."""


def read_state(work: Path, seed: int, items: int, users: int) -> DemoState:
    """Return what is done for a boutique of this seed and size.

    Raises: AnotherBoutique: two boutiques share ids, so one database cannot hold both.
    """
    try:
        state = DemoState(**json.loads((work / FILE_NAME).read_text(encoding="utf-8")))
    except (OSError, json.JSONDecodeError, TypeError):
        return DemoState(seed, items, users)
    if (state.seed, state.items, state.users) != (seed, items, users):
        raise AnotherBoutique(
            f"{work} holds the boutique of seed {state.seed} with {state.items} items and {state.users} users; "
            f"for another one give another folder with --work, or empty this one with `vitrine clean --work {work}`"
        )
    if not (work / "releases" / "boutique" / state.release_id / "release.json").exists():
        state = replace(state, release_id="")
    return state


def write_state(work: Path, state: DemoState) -> None:
    """Remember what is done."""
    draft = work / f"{FILE_NAME}.new"
    draft.write_text(json.dumps(asdict(state), indent=2) + "\n", encoding="utf-8")
    draft.replace(work / FILE_NAME)
