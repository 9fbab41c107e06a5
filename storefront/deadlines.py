"""Time-outs written beside the contracts, given to each call explicitly.

gRPC's core can apply the `timeout` of a service config itself, but counts it from the start of the call as the
processor's cycle counter tells it; where that counter drifts from the clock, calls end with DEADLINE_EXCEEDED at once.
A time-out that is given with the call is counted by the clock. So the config's time-outs are taken out and given here.
"""

from collections.abc import Callable, Mapping
from typing import Any

import grpc

Config = dict[str, Any]


def timeouts_of(config: Mapping[str, Any]) -> dict[str, float]:
    """Seconds by "/package.Service/Method" of a service config, or by "/package.Service/" for all of its methods."""
    found: dict[str, float] = {}
    for entry in config.get("methodConfig", ()):
        if "timeout" not in entry:
            continue
        for name in entry["name"]:
            found[f"/{name['service']}/{name.get('method', '')}"] = float(entry["timeout"].removesuffix("s"))
    return found


def without_timeouts(config: Mapping[str, Any]) -> Config:
    """The config with everything else."""
    methods = [{key: value for key, value in entry.items() if key != "timeout"} for entry in config["methodConfig"]]
    return {**config, "methodConfig": methods}


class ExplicitTimeouts(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc]
    """Gives each call without a time-out of its own the one its contract states."""

    def __init__(self, timeouts: Mapping[str, float]) -> None:
        self._timeouts = timeouts

    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        """Pass the call on."""
        details = client_call_details
        if details.timeout is None:
            method = details.method if isinstance(details.method, str) else details.method.decode()
            details = grpc.aio.ClientCallDetails(
                details.method,
                self._timeouts.get(method, self._timeouts.get(method.rpartition("/")[0] + "/")),
                details.metadata,
                details.credentials,
                details.wait_for_ready,
            )
        return await continuation(details, request)
