"""The tests of a file share one model server."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.contract.model_server.houses import House, real_house
from tests.releases import SmallRelease


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(small_release: SmallRelease, tmp_path_factory) -> AsyncIterator[House]:
    async with real_house(small_release, tmp_path_factory.mktemp("model_server")) as made:
        yield made
