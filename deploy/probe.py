"""Asks the process of this container whether it serves; exits with 0 or 1. The HEALTHCHECK of every image.

`python probe.py [grpc ADDRESS | http ADDRESS PATH]`; without arguments it looks at VITRINE_LISTEN, else at
VITRINE_STOREFRONT_LISTEN. TLS is spoken where VITRINE_TLS_CERTIFICATE_PATH is set.
"""

import http.client
import os
import sys
from pathlib import Path

TIMEOUT_S = 4.0
HTTP_PATH = "/healthz"


def main(arguments: list[str]) -> int:
    """Return the exit status."""
    if not arguments:
        grpc_address = os.environ.get("VITRINE_LISTEN", "")
        http_address = os.environ.get("VITRINE_STOREFRONT_LISTEN", "")
        arguments = ["grpc", grpc_address] if grpc_address else ["http", http_address, HTTP_PATH]
    kind, address, *path = arguments
    host, _, port = address.rpartition(":")
    host = "localhost" if host in ("", "0.0.0.0", "127.0.0.1") else host
    healthy = http_healthy(host, int(port), *path) if kind == "http" else grpc_healthy(f"{host}:{port}")
    return 0 if healthy else 1


def http_healthy(host: str, port: int, path: str = HTTP_PATH) -> bool:
    """Say whether a page is answered with 200."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def grpc_healthy(address: str) -> bool:
    """Say whether the whole server answers SERVING to gRPC's health protocol."""
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    certificate = os.environ.get("VITRINE_TLS_CERTIFICATE_PATH", "")
    options = [("grpc.enable_http_proxy", 0)]
    if certificate:
        channel = grpc.secure_channel(address, _credentials(Path(certificate)), options=options)
    else:
        channel = grpc.insecure_channel(address, options=options)
    with channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)
        except grpc.RpcError:
            return False
    return answer.status == health_pb2.HealthCheckResponse.SERVING


def _credentials(certificate: Path):
    """The process's own certificate; it must name localhost too."""
    import grpc

    roots = os.environ.get("VITRINE_TLS_CA_PATH", "")
    return grpc.ssl_channel_credentials(
        root_certificates=Path(roots).read_bytes() if roots else certificate.read_bytes(),
        private_key=Path(os.environ["VITRINE_TLS_KEY_PATH"]).read_bytes(),
        certificate_chain=certificate.read_bytes(),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
