"""The part of a release that pages need: examination curves and the fallback items."""

import asyncio
from dataclasses import dataclass
from pathlib import PurePosixPath

from services.kit.release import Release
from services.page_composer.examination import Examination, read_examination
from services.page_composer.fallback import Fallback, read_fallback

EXAMINATION_FILE = "page/examination.json"
FALLBACK_FILE = "page/fallback.json"
SOURCES_FOLDER = PurePosixPath("sources")


@dataclass(frozen=True)
class PageRelease:
    """What this service keeps loaded of a release."""

    release_id: str
    examination: Examination
    fallback: Fallback
    sources: frozenset[str] = frozenset()
    """Candidate sources that the release ships a table of; a pool of another comes back empty."""


NO_RELEASE = PageRelease("", Examination(), Fallback())
"""Where a shop has no release: prior examination, nothing to fall back on."""


async def load_page_release(release: Release) -> PageRelease:
    """Read a release's page files. Raises: ReleaseBroken; KeyError or ValueError when one is malformed."""
    return await asyncio.to_thread(_read, release)


def _read(release: Release) -> PageRelease:
    has_curves, has_fallback = release.has(EXAMINATION_FILE), release.has(FALLBACK_FILE)
    examination = read_examination(release.load_json(EXAMINATION_FILE)) if has_curves else Examination()
    fallback = read_fallback(release.load_json(FALLBACK_FILE)) if has_fallback else Fallback()
    tables = (PurePosixPath(name) for name in release.manifest.files)
    sources = frozenset(table.stem for table in tables if table.parent == SOURCES_FOLDER)
    return PageRelease(release.release_id, examination, fallback, sources)
