"""What page_composer promises is shown on the real servicers over PostgreSQL and on the fake for others' tests."""

from collections.abc import AsyncIterator
from zlib import crc32

import pytest

from tests.contract.page_composer.houses import House, fake_house, real_house


@pytest.fixture(params=["real", "fake"])
async def house(request, tmp_path) -> AsyncIterator[House]:
    # By the test's name: a page is drawn from shop and request, so the draws do not depend on which tests ran before.
    shop_id = f"shop-{crc32(request.node.nodeid.encode())}"
    if request.param == "fake":
        async with fake_house(shop_id) as made:
            yield made
    else:
        async with real_house(request.getfixturevalue("postgres_dsn"), tmp_path, shop_id) as made:
            yield made
