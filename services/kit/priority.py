"""How far a process stands behind others where processors are short."""

import errno
import os
import time
from pathlib import Path

_GROUP = Path("/proc/self/autogroup")
# Linux takes one such change in a tenth of a second from all processes together (those of root without limit).
_ATTEMPTS = 20
_WAIT_S = 0.05


def give_way(niceness: int) -> None:
    """Lower this process's priority by `niceness` (0 to 19). Call it first: threads have what their maker had."""
    os.nice(niceness)


def give_way_as_group(niceness: int, group: Path = _GROUP) -> None:
    """Lower the priority of this process's session by `niceness` (0 to 19) against every other session.

    Where `kernel.sched_autogroup_enabled` is set, each session is a scheduling group, and niceness counts within its
    own session only (sched(7), "The autogroup feature"): a process that was started in a session of its own would keep
    its full share of the processors. Only where the session is its own: a terminal's group belongs to all that runs in
    it. It may wait up to a second: call it outside the event loop.
    """
    if not niceness or os.getsid(0) != os.getpid():
        return
    for _ in range(_ATTEMPTS):
        try:
            group.write_text(f"{niceness}\n", encoding="ascii")
        except OSError as error:
            if error.errno != errno.EAGAIN:
                return  # no such groups here, or not ours to change: niceness is all there is
            time.sleep(_WAIT_S)
        else:
            return
