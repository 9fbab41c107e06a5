"""Plain (not asynchronous) channels for commands: a client like any other, with the contract's time-outs."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import grpc

from services.kit.channels import (
    DEFAULT_MAX_MESSAGE_BYTES,
    channel_credentials,
    host_and_port,
    load_service_config,
    target_of,
)
from services.kit.timeouts import MethodTimeouts, without_timeouts


def open_channel(addresses: Sequence[str], package: str) -> grpc.Channel:
    """Open a channel over all addresses in turn; `package` such as "vitrine.ranker.v1" names the contract.

    TLS is spoken where VITRINE_TLS_CA_PATH is set, with the certificate and key that the services' own variables name.
    """
    contract = load_service_config(package)
    config: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}], **without_timeouts(contract)}
    options = [
        ("grpc.service_config", json.dumps(config)),
        ("grpc.max_send_message_length", DEFAULT_MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", DEFAULT_MAX_MESSAGE_BYTES),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.enable_http_proxy", 0),
    ]
    target, credentials = target_of(addresses), _credentials()
    if credentials is None:
        channel = grpc.insecure_channel(target, options=options)
    else:
        if not target.startswith("dns:"):  # numbers carry no name to check a certificate by
            options.append(("grpc.ssl_target_name_override", host_and_port(addresses[0])[0]))
        channel = grpc.secure_channel(target, credentials, options=options)
    return grpc.intercept_channel(channel, _ContractTimeouts(MethodTimeouts(contract)))


def _credentials() -> grpc.ChannelCredentials | None:
    named = [os.environ.get(f"VITRINE_TLS_{name}_PATH", "") for name in ("CA", "CERTIFICATE", "KEY")]
    return channel_credentials(*(Path(path) if path else None for path in named))


class _Details(NamedTuple):
    """What gRPC asks of the details of a call."""

    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class _ContractTimeouts(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]  # the package has no types
    """Gives each call without a time-out the one that its contract states."""

    def __init__(self, timeouts: MethodTimeouts) -> None:
        self._timeouts = timeouts

    def intercept_unary_unary(self, continuation: Callable[..., Any], client_call_details: Any, request: Any) -> Any:
        """Pass the call on."""
        details = client_call_details
        if details.timeout is None:
            details = _Details(
                details.method,
                self._timeouts.of(details.method),
                details.metadata,
                details.credentials,
                details.wait_for_ready,
                details.compression,
            )
        return continuation(details, request)
