"""Reads a shop through the services' export calls and the tables prepared of them: the only way to data."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lab.channels import open_channel
from lab.preparation.prepare import Prepared
from lab.preparation.shop import prepare_shop
from lab.training.prepared_tables import read_event_columns, read_popularity, read_price_edges
from lab.training.shop_data import RawFeatures, ShopData
from vitrine.item_vision.v1 import item_vision_pb2, item_vision_pb2_grpc

Progress = Callable[[str, int, int], None]
"""(what, done, of how many; 0 when unknown)."""

PAGE_SIZE = 1_000


class NothingToLearnError(Exception):
    """The shop has no items or no events; the message says what to import."""


def export_shop(shop_id: str, work: Path, addresses: Mapping[str, Sequence[str]], progress: Progress) -> ShopData:
    """Read catalogue and features of a shop, and its prepared events and statistics, which are made anew.

    Raises: NothingToLearnError when there are no items.
    """
    with open_channel(addresses["item_vision"], "vitrine.item_vision.v1") as channel:
        catalogue = item_vision_pb2_grpc.CatalogueServiceStub(channel)
        items = list(_items(catalogue, shop_id, progress))
        if not items:
            raise NothingToLearnError(f"shop {shop_id} has no items: bring them with `vitrine import items`")
        number_of = {item.item_id: number for number, item in enumerate(items)}
        features = _features(catalogue, shop_id, number_of, progress)
    prepared = prepare_shop(shop_id, work, addresses, progress)
    return prepared_shop(prepared, items, features)


def prepared_shop(prepared: Prepared, items: Sequence[item_vision_pb2.ItemFacts], features: RawFeatures) -> ShopData:
    """What training reads, from prepared tables beside the catalogue and its features, which are in item order."""
    number_of = {item.item_id: number for number, item in enumerate(items)}
    return ShopData(
        shop_id=prepared.shop_id,
        items=items,
        features=features,
        events=read_event_columns(prepared.path("events"), number_of),
        price_edges_minor=read_price_edges(prepared.path("price_bands")),
        popularity=read_popularity(prepared.path("item_statistics"), number_of),
        now_us=prepared.as_of_us,
    )


def _items(
    catalogue: item_vision_pb2_grpc.CatalogueServiceStub, shop_id: str, progress: Progress
) -> Iterator[item_vision_pb2.ItemFacts]:
    request, done = item_vision_pb2.ListItemsRequest(shop_id=shop_id, page_size=PAGE_SIZE), 0
    while True:
        page = catalogue.ListItems(request)
        yield from page.items
        done += len(page.items)
        progress("items", done, 0)
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def _features(
    catalogue: item_vision_pb2_grpc.CatalogueServiceStub,
    shop_id: str,
    number_of: Mapping[str, int],
    progress: Progress,
) -> RawFeatures:
    image, text = np.zeros((len(number_of), 0), np.float32), np.zeros((len(number_of), 0), np.float32)
    hashes = np.zeros(len(number_of), np.uint64)
    backbone, encoder, done = "", "", 0
    for message in catalogue.ExportFeatures(item_vision_pb2.ExportFeaturesRequest(shop_id=shop_id)):
        if not text.shape[1]:
            text = np.zeros((len(number_of), message.text_width), np.float32)
            backbone, encoder = message.image_backbone, message.text_encoder
        numbers = np.array([number_of.get(item_id, -1) for item_id in message.item_ids], np.int64)
        known = numbers >= 0
        pictures = _matrix(message.image_features, message.image_width)[known]
        if pictures.any():
            # A catalogue without pictures would otherwise hold half a gigabyte of zeros for 90,000 items.
            image = image if image.shape[1] else np.zeros((len(number_of), message.image_width), np.float32)
            image[numbers[known]] = pictures
        text[numbers[known]] = _matrix(message.text_features, message.text_width)[known]
        hashes[numbers[known]] = np.array(message.image_hashes, np.uint64)[known]
        done += len(numbers)
        progress("features", done, len(number_of))
    return RawFeatures(image, text, hashes, backbone, encoder)


def _matrix(content: bytes, width: int) -> NDArray[np.float32]:
    return np.frombuffer(content, "<f2").astype(np.float32).reshape(-1, width)
