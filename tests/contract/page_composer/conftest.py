"""What page_composer promises is shown on the real servicers over PostgreSQL and on the fake for others' tests."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.page_composer.houses import House, fake_house, real_house


@pytest.fixture(params=["real", "fake"])
async def house(request, tmp_path) -> AsyncIterator[House]:
    if request.param == "fake":
        async with fake_house() as made:
            yield made
    else:
        async with real_house(request.getfixturevalue("postgres_dsn"), tmp_path) as made:
            yield made
