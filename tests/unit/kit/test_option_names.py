"""gRPC takes options by name and says nothing of names that it does not know."""

from pathlib import Path

import pytest
from grpc._cython import cygrpc

from services.kit import channels
from services.kit.server_options import server_options
from services.kit.settings import ServiceSettings

USED = [*server_options(ServiceSettings()), *channels._RECONNECT_OPTIONS]


@pytest.fixture(scope="module")
def library() -> bytes:
    return Path(cygrpc.__file__).read_bytes()


@pytest.mark.parametrize("name", sorted({name for name, _ in USED}))
def test_grpc_knows_the_option(library: bytes, name: str) -> None:
    assert name.encode() in library


def test_an_unknown_option_is_told_apart(library: bytes) -> None:
    assert b"grpc.http2.min_recv_ping_interval_without_data_ms" not in library
