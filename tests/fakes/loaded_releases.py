"""The releases a service has loaded, as a test sets them."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from services.kit.errors import NotReady


class HasReleaseId(Protocol):
    """What a service loads of a release."""

    @property
    def release_id(self) -> str: ...


Release = TypeVar("Release", bound=HasReleaseId)


@dataclass
class LoadedReleases(Generic[Release]):
    """Stands in for a service's releases on disk; none are ready at first."""

    loaded: dict[str, dict[str, Release]] = field(default_factory=lambda: defaultdict(dict))
    stable: dict[str, str] = field(default_factory=dict)

    def put(self, shop_id: str, release: Release) -> None:
        """Make a release ready and stable."""
        self.loaded[shop_id][release.release_id] = release
        self.stable[shop_id] = release.release_id

    def get(self, shop_id: str, release_id: str = "") -> Release:
        wanted = release_id or self.stable.get(shop_id, "")
        if wanted not in self.loaded[shop_id]:
            raise NotReady("not ready here", reason="RELEASE_NOT_READY", metadata={"release_id": wanted})
        return self.loaded[shop_id][wanted]

    def ready_ids(self, shop_id: str) -> list[str]:
        return sorted(self.loaded[shop_id], key=lambda release_id: int(release_id[1:]), reverse=True)
