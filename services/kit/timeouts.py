"""Time-outs written beside the contracts, given to each call explicitly.

gRPC's core can apply the `timeout` of a service config itself, but counts it from the start of the call as the
processor's cycle counter tells it. Where that counter drifts from the clock (virtual machines that have run for an hour
or more), calls end with DEADLINE_EXCEEDED at once. A time-out that is given with the call is counted by the clock.
"""

from collections.abc import Mapping
from typing import Any


class MethodTimeouts:
    """The time-outs of a service config, by method."""

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        self._seconds: dict[str, float] = {}
        for entry in (config or {}).get("methodConfig", ()):
            if "timeout" in entry:
                for name in entry["name"]:
                    path = f"/{name['service']}/{name.get('method', '')}" if "service" in name else ""
                    self._seconds[path] = float(entry["timeout"].removesuffix("s"))

    def of(self, method: str) -> float | None:
        """Return the seconds of "/package.Service/Method": its own, else its service's, else everybody's, else None."""
        for path in (method, method.rpartition("/")[0] + "/", ""):
            if path in self._seconds:
                return self._seconds[path]
        return None


def without_timeouts(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config with everything else."""
    entries = [
        {key: value for key, value in entry.items() if key != "timeout"} for entry in config.get("methodConfig", ())
    ]
    return {**config, "methodConfig": entries}
