"""The ranker's client against the embedded model server, over a real channel."""

import grpc
import numpy as np
import pytest
import pytest_asyncio

from services.kit.errors import DependencyDown
from services.kit.serving import running
from services.kit.status import RemoteError
from services.ranker.model.export import answer_in_python
from services.ranker.model.gate import random_request
from services.ranker.model.signature import CLICK, PURCHASE
from services.ranker.model_client import ModelClient
from services.ranker.model_server.__main__ import definition
from services.ranker.model_server.settings import ModelServerSettings
from tests.model.ranker.exports import ITEMS, export_well, small_model

pytestmark = pytest.mark.asyncio(loop_scope="module")

REQUEST = random_request(np.random.default_rng(5), ITEMS, 12, 1)


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    export_well(model, folder / "3", "fusion-shop")
    settings = ModelServerSettings(models={"fusion-shop": folder}, releases_dir=folder / "none")
    async with running(definition(settings)) as address:
        opened = ModelClient.open([address])
        yield opened
        await opened.close()


async def test_columns_come_back_with_the_version_that_scored(client, model):
    prediction = await client.predict("shop", 3, REQUEST, timeout_s=20)
    expected = answer_in_python(model)(REQUEST)
    assert np.allclose(prediction.p_click_if_seen, expected[CLICK], atol=1e-5)
    assert np.allclose(prediction.p_purchase_if_seen, expected[PURCHASE], atol=1e-5)
    assert prediction.version == 3


async def test_available_versions_are_those_that_are_loaded_and_none_of_an_unknown_shop(client):
    assert await client.available_versions("shop", timeout_s=20) == {3}
    assert await client.available_versions("nobody", timeout_s=20) == frozenset()


async def test_a_version_that_is_not_served_counts_as_the_model_server_being_down(client):
    with pytest.raises(DependencyDown) as down:
        await client.predict("shop", 77, REQUEST, timeout_s=20)
    assert (down.value.dependency, down.value.cause) == ("model_server", "unavailable")


async def test_tensors_that_do_not_fit_are_our_own_fault(client):
    with pytest.raises(RemoteError) as refused:
        await client.predict("shop", 3, REQUEST | {"context": np.zeros((1, 3), np.float32)}, timeout_s=20)
    assert refused.value.code == grpc.StatusCode.INVALID_ARGUMENT


async def test_nobody_at_the_address_is_a_dependency_that_is_down():
    nobody = ModelClient.open(["127.0.0.1:1"])
    with pytest.raises(DependencyDown):
        await nobody.predict("shop", 3, REQUEST, timeout_s=0.5)
    with pytest.raises(DependencyDown):
        await nobody.available_versions("shop", timeout_s=0.5)
    await nobody.close()
