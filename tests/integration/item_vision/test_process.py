"""The server and the worker as they are wired, with the real encoders where it says so."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.item_vision.__main__ import definition, worker_definition
from services.item_vision.model.encoders import ImageEncoderSettings, load_image_encoder
from services.item_vision.model.pictures import decode_picture, network_input
from services.item_vision.settings import ItemVisionSettings
from services.kit.serving import running
from tests.fakes.small_encoders import SmallImageEncoder, publish
from tests.model.item_vision.drawings import encoded, pixels
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2 as pb
from vitrine.item_vision.v1.item_vision_pb2_grpc import CatalogueServiceStub, ItemVisionServiceStub

CATALOGUE, VISION = "vitrine.item_vision.v1.CatalogueService", "vitrine.item_vision.v1.ItemVisionService"
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def settings(postgres_dsn, tmp_path) -> ItemVisionSettings:
    return ItemVisionSettings(
        database_dsn=postgres_dsn, releases_dir=tmp_path, drain_seconds=1.0, worker_idle_s=0.02, watch_poll_s=0.02
    )


async def health(channel: grpc.aio.Channel, service: str) -> int:
    stub = health_pb2_grpc.HealthStub(channel)
    return (await stub.Check(health_pb2.HealthCheckRequest(service=service))).status


@asynccontextmanager
async def healthy(channel: grpc.aio.Channel, service: str) -> AsyncIterator[None]:
    """Enter when the service is SERVING."""
    async with asyncio.timeout(60):
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=service))
        async for message in watch:
            if message.status == SERVING:
                break
        watch.cancel()
    yield


async def test_the_catalogue_serves_while_the_encoder_is_still_loading(settings):
    publish(settings.releases_dir, "boutique")
    go_on = threading.Event()

    def load_slowly(_: ImageEncoderSettings) -> SmallImageEncoder:
        go_on.wait(60)
        return SmallImageEncoder()

    async with (
        running(definition(settings, load_slowly), await_warm_up=False) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        try:
            async with healthy(channel, CATALOGUE):
                assert await health(channel, VISION) == NOT_SERVING
                listed = await CatalogueServiceStub(channel).ListItems(pb.ListItemsRequest(shop_id="boutique"))
                assert list(listed.items) == []
        finally:
            go_on.set()
        async with healthy(channel, VISION):
            picture = pb.Picture(content=encoded(pixels("disc", "blue", 1)))
            asked = pb.DescribeImageRequest(shop_id="boutique", picture=picture)
            described = await ItemVisionServiceStub(channel).DescribeImage(asked)
            assert described.attributes[0].value == "blue"


async def test_the_worker_computes_with_the_real_encoders_what_training_reads(settings):
    content = encoded(pixels("frame", "green", 3))
    price = common_pb2.Money(amount_minor=1_000, currency="EUR")
    titles = {"en": "Green frame", "zh": "绿色相框"}
    items = [
        pb.ItemInput(item_id="frame", titles=titles, price=price, images=[pb.Picture(content=content)]),
        pb.ItemInput(item_id="wordy", titles=titles, price=price),
    ]
    async with (
        running(definition(settings, lambda _: SmallImageEncoder())) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        catalogue = CatalogueServiceStub(channel)
        await catalogue.UpsertItems(iter([pb.UpsertItemsRequest(shop_id="apparel", items=items)]))
        async with running(worker_definition(settings)), asyncio.timeout(60):
            progress = pb.GetFeatureProgressResponse()
            while progress.done_count < 2:
                progress = await catalogue.GetFeatureProgress(pb.GetFeatureProgressRequest(shop_id="apparel"))
                await asyncio.sleep(0.05)
        (message,) = [each async for each in catalogue.ExportFeatures(pb.ExportFeaturesRequest(shop_id="apparel"))]
    image = np.frombuffer(message.image_features, "<f2").reshape(2, message.image_width)
    text = np.frombuffer(message.text_features, "<f2").reshape(2, message.text_width)
    rows = {item_id: row for row, item_id in enumerate(message.item_ids)}
    encoder = load_image_encoder(ImageEncoderSettings(batch_sizes=(1,)))
    expected = encoder.encode(network_input(decode_picture(content))[None])[0]
    assert message.image_backbone == encoder.backbone_name
    np.testing.assert_allclose(image[rows["frame"]].astype(np.float32), expected, atol=5e-3)
    assert not image[rows["wordy"]].any()
    np.testing.assert_array_equal(text[0], text[1])
    assert message.text_width == 512
