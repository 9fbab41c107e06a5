"""Calls that fail: what a contract test holds against the contract's `Fails with:` lists."""

from typing import Any

import grpc
import pytest

from services.kit.status import RemoteError, read_error

INVALID = (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
DOWN = (grpc.StatusCode.UNAVAILABLE, "DATABASE_DOWN")
RELEASE_NOT_READY = (grpc.StatusCode.FAILED_PRECONDITION, "RELEASE_NOT_READY")
BAD_SHOP = "No Shop!"
"""A shop_id that no contract allows."""


async def read(call) -> list[Any]:
    """Every message of a stream."""
    return [message async for message in call]


async def failure(call) -> RemoteError:
    """Assert that a call (unary, or a stream that is read to its end) fails; answers how."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (read(call) if hasattr(call, "__aiter__") else call)
    return read_error(caught.value)


async def refused(call, expected: tuple[grpc.StatusCode, str], *fields: str) -> RemoteError:
    """Assert that a call is refused as expected, naming these fields in this order and no others."""
    error = await failure(call)
    assert (error.code, error.reason) == expected
    assert [violation.field for violation in error.violations] == list(fields)
    return error
