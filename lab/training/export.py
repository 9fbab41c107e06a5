"""Reads a shop through the services' export calls: the only way training gets at data."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lab.channels import open_channel
from lab.training.shop_data import EventColumns, RawFeatures, ShopData
from vitrine.item_vision.v1 import item_vision_pb2, item_vision_pb2_grpc
from vitrine.user_profile.v1 import user_profile_pb2, user_profile_pb2_grpc

Progress = Callable[[str, int, int], None]
"""(what, done, of how many; 0 when unknown)."""

PAGE_SIZE = 1_000


class NothingToLearnError(Exception):
    """The shop has no items or no events; the message says what to import."""


def export_shop(shop_id: str, addresses: Mapping[str, Sequence[str]], progress: Progress) -> ShopData:
    """Read catalogue, features and events of a shop.

    Raises: NothingToLearnError when there are no items.
    """
    with open_channel(addresses["item_vision"], "vitrine.item_vision.v1") as channel:
        catalogue = item_vision_pb2_grpc.CatalogueServiceStub(channel)
        items = list(_items(catalogue, shop_id, progress))
        if not items:
            raise NothingToLearnError(f"shop {shop_id} has no items: bring them with `vitrine import items`")
        number_of = {item.item_id: number for number, item in enumerate(items)}
        features = _features(catalogue, shop_id, number_of, progress)
    with open_channel(addresses["user_profile"], "vitrine.user_profile.v1") as channel:
        events = _events(user_profile_pb2_grpc.UserProfileServiceStub(channel), shop_id, number_of, progress)
    return ShopData(shop_id, items, features, events, now_us=time.time_ns() // 1_000)


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
        if not image.shape[1]:
            image = np.zeros((len(number_of), message.image_width), np.float32)
            text = np.zeros((len(number_of), message.text_width), np.float32)
            backbone, encoder = message.image_backbone, message.text_encoder
        numbers = np.array([number_of.get(item_id, -1) for item_id in message.item_ids], np.int64)
        known = numbers >= 0
        image[numbers[known]] = _matrix(message.image_features, message.image_width)[known]
        text[numbers[known]] = _matrix(message.text_features, message.text_width)[known]
        hashes[numbers[known]] = np.array(message.image_hashes, np.uint64)[known]
        done += len(numbers)
        progress("features", done, len(number_of))
    return RawFeatures(image, text, hashes, backbone, encoder)


def _matrix(content: bytes, width: int) -> NDArray[np.float32]:
    return np.frombuffer(content, "<f2").astype(np.float32).reshape(-1, width)


class _Numbers:
    """Numbers for texts, in order of first appearance; −1 for the empty text."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        return self.texts.setdefault(text, len(self.texts)) if text else -1


def _events(
    profiles: user_profile_pb2_grpc.UserProfileServiceStub,
    shop_id: str,
    number_of: Mapping[str, int],
    progress: Progress,
) -> EventColumns:
    subjects, pages = _Numbers(), _Numbers()
    numbers: list[tuple[int, ...]] = []
    regions: list[str] = []
    locales: list[str] = []
    item_ids: list[str] = []
    queries: list[str] = []
    for message in profiles.ExportEvents(user_profile_pb2.ExportEventsRequest(shop_id=shop_id)):
        for event in message.events:
            place, at = event.placement, event.occurred_at
            numbers.append(
                (
                    at.seconds * 1_000_000 + at.nanos // 1_000,
                    event.action,
                    number_of.get(event.item_id, -1),
                    subjects(event.user_id or event.session_id),
                    pages(place.page_id),
                    place.row,
                    place.column,
                    event.device or place.device,
                )
            )
            regions.append(event.region)
            locales.append(event.locale)
            item_ids.append(event.item_id)
            queries.append(event.query)
        progress("events", len(numbers), 0)
    table = np.array(numbers, np.int64).reshape(-1, 8)
    occurred_us, *rest = table.T
    action, item, subject, page, row, column, device = (values.astype(np.int32) for values in rest)
    return EventColumns(
        occurred_us=occurred_us,
        action=action,
        item=item,
        subject=subject,
        page=page,
        row=row,
        column=column,
        device=device,
        region=regions,
        locale=locales,
        item_ids=item_ids,
        queries=queries,
        subjects=list(subjects.texts),
    )
