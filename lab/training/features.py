"""Raw features of the items, once the worker is through with them."""

import time
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from lab.training.shop_data import RawFeatures
from vitrine.item_vision.v1 import item_vision_pb2, item_vision_pb2_grpc

Progress = Callable[[str, int, int], None]
LOOK_EVERY_S = 0.5
PATIENCE_S = 120.0
"""The worker is taken to be gone when nothing has moved for so long."""


class FeaturesMissingError(Exception):
    """The worker does not go on; the message says what to do."""


def await_features(
    catalogue: item_vision_pb2_grpc.CatalogueServiceStub,
    shop_id: str,
    progress: Progress,
    clock_s: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until no item waits for its features: a model that was trained too early would know nothing of them.

    Items whose features failed are trained without. Raises: FeaturesMissingError when nothing moves.
    """
    request = item_vision_pb2.GetFeatureProgressRequest(shop_id=shop_id)
    waiting, moved_s = -1, clock_s()
    while True:
        found = catalogue.GetFeatureProgress(request)
        if not found.waiting_count:
            return
        progress("features", found.done_count, found.waiting_count + found.done_count + found.failed_count)
        if found.waiting_count != waiting:
            waiting, moved_s = found.waiting_count, clock_s()
        elif clock_s() - moved_s > PATIENCE_S:
            raise FeaturesMissingError(
                f"{waiting} items of shop {shop_id} wait for their features and nothing moves; does the picture worker "
                "run (`vitrine up`), and what does its log say?"
            )
        pause(LOOK_EVERY_S)


def read_features(
    catalogue: item_vision_pb2_grpc.CatalogueServiceStub,
    shop_id: str,
    number_of: Mapping[str, int],
    progress: Progress,
) -> RawFeatures:
    """Features of the items by number; zeros where an item has none."""
    image, text = np.zeros((len(number_of), 0), np.float32), np.zeros((len(number_of), 0), np.float32)
    hashes = np.zeros(len(number_of), np.uint64)
    backbone, encoder, done = "", "", 0
    for message in catalogue.ExportFeatures(item_vision_pb2.ExportFeaturesRequest(shop_id=shop_id)):
        if not text.shape[1]:
            text = np.zeros((len(number_of), message.text_width), np.float32)
            backbone, encoder = message.image_backbone, message.text_encoder
        numbers = np.array([number_of.get(item_id, -1) for item_id in message.item_ids], np.int64)
        known = numbers >= 0
        pictures = _matrix(message.image_features, len(numbers), message.image_width)[known]
        if pictures.any():
            # A catalogue without pictures would otherwise hold half a gigabyte of zeros for 90,000 items.
            image = image if image.shape[1] else np.zeros((len(number_of), message.image_width), np.float32)
            image[numbers[known]] = pictures
        text[numbers[known]] = _matrix(message.text_features, len(numbers), message.text_width)[known]
        hashes[numbers[known]] = np.array(message.image_hashes, np.uint64)[known]
        done += len(numbers)
        progress("features read", done, len(number_of))
    return RawFeatures(image, text, hashes, backbone, encoder)


def _matrix(content: bytes, rows: int, width: int) -> NDArray[np.float32]:
    """`[rows, width]`; the width is 0 in a shop where no item has a picture."""
    return np.frombuffer(content, "<f2").astype(np.float32).reshape(rows, width)
