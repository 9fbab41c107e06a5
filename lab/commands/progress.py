"""Progress that looks alike in every command: bars in a terminal, lines in a file."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

LINE_EVERY_S = 15.0


class PhaseBars:
    """A bar for each thing that is under way, made when it is first heard of. May be told from several threads."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self._told: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def console(self) -> Console:
        """Lines printed here appear above the bars."""
        return self._progress.console

    def show(self, phase: str, done: int, total: int) -> None:
        """Tell how far a phase is; a total of 0 means unknown. What follows a comma is a note on the same bar."""
        with self._lock:
            if self.console.is_terminal:
                self._draw(phase, done, total)
            else:
                self._write(phase, done, total)

    def _draw(self, phase: str, done: int, total: int) -> None:
        name, _, note = phase.partition(", ")
        task = self._tasks.get(name)
        if task is None:
            task = self._tasks[name] = self._progress.add_task(name, total=total or None, note="")
        self._progress.update(task, completed=done, total=total or None, note=note)

    def _write(self, phase: str, done: int, total: int) -> None:
        """Write a line at the beginning, at the end, and now and then between."""
        now_s = time.monotonic()
        name = phase.partition(", ")[0]
        last_s = self._told.get(name)
        ended = total > 0 and done >= total
        if last_s is None or (ended and last_s >= 0) or (last_s >= 0 and now_s - last_s > LINE_EVERY_S):
            self.console.print(f"{phase}: {done:,}" + (f" of {total:,}" if total else ""))
            self._told[name] = -1.0 if ended else now_s


@contextmanager
def phase_bars() -> Iterator[PhaseBars]:
    """Show bars while the context lasts."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<30}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[note]}"),
    )
    console = Console(highlight=False)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield PhaseBars(progress)
