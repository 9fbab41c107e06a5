"""Starts programs that die with us."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

_TETHER = Path(__file__).with_name("tether.py")


@dataclass(frozen=True)
class Program:
    """What to run."""

    arguments: Sequence[str]
    """The program's absolute path and its arguments."""
    log: Path
    """Where its output goes, behind what is there."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """All of its variables."""
    folder: Path = Path("/")
    """Its working folder."""
    death_signal: int = signal.SIGKILL
    """What it receives when we die."""
    user: tuple[int, int] | None = None
    """User and group to run as; None keeps ours."""


class Spawner:
    """Starts programs from one thread that lives as long as we do.

    Linux ties the tether to the *thread* that started a program: a short-lived one would take its programs with it.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")

    def spawn(self, program: Program) -> subprocess.Popen[bytes]:
        """Start a program in a session of its own, so that a Ctrl-C at the terminal reaches only us.

        Raises: OSError when it cannot be started.
        """
        return self._thread.submit(_spawn, program).result()

    def close(self) -> None:
        """End the thread; programs that still run are killed by their tether."""
        self._thread.shutdown()


def _spawn(program: Program) -> subprocess.Popen[bytes]:
    uid, gid = program.user or (-1, -1)
    program.log.parent.mkdir(parents=True, exist_ok=True)
    tether = [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), str(program.death_signal), str(uid), str(gid)]
    with program.log.open("ab") as log:
        return subprocess.Popen(
            [*tether, *program.arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(program.environment),
            cwd=program.folder,
            start_new_session=True,
        )
