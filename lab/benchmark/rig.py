"""The rig: a running ensemble with the one shop that is measured, and the ways to its services."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.benchmark.failures import BenchmarkFailed
from lab.benchmark.pages import Pages
from lab.supervisor.ensemble import Ensemble
from services.kit.channels import open_channel
from services.kit.release import ReleaseDirectory, version_of


@dataclass(frozen=True)
class MeasuredShop:
    """What pages are made of."""

    shop_id: str
    users: Sequence[str]
    """Users with histories; their pages are composed in turn."""
    item_ids: Sequence[str]
    """Items that events may be about: all, or enough of them."""
    item_count: int
    synthetic: bool
    """Whether the catalogue was made for the measurement and goes with it; else its users must be left alone."""


class Rig:
    """Channels to a running ensemble. Use as an async context; the ensemble is somebody else's to stop."""

    def __init__(self, ensemble: Ensemble, shop: MeasuredShop, run_id: str) -> None:
        self.ensemble = ensemble
        self.shop = shop
        self.run_id = run_id
        self._resources = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.composer = open_channel(self.ensemble.address("page_composer"), "vitrine.page_composer.v1")
        self.profiles = open_channel(self.ensemble.address("user_profile"), "vitrine.user_profile.v1")
        for channel in (self.composer, self.profiles):
            self._resources.push_async_callback(channel.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._resources.aclose()

    @property
    def work(self) -> Path:
        """The ensemble's folder."""
        return self.ensemble.work

    @property
    def releases(self) -> ReleaseDirectory:
        """The shop's releases."""
        return ReleaseDirectory(self.work / "releases", self.shop.shop_id)

    @property
    def stable(self) -> str:
        """The release in force. Raises: BenchmarkFailed when there is none."""
        stable = self.releases.labels().stable
        if not stable:
            raise BenchmarkFailed(f"shop {self.shop.shop_id} has no release in force; run make demo first")
        return stable

    @property
    def model(self) -> Path:
        """The SavedModel of the release in force."""
        return self.releases.path / self.stable / "fusion" / str(version_of(self.stable))

    def pages(self, part: str, users: Sequence[str] | None = None) -> Pages:
        """Pages of the shop's users, or of others; `part` keeps the page ids of parts apart."""
        return Pages(self.composer, self.shop.shop_id, users or self.shop.users, self.work, f"{self.run_id}-{part}")
