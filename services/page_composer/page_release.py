"""The part of a release that pages need: examination curves and the fallback items."""

import asyncio
from dataclasses import dataclass

from services.kit.release import Release
from services.page_composer.examination import Examination, read_examination
from services.page_composer.fallback import Fallback, read_fallback

EXAMINATION_FILE = "page/examination.json"
FALLBACK_FILE = "page/fallback.json"


@dataclass(frozen=True)
class PageRelease:
    """What this service keeps loaded of a release."""

    release_id: str
    examination: Examination
    fallback: Fallback


NO_RELEASE = PageRelease("", Examination(), Fallback())
"""Where a shop has no release: prior examination, nothing to fall back on."""


async def load_page_release(release: Release) -> PageRelease:
    """Read a release's page files. Raises: ReleaseBroken; KeyError or ValueError when one is malformed."""
    return await asyncio.to_thread(_read, release)


def _read(release: Release) -> PageRelease:
    curves = release.has(EXAMINATION_FILE)
    examination = read_examination(release.load_json(EXAMINATION_FILE)) if curves else Examination()
    return PageRelease(release.release_id, examination, read_fallback(release.load_json(FALLBACK_FILE)))
