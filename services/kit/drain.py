"""The last resort of a shutdown: a process that does not end by itself in time is ended."""

import logging
import os
import threading

LOG = logging.getLogger(__name__)

STATUS_WHEN_FORCED = 3
_SHORTEST_S = 0.5


class Watchdog:
    """Ends the process when the drain and the interpreter's own shutdown take longer than allowed.

    A thread in a long computation or in a driver would otherwise hold the interpreter's exit up without
    limit.
    """

    def __init__(self, drain_seconds: float) -> None:
        self._timer = threading.Timer(max(drain_seconds, _SHORTEST_S), self._force)
        self._timer.daemon = True

    def start(self) -> None:
        """Begin the countdown; it ends with the process."""
        self._timer.start()

    @staticmethod
    def _force() -> None:
        LOG.error("the drain took too long; the process is ended")
        logging.shutdown()
        os._exit(STATUS_WHEN_FORCED)
