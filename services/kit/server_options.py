"""How every server listens: message sizes, connection age, keepalive and TLS."""

from typing import Any

import grpc

from services.kit.settings import ServiceSettings


def server_credentials(settings: ServiceSettings) -> grpc.ServerCredentials | None:
    """Return TLS credentials from the settings' PEM files; None (plain text) when no certificate is set."""
    certificate, key, roots = settings.tls_certificate_path, settings.tls_key_path, settings.tls_ca_path
    if certificate is None or key is None:
        return None
    return grpc.ssl_server_credentials(
        [(key.read_bytes(), certificate.read_bytes())],
        root_certificates=roots.read_bytes() if roots else None,
        require_client_auth=roots is not None,
    )


def server_options(settings: ServiceSettings) -> list[tuple[str, Any]]:
    """Return the gRPC options of a server."""
    age_ms = int(settings.max_connection_age_s * 1000)
    return [
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        ("grpc.max_connection_age_ms", age_ms),
        ("grpc.max_connection_age_grace_ms", age_ms),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        # Two servers on one port would share its calls unnoticed.
        ("grpc.so_reuseport", 0),
    ]
