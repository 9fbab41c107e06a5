"""Free ports on the loopback interface."""

import random
import socket

HOST = "127.0.0.1"
FREE = range(20_000, 32_000)
"""Below the ports of outgoing connections: one of those could take a port between our look and the server's start."""


class Ports:
    """Hands out ports, each once; one that is taken is replaced by a free one."""

    def __init__(self) -> None:
        self._given: set[int] = set()

    def take(self, wanted: int) -> int:
        """Return the port wanted, or a free one when it is taken; 0 wants any."""
        if wanted and wanted not in self._given and is_free(wanted):
            self._given.add(wanted)
            return wanted
        for port in random.SystemRandom().sample(FREE, len(FREE)):
            if port not in self._given and is_free(port):
                self._given.add(port)
                return port
        raise OSError("no free port is left on this machine")


def is_free(port: int) -> bool:
    """Say whether a server could listen on the port, here or on every interface."""
    for host in (HOST, ""):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # Connections of a server that has just gone must not count as a server.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True
