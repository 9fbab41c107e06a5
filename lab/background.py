"""Things that run beside each other while the main thread stays interruptible."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Task(Generic[Result]):
    """A piece of work in a thread of its own. The thread never outlives the program."""

    def __init__(self, name: str, work: Callable[[], Result]) -> None:
        self._work = work
        self._result: list[Result] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def result(self) -> Result:
        """Wait for the work and return what it returned; its error is raised here."""
        while self._thread.is_alive():
            self._thread.join(0.1)  # in small steps: a join without end cannot be interrupted
        if self._error is not None:
            raise self._error
        return self._result[0]

    def _run(self) -> None:
        try:
            self._result.append(self._work())
        except BaseException as error:  # carried to result()
            self._error = error
