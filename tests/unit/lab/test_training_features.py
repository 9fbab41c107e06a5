"""Waiting for features: as long as something moves, and no longer."""

from collections.abc import Iterable

import numpy as np
import pytest

from lab.training.features import PATIENCE_S, FeaturesMissingError, await_features, read_features
from vitrine.item_vision.v1 import item_vision_pb2 as pb


class Catalogue:
    """Answers one progress after the other, the last for ever; and the features it was given."""

    def __init__(self, waiting: Iterable[int] = (0,), features: Iterable[pb.ExportFeaturesResponse] = ()) -> None:
        self.waiting, self.asked, self.features = list(waiting), 0, list(features)

    def GetFeatureProgress(self, request: pb.GetFeatureProgressRequest) -> pb.GetFeatureProgressResponse:
        waiting = self.waiting[min(self.asked, len(self.waiting) - 1)]
        self.asked += 1
        return pb.GetFeatureProgressResponse(waiting_count=waiting, done_count=10 - waiting)

    def ExportFeatures(self, request: pb.ExportFeaturesRequest) -> Iterable[pb.ExportFeaturesResponse]:
        return self.features


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def pause(self, seconds: float) -> None:
        self.now_s += seconds


def silently(*_: object) -> None:
    """Progress that nobody watches."""


def response(item_ids: list[str], image: np.ndarray, text: np.ndarray) -> pb.ExportFeaturesResponse:
    return pb.ExportFeaturesResponse(
        item_ids=item_ids,
        image_width=image.shape[1],
        text_width=text.shape[1],
        image_features=image.astype("<f2").tobytes(),
        text_features=text.astype("<f2").tobytes(),
        image_hashes=[0] * len(item_ids),
        text_encoder="words",
    )


def test_it_waits_while_anything_moves() -> None:
    clock, told = Clock(), []
    catalogue = Catalogue([4, 4, 2, 0])
    await_features(catalogue, "shop", lambda *each: told.append(each), clock, clock.pause)
    assert told == [("features", 6, 10), ("features", 6, 10), ("features", 8, 10)]
    assert catalogue.asked == 4


def test_it_says_so_when_nothing_moves() -> None:
    clock = Clock()
    with pytest.raises(FeaturesMissingError, match="3 items of shop corner wait"):
        await_features(Catalogue([5, 3]), "corner", silently, clock, clock.pause)
    assert clock.now_s == pytest.approx(PATIENCE_S, abs=2.0)


@pytest.mark.parametrize("width", [0, 8])
def test_a_catalogue_without_pictures_holds_no_picture_features(width: int) -> None:
    text = np.ones((2, 3))
    answers = [response(["b", "gone"], np.zeros((2, width)), text)]
    features = read_features(Catalogue(features=answers), "shop", {"a": 0, "b": 1}, silently)
    assert features.image.shape == (2, 0)
    assert features.text.tolist() == [[0, 0, 0], [1, 1, 1]]


def test_one_picture_makes_room_for_all() -> None:
    pictures = np.zeros((2, 8))
    pictures[1] = 2.0
    features = read_features(
        Catalogue(features=[response(["a", "b"], pictures, np.ones((2, 3)))]), "shop", {"a": 0, "b": 1}, silently
    )
    assert features.image.tolist() == pictures.tolist()
