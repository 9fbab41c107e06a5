"""What a page needs of the world outside, as the pipeline sees it. Adapters are in `upstreams.py`, fakes in the
tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from services.page_composer.candidates import ScoredPools
from services.page_composer.page import Degraded, Display, Page
from services.page_composer.pools import Pool
from services.page_composer.visit import Profile, Visit


class ReleaseRefused(Exception):  # noqa: N818  named for what happened
    """A dependency does not have the page's release loaded."""

    def __init__(self, dependency: str) -> None:
        super().__init__(f"{dependency} does not have the release")
        self.dependency = dependency


@dataclass(frozen=True)
class Met:
    """A profile as read, and as received: the ranker is handed the latter."""

    profile: Profile
    message: Any = None


NOBODY = Met(Profile())


@dataclass(frozen=True)
class Recommended:
    """Scored pools, and what the ranker itself had to do without."""

    scored: ScoredPools
    degraded: Degraded | None = None


@dataclass(frozen=True)
class LateCheck:
    """What item_vision says of items that the index holds: those not named are as the index knows them."""

    changed: Mapping[str, Display]
    missing: frozenset[str]


class Profiles(Protocol):
    """user_profile."""

    async def meet(self, visit: Visit, release_id: str, min_version: int, *, as_of: bool, timeout_s: float) -> Met:
        """The visitor's profile. Raises: DependencyDown; ReleaseRefused."""


class Ranker(Protocol):
    """ranker."""

    async def recommend(
        self, visit: Visit, release_id: str, met: Met, pools: Mapping[str, Pool], timeout_s: float
    ) -> Recommended:
        """All pools of a page, scored once. Raises: DependencyDown; ReleaseRefused."""


class Catalogue(Protocol):
    """item_vision."""

    async def late_check(self, shop_id: str, held: Mapping[str, int], locale: str, timeout_s: float) -> LateCheck:
        """What became of items since the held revision of each (0: none is held). Raises: DependencyDown."""


class Views(Protocol):
    """How often campaigns were seen."""

    async def seen(self, visit: Visit, campaign_ids: Sequence[str], timeout_s: float) -> Mapping[str, int]:
        """Views of this visitor in the last 24 hours. Raises: DependencyDown."""


class PageLog(Protocol):
    """Where pages go after they were answered."""

    def put(self, page: Page, visit: Visit) -> None:
        """Take a page; never waits and never fails the page."""
