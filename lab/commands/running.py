"""Shows an ensemble in the terminal and ends it when the person says so."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.table import Table

from lab.supervisor.ensemble import Ensemble
from lab.supervisor.unit import ProcessEvent

_COLOURS = {"serving": "green", "failed": "red", "restarting": "yellow", "stopped": "dim", "held": "yellow"}
_QUIET = ("waiting", "starting", "migrating", "serving", "stopped")


class ProcessView:
    """A table of processes while they start; afterwards a line for whatever happens to one."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._events: dict[str, ProcessEvent] = {}
        self._lock = threading.Lock()
        self._live = False

    def report(self, event: ProcessEvent) -> None:
        """Take note of an event; given to the Ensemble."""
        with self._lock:
            self._events[event.label] = event
        told = event.state not in _QUIET or (event.state == "serving" and not self.console.is_terminal)
        if told and not self._live:
            colour = _COLOURS.get(event.state, "yellow")
            self.console.print(f"[{colour}]{event.label}[/] {event.state} {escape(event.detail) or event.address}")

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Show the table while the context lasts."""
        if not self.console.is_terminal:
            yield
            return
        self._live = True
        try:
            with Live(self, console=self.console, refresh_per_second=8):
                yield
        finally:
            self._live = False

    def __rich__(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        with self._lock:
            events = list(self._events.values())
        for event in events:
            table.add_row(
                self._mark(event), event.label, f"[dim]{event.address or escape(event.detail) or event.state}[/]"
            )
        return table

    def _mark(self, event: ProcessEvent) -> Any:
        if event.state == "serving":
            return "[green]●[/]"
        if event.state in ("failed", "stopped", "held"):
            return f"[{_COLOURS[event.state]}]●[/]"
        return Spinner("dots", style="cyan")


@contextmanager
def until_interrupted(ensemble: Ensemble, console: Console) -> Iterator[None]:
    """Stop the ensemble when the context ends, however it ends.

    Ctrl-C, SIGTERM and a closed terminal end it without an error; a second Ctrl-C kills what has not stopped yet.
    """

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def hurry(_signal: int, _frame: FrameType | None) -> None:
        ensemble.hurry()

    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {kind: signal.signal(kind, interrupt) for kind in kinds}
    try:
        yield
    except KeyboardInterrupt:
        console.print("\nstopping everything that was started …")
    finally:
        for kind in kinds:
            signal.signal(kind, hurry)
        ensemble.stop()
        for kind, handler in before.items():
            signal.signal(kind, handler)


def wait_for_interrupt() -> None:
    """Wait for Ctrl-C or SIGTERM."""
    threading.Event().wait()
