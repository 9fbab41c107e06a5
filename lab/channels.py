"""Plain (not asynchronous) channels for commands: a client like any other, with the contract's time-outs."""

import json
from collections.abc import Sequence
from typing import Any

import grpc

from services.kit.channels import DEFAULT_MAX_MESSAGE_BYTES, load_service_config, target_of


def open_channel(addresses: Sequence[str], package: str) -> grpc.Channel:
    """Open a channel over all addresses in turn; `package` such as "vitrine.ranker.v1" names the contract."""
    config: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}], **load_service_config(package)}
    options = [
        ("grpc.service_config", json.dumps(config)),
        ("grpc.max_send_message_length", DEFAULT_MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", DEFAULT_MAX_MESSAGE_BYTES),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.enable_http_proxy", 0),
    ]
    return grpc.insecure_channel(target_of(addresses), options=options)
