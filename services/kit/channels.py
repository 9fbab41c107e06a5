"""Channels to other services: several addresses in turn, time-outs and retries from the contract, quick
recovery.
"""

import ipaddress
import json
import socket
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import grpc

from services.kit.health import ACCEPTING
from services.kit.settings import ServiceSettings
from services.kit.timeouts import without_timeouts

SERVICE_CONFIG_FILE = "service_config.json"
DEFAULT_MAX_MESSAGE_BYTES = 16 * 2**20

# A killed dependency is found again within about a second of its return.
_RECONNECT_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),  # in truth the shortest time an attempt is given
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
    # A replica that was made anew has another number: its name is looked up again as soon as the old one fails.
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
)


def load_service_config(package: str) -> dict[str, Any]:
    """Read the time-outs and retry policies beside a contract, such as package "vitrine.ranker.v1".

    Servers of a contract are ours: their channels watch health, and leave a replica that drains before it stops.
    """
    text = files(package).joinpath(SERVICE_CONFIG_FILE).read_text(encoding="utf-8")
    return {"healthCheckConfig": {"serviceName": ACCEPTING}, **parse_service_config(text)}


def parse_service_config(text: str) -> dict[str, Any]:
    """Parse gRPC service config JSON. Raises: ValueError when it is not an object."""
    config = json.loads(text)
    if not isinstance(config, dict):
        raise ValueError("a gRPC service config is a JSON object")
    return config


def open_channel(
    addresses: Sequence[str],
    service_config: Mapping[str, Any] | Path | str | None = None,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES,
    server_name: str = "",
) -> grpc.aio.Channel:
    """Open a channel that takes the addresses in turn (round robin), skipping those that are down.

    `service_config` is the config itself, a file, or the contract's package to read it from (see
    `load_service_config`); its time-outs are left to the caller (see `timeouts.py`). Must be called within a running
    event loop. Without `credentials` it is plain text. `server_name` is what the certificates of numeric addresses are
    checked against; without it the first address is.
    """
    options: list[tuple[str, int | str]] = [
        *_RECONNECT_OPTIONS,
        ("grpc.service_config", json.dumps(_with_round_robin(service_config))),
        ("grpc.max_send_message_length", max_message_bytes),
        ("grpc.max_receive_message_length", max_message_bytes),
    ]
    target = target_of(addresses)
    if credentials is None:
        return grpc.aio.insecure_channel(target, options=options)
    if len(addresses) > 1 or not target.startswith("dns:"):
        # A list of numbers carries no name to check the certificate by.
        options.append(("grpc.ssl_target_name_override", server_name or host_and_port(addresses[0])[0]))
    return grpc.aio.secure_channel(target, credentials, options=options)


def channel_credentials(
    ca: Path | None, certificate: Path | None = None, key: Path | None = None
) -> grpc.ChannelCredentials | None:
    """Return client credentials from PEM files; None (plain text) when no roots are given."""
    if ca is None:
        return None
    return grpc.ssl_channel_credentials(
        root_certificates=ca.read_bytes(),
        private_key=key.read_bytes() if key else None,
        certificate_chain=certificate.read_bytes() if certificate else None,
    )


def client_credentials(settings: ServiceSettings) -> grpc.ChannelCredentials | None:
    """Return what a service shows its upstream servers: its own certificate, where it has one; None without TLS."""
    return channel_credentials(settings.tls_ca_path, settings.tls_certificate_path, settings.tls_key_path)


def target_of(addresses: Sequence[str]) -> str:
    """Return the gRPC target for `host:port` addresses.

    One name is left to DNS, which may answer with many replicas. Several names are looked up now, once.
    """
    if not addresses:
        raise ValueError("a channel needs at least one address")
    pairs = [host_and_port(address) for address in addresses]
    if len(pairs) == 1 and _ip_version(pairs[0][0]) is None:
        return f"dns:///{addresses[0]}"
    numbers = [(_resolved(host), port) for host, port in pairs]
    versions = {_ip_version(host) for host, _ in numbers}
    if len(versions) > 1:
        raise ValueError(f"addresses mix IPv4 and IPv6: {', '.join(addresses)}")
    if versions == {6}:
        return "ipv6:" + ",".join(f"[{host}]:{port}" for host, port in numbers)
    return "ipv4:" + ",".join(f"{host}:{port}" for host, port in numbers)


def read_service_config(source: Mapping[str, Any] | Path | str | None) -> dict[str, Any]:
    """Return a service config given as itself, as a file, as a contract's package, or not at all."""
    if isinstance(source, Path):
        return parse_service_config(source.read_text(encoding="utf-8"))
    if isinstance(source, str):
        return load_service_config(source)
    return dict(source or {})


def _with_round_robin(source: Mapping[str, Any] | Path | str | None) -> dict[str, Any]:
    return {"loadBalancingConfig": [{"round_robin": {}}], **without_timeouts(read_service_config(source))}


def host_and_port(address: str) -> tuple[str, int]:
    """Split `host:port`. Raises: ValueError."""
    host, separator, port = address.rpartition(":")
    if not separator or not port.isdigit() or not host:
        raise ValueError(f"an address is host:port, not {address!r}")
    return host.strip("[]"), int(port)


def is_numeric(host: str) -> bool:
    """Say whether a host is an IP address rather than a name."""
    return _ip_version(host) is not None


def _ip_version(host: str) -> int | None:
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return None


def _resolved(host: str) -> str:
    if _ip_version(host) is not None:
        return host
    found = socket.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_STREAM)
    return str(found[0][4][0])
