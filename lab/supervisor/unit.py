"""One process as the supervisor sees it: how to prepare, start, ask and stop it."""

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.supervisor.spawner import Program


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Unit:
    """One replica of one process."""

    name: str
    replica: int
    program: Callable[[], Program]
    """What to run."""
    ready: Callable[[int], bool]
    """Asked with the process id: whether it can be used."""
    log: Path
    address: str = ""
    """host:port where it serves; empty for workers and PostgreSQL."""
    metrics_port: int | None = None
    waits_for: Sequence[tuple[str, int]] = ()
    """(name, replica) of the units that must be ready before its first start."""
    migration: Callable[[], Program] | None = None
    """Run to its end, once, before the first start."""
    prepare: Callable[[], None] = _nothing
    """Called before every start."""
    forget: Callable[[], None] = _nothing
    """Called once when it has stopped for good."""
    stop_signal: int = signal.SIGTERM
    """Asks it to end in good order."""

    @property
    def key(self) -> tuple[str, int]:
        """Name and replica."""
        return self.name, self.replica

    @property
    def label(self) -> str:
        """The name as shown to people."""
        return f"{self.name}[{self.replica}]" if self.replica else self.name


@dataclass(frozen=True)
class ProcessEvent:
    """Something that happened to a process, for whoever watches."""

    label: str
    state: str
    """waiting, migrating, starting, serving, restarting, suspended, held, stopped or failed."""
    detail: str = ""
    address: str = ""


class ProcessFailed(Exception):  # noqa: N818  named like the errors of kit
    """A process that did not come up; the message ends with the last lines of its log."""

    def __init__(self, label: str, problem: str, log: Path, tail: str) -> None:
        super().__init__(f"{label} {problem}. The last lines of {log}:\n{tail or '  (nothing was logged)'}")
        self.label = label


@dataclass
class LogMark:
    """Remembers where in a log file the present start begins."""

    log: Path
    offset: int = field(default=0)

    def set(self) -> None:
        """The present start begins here."""
        self.offset = self.log.stat().st_size if self.log.exists() else 0

    def tail(self, lines: int = 15) -> str:
        """Return the last lines written since."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(max(self.offset, self.log.stat().st_size - 16_384))
            text = file.read().decode("utf-8", "replace")
        return "\n".join(f"  {line}" for line in text.splitlines()[-lines:])
