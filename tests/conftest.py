"""What every test shares: which tests this machine can run, and saying which it cannot."""

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from lab.preparation.engines.java import java_found
from tests.postgres import postgres_dsn, postgres_server

if TYPE_CHECKING:
    from tests.e2e.ensemble import SmallEnsemble
    from tests.releases import SmallRelease

__all__ = ["postgres_dsn", "postgres_server"]

ENSEMBLE_TIMEOUT_S = 900
"""For tests that may be the first to ask for the ensemble, which then has to be made."""
# The same examples on every run: a test that fails for one seed in a hundred would fail somebody else's change.
settings.register_profile("vitrine", derandomize=True, deadline=None)
settings.load_profile("vitrine")

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
    if item.get_closest_marker("spark") and (find_spec("pyspark") is None or not java_found()):
        return "no pyspark (`make spark`) or no Java 17 or newer"
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
    items[:] = [item for item in kept if not needs_ensemble(item)]
    # Together and last: the ensemble lives for no longer than it is needed.
    for item in filter(needs_ensemble, kept):
        item.add_marker(pytest.mark.timeout(ENSEMBLE_TIMEOUT_S))
        items.append(item)


def needs_ensemble(item: pytest.Item) -> bool:
    """Say whether a test asks for the whole ensemble."""
    return "small_ensemble" in getattr(item, "fixturenames", ())


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


@pytest.fixture(scope="session")
def small_ensemble(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SmallEnsemble]":
    """A whole running ensemble with a small shop and a trained release (see tests/e2e/ensemble.py)."""
    from tests.e2e.ensemble import running_ensemble

    with running_ensemble(tmp_path_factory.mktemp("ensemble")) as made:
        yield made
