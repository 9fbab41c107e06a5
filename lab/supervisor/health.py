"""Whether a process is ready: asked of it, not assumed."""

import http
import http.client
import json
from typing import Protocol

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from lab.supervisor.topology import ProcessSpec

_TIMEOUT_S = 1.0


class Probe(Protocol):
    """Asks one process."""

    def healthy(self) -> bool:
        """Say whether it is ready now."""

    def close(self) -> None:
        """Give up what asking needs."""


class GrpcProbe:
    """Asks gRPC health for the whole server."""

    def __init__(self, address: str) -> None:
        options = [
            ("grpc.initial_reconnect_backoff_ms", 50),
            ("grpc.min_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 200),
            ("grpc.enable_http_proxy", 0),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.service_config", json.dumps({})),
        ]
        self._channel = grpc.insecure_channel(f"ipv4:{address}", options=options)
        self._stub = health_pb2_grpc.HealthStub(self._channel)

    def healthy(self) -> bool:
        """Say whether the server answers SERVING."""
        try:
            answer = self._stub.Check(health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_S)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()


class HttpProbe:
    """Asks for a page."""

    def __init__(self, address: str, path: str) -> None:
        self._address = address
        self._path = path

    def healthy(self) -> bool:
        """Say whether the page is answered with 200."""
        connection = http.client.HTTPConnection(self._address, timeout=_TIMEOUT_S)
        try:
            connection.request("GET", self._path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def close(self) -> None:
        """Nothing is held."""


class AliveProbe:
    """For processes without a port: running is all that can be told."""

    def healthy(self) -> bool:
        """Say yes; whether the process runs is watched anyway."""
        return True

    def close(self) -> None:
        """Nothing is held."""


def probe_of(spec: ProcessSpec, address: str) -> Probe:
    """Return the probe that the topology asks for."""
    if spec.health == "grpc":
        return GrpcProbe(address)
    if spec.health == "http":
        return HttpProbe(address, spec.health_path)
    return AliveProbe()
