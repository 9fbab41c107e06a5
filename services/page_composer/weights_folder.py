"""The weights in force: read at start, read again when a file changes, kept when a change cannot be read."""

import asyncio
import logging
from pathlib import Path

from services.page_composer.weighing import Posterior, Weights, read_posterior, read_weights

LOG = logging.getLogger(__name__)

POLL_S = 1.0


class WeightsFolder:
    """Weights and shelf posterior of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamp = self._now()
        self._weights = read_weights(folder)
        self._posterior = read_posterior(folder)

    def weights(self) -> Weights:
        """The weights in force."""
        return self._weights

    def posterior(self) -> Posterior:
        """The shelf posterior in force."""
        return self._posterior

    def look(self) -> bool:
        """Read the folder again if it has changed; True when something new is in force."""
        stamp = self._now()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            weights, posterior = read_weights(self._folder), read_posterior(self._folder)
        except (OSError, ValueError, TypeError, KeyError):
            LOG.exception("the changed weights cannot be read; the old ones stay in force")
            return False
        self._weights, self._posterior = weights, posterior
        LOG.info("weights in force", extra={"fields": {"weights": weights.version, "posterior": posterior.version}})
        return True

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            await asyncio.to_thread(self.look)

    def _now(self) -> tuple[tuple[str, int, int], ...]:
        files = sorted(self._folder.glob("*.yaml"))
        return tuple((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in files)
