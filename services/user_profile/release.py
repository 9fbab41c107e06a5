"""What user_profile loads of a release: the encoder of users and the facets of items."""

import asyncio
from dataclasses import dataclass

from services.kit.release import Release, ReleaseBroken
from services.user_profile.facets import Facets
from services.user_profile.model.encoder import Encoder


@dataclass(frozen=True)
class ProfileRelease:
    """A release as this service uses it."""

    release_id: str
    facets: Facets
    encoder: Encoder


async def load_release(release: Release) -> ProfileRelease:
    """Read and warm up what is needed, outside the event loop. Raises: ReleaseBroken when parts do not fit together."""
    return await asyncio.to_thread(_read, release)


def _read(release: Release) -> ProfileRelease:
    facets, encoder = Facets.load(release.path), Encoder.load(release.path)
    if encoder.item_count != len(facets.row_of):
        raise ReleaseBroken(
            f"{release.release_id}: the encoder reads {encoder.item_count} items, "
            f"the vocabulary has {len(facets.row_of)}"
        )
    if release.manifest.spaces.get("user") != encoder.space_id:
        raise ReleaseBroken(f"{release.release_id}: the manifest's user space is not the encoder's {encoder.space_id}")
    return ProfileRelease(release.release_id, facets, encoder)
