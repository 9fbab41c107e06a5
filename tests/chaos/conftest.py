"""What chaos tests share: the table of latencies, shown at the end."""

import pytest

from tests.chaos.latencies import Latencies

LATENCIES = pytest.StashKey[Latencies]()


@pytest.fixture(scope="session")
def latencies(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Latencies:
    made = Latencies(tmp_path_factory.mktemp("chaos") / "latencies.json")
    request.config.stash[LATENCIES] = made
    return made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show how long pages took while something was down."""
    found = config.stash.get(LATENCIES, None)
    if found is None or not found.rows:
        return
    terminalreporter.section(f"pages while something was down ({found.path})")
    for line in found.lines():
        terminalreporter.write_line(line)
