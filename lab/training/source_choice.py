"""Which candidate sources a release ships, by the names that models have on the leaderboard."""

from collections.abc import Mapping, Sequence
from typing import Final

from lab.leaderboard.model import names as leaderboard_names
from services.ranker.sources import SOURCE_NAMES

ALWAYS: Final = "popular"
"""Shipped whatever is chosen: it answers for everyone, and its scale is what popularity is worth in clicks."""

SOURCE_OF_MODEL: Final[Mapping[str, str]] = {"popularity": "popular"}
"""Where the leaderboard has another word: the contract and every release say `popular`, reports say `popularity`."""

DEFAULT_SOURCES: Final = SOURCE_NAMES
"""All there are, as decided by the figures in ADR 0032."""


class SourceUnknownError(ValueError):
    """A name that no candidate source of a release has; the message says which there are."""


def chosen_sources(wanted: Sequence[str]) -> tuple[str, ...]:
    """The sources of that name, each once, in the order of releases, with the one that is always shipped.

    Raises: SourceUnknownError.
    """
    sources = [SOURCE_OF_MODEL.get(name, name) for name in wanted]
    for name in sources:
        if name not in SOURCE_NAMES:
            known = f"the sources are {', '.join(SOURCE_NAMES)}"
            if name in leaderboard_names():
                raise SourceUnknownError(f"the model {name} is on the leaderboard only, no release serves it; {known}")
            raise SourceUnknownError(f"there is no candidate source {name!r}; {known}")
    return tuple(name for name in SOURCE_NAMES if name in sources or name == ALWAYS)
