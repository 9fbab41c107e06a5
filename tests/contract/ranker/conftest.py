"""The tests of a file share a house: the real servicers with a real model server, and the fake for others' tests."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.contract.ranker.houses import House, fake_house, real_house


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["real", "fake"])
async def house(request, tmp_path_factory) -> AsyncIterator[House]:
    if request.param == "fake":
        async with fake_house() as made:
            yield made
    else:
        folder = tmp_path_factory.mktemp("ranker")
        async with real_house(request.getfixturevalue("small_release"), folder) as made:
            yield made
