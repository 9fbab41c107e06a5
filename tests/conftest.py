"""What every test shares: which tests this machine can run, and saying which it cannot."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.postgres import postgres_dsn, postgres_server

if TYPE_CHECKING:
    from tests.releases import SmallRelease

__all__ = ["postgres_dsn", "postgres_server"]

LEFT_OUT = pytest.StashKey[dict[str, list[str]]]()


def find_chromium() -> str | None:
    """Path of the Chromium to test with: VITRINE_CHROMIUM, else one on the PATH, else None."""
    named = os.environ.get("VITRINE_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def missing_for(item: pytest.Item) -> str | None:
    """Say what this machine lacks for a test, None when it lacks nothing."""
    if item.get_closest_marker("browser") and find_chromium() is None:
        return "no Chromium on the PATH and VITRINE_CHROMIUM is not set"
    if item.get_closest_marker("shared_data") and not os.environ.get("VITRINE_DATA"):
        return "VITRINE_DATA, the folder of real data, is not set"
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what cannot run here; in CI that is an error, because CI leaves nothing out."""
    left_out: dict[str, list[str]] = {}
    kept = []
    for item in items:
        missing = missing_for(item)
        if missing is None:
            kept.append(item)
        else:
            left_out.setdefault(missing, []).append(item.nodeid)
    if left_out and os.environ.get("CI"):
        raise pytest.UsageError(f"CI leaves no test out, but: {'; '.join(left_out)}")
    config.stash[LEFT_OUT] = left_out
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name every test that was left out, and why."""
    for missing, names in config.stash.get(LEFT_OUT, {}).items():
        terminalreporter.section(f"left out: {missing}")
        for name in names:
            terminalreporter.write_line(name)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; tests that ask for it carry the marker shared_data."""
    return Path(os.environ["VITRINE_DATA"]).resolve()


@pytest.fixture(scope="session")
def small_release(tmp_path_factory: pytest.TempPathFactory) -> "SmallRelease":
    """A complete release of the shop "boutique", labelled stable; only to be read (see tests/releases.py)."""
    from tests.releases import SmallRelease, write_small_release

    releases_dir = tmp_path_factory.mktemp("releases")
    return SmallRelease(releases_dir, "boutique", write_small_release(releases_dir))
