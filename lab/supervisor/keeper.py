"""Keeps one process running: starts it, waits until it is ready, starts it again when it dies."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from lab.supervisor.spawner import Program, Spawner
from lab.supervisor.unit import LogMark, ProcessEvent, ProcessFailed, Unit

START_TIMEOUT_S = 180.0
DRAIN_S = 15.0
FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0
STEADY_AFTER_S = 60.0
_POLL_S = 0.05


class Keeper:
    """The life of one unit, in a thread of its own."""

    def __init__(
        self, unit: Unit, spawner: Spawner, may_start: Callable[[], bool], report: Callable[[ProcessEvent], None]
    ) -> None:
        self.unit = unit
        self.failure: Exception | None = None
        """Why the first start failed."""
        self.serving = threading.Event()
        """Set while the process is ready."""
        self._spawner = spawner
        self._may_start = may_start
        self._report = report
        self._process: subprocess.Popen[bytes] | None = None
        self._mark = LogMark(unit.log)
        self._stopping = threading.Event()
        self._held = threading.Event()
        self._was_ready = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._live, name=f"keeper {unit.label}", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def hold(self) -> None:
        """Do not start it again until `release`."""
        self._held.set()

    def release(self) -> None:
        """Start it again if it does not run."""
        self._held.clear()

    def send(self, kind: int) -> None:
        """Send a signal to the process. Raises: ProcessLookupError when it does not run."""
        pid = self.pid
        if pid is None:
            raise ProcessLookupError(f"{self.unit.label} does not run")
        os.kill(pid, kind)

    def ask_to_stop(self) -> None:
        """Let it end in good order and never start again; returns at once.

        A service that has not been ready yet has nothing to finish and is killed; PostgreSQL never is.
        """
        with self._lock:
            self._stopping.set()
            process = self._process
            if process is not None and process.poll() is None:
                unfinished = self._was_ready or self.unit.stop_signal != signal.SIGTERM
                process.send_signal(self.unit.stop_signal if unfinished else signal.SIGKILL)
                process.send_signal(signal.SIGCONT)  # a suspended process could not hear the other

    def stop(self, hurry: threading.Event) -> None:
        """Ask it to stop and wait until it has; killed after DRAIN_S, or at once when `hurry` is set."""
        self.ask_to_stop()
        deadline = time.monotonic() + DRAIN_S
        while self._thread.is_alive():
            self._thread.join(_POLL_S)
            process = self._process
            late = hurry.is_set() or time.monotonic() > deadline
            if late and process is not None and process.poll() is None:
                process.kill()
        self.unit.forget()
        self._tell("stopped")

    def _live(self) -> None:
        try:
            self._wait_for_others()
            if self.unit.migration is not None and not self._stopping.is_set():
                self._migrate(self.unit.migration())
            backoff_s = FIRST_BACKOFF_S
            while not self._stopping.is_set():
                ready_at = self._run_once()
                if self._stopping.is_set():
                    return
                self._check_first_start()
                lived_s = time.monotonic() - ready_at if ready_at else 0.0
                backoff_s = FIRST_BACKOFF_S if lived_s > STEADY_AFTER_S else backoff_s
                self._wait_before_restart(backoff_s)
                backoff_s = min(2 * backoff_s, LONGEST_BACKOFF_S)
        except Exception as error:  # the thread has nobody above it; start() raises it to the caller
            self.failure = error
            self._tell("failed", str(error).splitlines()[0])
        finally:
            self.serving.clear()

    def _wait_for_others(self) -> None:
        self._tell("waiting")
        while not self._stopping.is_set() and not self._may_start():
            self._stopping.wait(_POLL_S)

    def _migrate(self, program: Program) -> None:
        self._tell("migrating")
        self._spawn(program)
        code = self._wait_for_exit()
        if code != 0 and not self._stopping.is_set():
            raise ProcessFailed(
                self.unit.label, f"could not migrate its schema (exit {code})", self.unit.log, self._mark.tail()
            )

    def _run_once(self) -> float:
        """Run the process to its end; return when it became ready, 0.0 if it never did."""
        self.unit.prepare()
        self._tell("starting")
        self._spawn(self.unit.program())
        process, ready_at = self._process, 0.0
        deadline = time.monotonic() + START_TIMEOUT_S
        while process is not None and process.poll() is None:
            if not ready_at and self.unit.ready(process.pid):
                ready_at = time.monotonic()
                self._was_ready = True
                self.serving.set()
                self._tell("serving", address=self.unit.address)
            if not ready_at and time.monotonic() > deadline:
                process.kill()
            self._pause(process)
        self.serving.clear()
        return ready_at

    def _spawn(self, program: Program) -> None:
        self._mark.set()
        with self._lock:  # so that ask_to_stop finds either no process or this one
            if not self._stopping.is_set():
                self._process = self._spawner.spawn(program)

    def _pause(self, process: subprocess.Popen[bytes]) -> None:
        # Popen.wait with a time-out wakes a hundred times a second; for as long as all is well an event does.
        if self._stopping.wait(_POLL_S):
            with suppress(subprocess.TimeoutExpired):
                process.wait(_POLL_S)

    def _wait_for_exit(self) -> int | None:
        process = self._process
        return process.wait() if process is not None else None

    def _check_first_start(self) -> None:
        if self._was_ready:
            return
        process = self._process
        code = process.returncode if process is not None else None
        problem = f"was not ready within {START_TIMEOUT_S:.0f} s" if code == -signal.SIGKILL else f"ended (exit {code})"
        raise ProcessFailed(self.unit.label, f"{problem} before it was ready", self.unit.log, self._mark.tail())

    def _wait_before_restart(self, backoff_s: float) -> None:
        process = self._process
        code = process.returncode if process is not None else None
        if self._held.is_set():
            self._tell("held", "not started again until told")
            while self._held.is_set() and not self._stopping.is_set():
                self._stopping.wait(_POLL_S)
            return
        self._tell("restarting", f"ended (exit {code}); again in {backoff_s:.1f} s")
        deadline = time.monotonic() + backoff_s
        while time.monotonic() < deadline and not self._stopping.is_set():
            self._stopping.wait(_POLL_S)

    def _tell(self, state: str, detail: str = "", address: str = "") -> None:
        self._report(ProcessEvent(self.unit.label, state, detail, address))
