"""Becomes another program that dies with the one that started it, however that dies.

Run as a script: `tether.py PARENT_PID SIGNAL UID GID PROGRAM ARGUMENT...`; UID and GID -1 keep the user. Linux only
(prctl); elsewhere the program simply runs. It is a program of its own because what it does between fork and exec is not
safe in a process with threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Set the tether and become the program."""
    parent, signal, uid, gid = (int(argument) for argument in sys.argv[1:5])
    program = sys.argv[5:]
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After setuid: changing the user clears the tether.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(0)
    os.execv(program[0], program)


if __name__ == "__main__":
    main()
