"""Progress bars that look alike in every command."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class PhaseBars:
    """A bar for each thing that is under way, made when it is first heard of. May be told from several threads."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def show(self, phase: str, done: int, total: int, note: str = "") -> None:
        """Tell how far a phase is; a total of 0 means unknown."""
        task = self._tasks.get(phase)
        if task is None:
            task = self._tasks[phase] = self._progress.add_task(phase, total=total or None, note=note)
        self._progress.update(task, completed=done, total=total or None, note=note)

    @property
    def console(self) -> Console:
        """Lines printed here appear above the bars."""
        return self._progress.console


@contextmanager
def phase_bars() -> Iterator[PhaseBars]:
    """Show bars while the context lasts."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<26}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[note]}"),
    )
    with Progress(*columns) as progress:
        yield PhaseBars(progress)
