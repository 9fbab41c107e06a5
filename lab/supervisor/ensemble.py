"""All processes of one work folder: the class behind `vitrine up`, the demo and the tests."""

import fcntl
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TextIO

from lab.supervisor.directory import Entry, remove_directory, write_directory
from lab.supervisor.keeper import Keeper
from lab.supervisor.plan import Plan, PlanOptions
from lab.supervisor.spawner import Spawner
from lab.supervisor.topology import DATABASE, Topology, load_topology
from lab.supervisor.unit import ProcessEvent, Unit

LOCK_NAME = "supervisor.lock"


class AlreadyRunning(Exception):  # noqa: N818  named like the errors of kit
    """Another supervisor runs the processes of this work folder."""


class StartCancelled(Exception):  # noqa: N818  named like the errors of kit
    """`stop` was called while `start` was under way."""


class Ensemble:
    """Starts, watches and stops the processes of a work folder.

    `start` may be called several times for more and more processes. Every method may be called from any thread.
    A process that dies is started again, sooner the longer it had lived, unless it was killed with `hold`.
    """

    def __init__(
        self,
        work: Path,
        *,
        replicas: Mapping[str, int] | None = None,
        topology: Topology | None = None,
        environment: Mapping[str, str] | None = None,
        free_ports: bool = False,
        report: Callable[[ProcessEvent], None] = lambda _event: None,
    ) -> None:
        """Plan the processes; nothing is started and no port is held yet. Raises: TopologyBroken."""
        work.mkdir(parents=True, exist_ok=True)
        self.work = work.resolve()
        self.topology = topology or load_topology()
        self.notices: list[str] = []
        """What differs from the topology, such as ports that were taken."""
        options = PlanOptions(replicas or {}, environment or {}, free_ports)
        self._plan = Plan(work, self.topology, options, self.notices.append)
        self._units = self._plan.units()
        self._keepers: dict[tuple[str, int], Keeper] = {}
        self._report = report
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self._spawner = Spawner()
        self._lock: TextIO | None = None

    @property
    def dsn(self) -> str:
        """Where PostgreSQL is reached."""
        return self._plan.dsn

    def address(self, service: str) -> list[str]:
        """Return `host:port` of every replica of a service; known before it runs."""
        return [place.address for place in self._plan.places[service] if place.address]

    def addresses(self) -> dict[str, list[str]]:
        """Return the addresses of every service."""
        return {name: self.address(name) for name in self._plan.places if self.address(name)}

    def start(self, names: Sequence[str] | None = None) -> None:
        """Start processes by name (default: all) with what they depend on; return when every one is ready.

        Raises: ProcessFailed with the end of its log; AlreadyRunning; StartCancelled.
        """
        self._take_lock()
        keepers = [self._keeper(unit) for unit in self._wanted(names)]
        with self._changed:
            while not all(keeper.serving.is_set() for keeper in keepers):
                self._check(keepers)
                self._changed.wait(0.2)
        self._write_directory()

    def stop(self) -> None:
        """Stop everything that was started, callers before what they call. Returns when all have ended; idempotent."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        keepers = list(self._keepers.values())
        ended = {keeper.unit.key: threading.Event() for keeper in keepers}
        threads = [threading.Thread(target=self._stop_after_callers, args=(keeper, ended)) for keeper in keepers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._keepers.clear()
        self._spawner.close()
        if self._lock is not None:
            remove_directory(self.work)
            self._lock.close()
            self._lock = None

    def hurry(self) -> None:
        """Let `stop` kill what has not ended yet."""
        self._hurry.set()

    def pids(self) -> dict[str, list[int]]:
        """Return the process ids that run now, by process name."""
        found: dict[str, list[int]] = {}
        for keeper in list(self._keepers.values()):
            pid = keeper.pid
            if pid is not None:
                found.setdefault(keeper.unit.name, []).append(pid)
        return found

    def kill(self, name: str, replica: int = 0, *, hold: bool = False, kind: int = signal.SIGKILL) -> None:
        """Kill one process; with `hold` it is not started again until `restart`.

        Raises: KeyError when there is none of that name; ProcessLookupError when it does not run.
        """
        keeper = self._keepers[name, replica]
        if hold:
            keeper.hold()
        keeper.send(kind)
        with self._changed:
            self._changed.wait_for(lambda: not keeper.serving.is_set(), timeout=10.0)

    def restart(self, name: str, replica: int = 0, timeout_s: float = 60.0) -> None:
        """Start a held process again, or end a running one and start it anew; return when it is ready.

        Raises: TimeoutError when it is not ready in time.
        """
        keeper = self._keepers[name, replica]
        keeper.release()
        if keeper.serving.is_set():
            keeper.send(keeper.unit.stop_signal)
            with self._changed:
                self._changed.wait_for(lambda: not keeper.serving.is_set(), timeout=timeout_s)
        self.wait_until_serving(name, replica, timeout_s)

    def wait_until_serving(self, name: str, replica: int = 0, timeout_s: float = 60.0) -> None:
        """Return when a process is ready. Raises: TimeoutError."""
        keeper = self._keepers[name, replica]
        if not keeper.serving.wait(timeout_s):
            raise TimeoutError(f"{keeper.unit.label} is not ready after {timeout_s:.0f} s; see {keeper.unit.log}")

    def suspend(self, name: str, replica: int = 0) -> None:
        """Freeze a process: it accepts connections and answers nothing, like one that hangs."""
        self._keepers[name, replica].send(signal.SIGSTOP)

    def resume(self, name: str, replica: int = 0) -> None:
        """Let a frozen process go on."""
        self._keepers[name, replica].send(signal.SIGCONT)

    def remove_database(self) -> None:
        """Delete the embedded database. Only after `stop`."""
        if self._plan.postgres is not None:
            self._plan.postgres.remove()

    def _stop_after_callers(self, keeper: Keeper, ended: Mapping[tuple[str, int], threading.Event]) -> None:
        callers = self.topology.callers_of(keeper.unit.name)
        try:
            for (name, _), event in ended.items():
                if name in callers:
                    event.wait()
            keeper.stop(self._hurry)
        finally:
            ended[keeper.unit.key].set()

    def _wanted(self, names: Sequence[str] | None) -> list[Unit]:
        specs = self.topology.process if names is None else self.topology.with_what_they_need(names)
        wanted = {spec.name for spec in specs}
        if any(spec.database for spec in specs):
            wanted.add(DATABASE)
        return [unit for unit in self._units if unit.name in wanted]

    def _keeper(self, unit: Unit) -> Keeper:
        keeper = self._keepers.get(unit.key)
        if keeper is None:
            keeper = Keeper(unit, self._spawner, lambda: self._may_start(unit), self._on_event)
            self._keepers[unit.key] = keeper
            keeper.start()
        return keeper

    def _may_start(self, unit: Unit) -> bool:
        others = [self._keepers.get(key) for key in unit.waits_for]
        return all(other is not None and other.serving.is_set() for other in others)

    def _check(self, keepers: Sequence[Keeper]) -> None:
        if self._stopping.is_set():
            raise StartCancelled("the start was cancelled")
        for keeper in keepers:
            if keeper.failure is not None:
                raise keeper.failure

    def _on_event(self, event: ProcessEvent) -> None:
        with self._changed:
            self._changed.notify_all()
        self._report(event)
        if event.state == "serving" and self._lock is not None:
            self._write_directory()

    def _write_directory(self) -> None:
        entries = []
        for keeper in list(self._keepers.values()):
            pid = keeper.pid
            if pid is not None:
                unit = keeper.unit
                entry = Entry(unit.name, unit.replica, pid, unit.address, unit.metrics_port, str(unit.log))
                entries.append(entry)
        with self._changed:
            write_directory(self.work, entries)

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        lock = (self.work / LOCK_NAME).open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise AlreadyRunning(
                f"the processes of {self.work} run already, under process {holder}; end it there with Ctrl-C, "
                "or set VITRINE_WORK to another folder"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def __enter__(self) -> "Ensemble":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
