"""The calls that one page is made of, and their recorded messages."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.ranker.predict_protocol import predict_pb2
from vitrine.item_vision.v1 import item_vision_pb2
from vitrine.page_composer.v1 import page_composer_pb2
from vitrine.ranker.v1 import ranker_pb2
from vitrine.user_profile.v1 import user_profile_pb2


@dataclass(frozen=True)
class Call:
    """One call of a page: its path and the classes of its messages."""

    path: str
    request: type[Any]
    response: type[Any]


COMPOSE = Call(
    "/vitrine.page_composer.v1.PageComposerService/ComposePage",
    page_composer_pb2.ComposePageRequest,
    page_composer_pb2.ComposePageResponse,
)
PREDICT = Call("/tensorflow.serving.PredictionService/Predict", predict_pb2.PredictRequest, predict_pb2.PredictResponse)
CALLS: Sequence[Call] = (
    COMPOSE,
    Call(
        "/vitrine.user_profile.v1.UserProfileService/GetProfile",
        user_profile_pb2.GetProfileRequest,
        user_profile_pb2.GetProfileResponse,
    ),
    Call("/vitrine.ranker.v1.RankerService/Recommend", ranker_pb2.RecommendRequest, ranker_pb2.RecommendResponse),
    PREDICT,
    Call(
        "/vitrine.item_vision.v1.CatalogueService/GetItems",
        item_vision_pb2.GetItemsRequest,
        item_vision_pb2.GetItemsResponse,
    ),
)
"""The hops of a page, in the order in which they are made."""

RecordedPage = Mapping[str, tuple[bytes, bytes]]
"""By path: the request and the response of each hop, as they went over the wire."""


def write_pages(path: Path, pages: Sequence[RecordedPage]) -> None:
    """Keep recorded pages in a file."""
    lines = [
        {call: [base64.b64encode(part).decode() for part in pair] for call, pair in page.items()} for page in pages
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n", encoding="utf-8")


def read_pages(path: Path) -> list[RecordedPage]:
    """Read what `write_pages` wrote."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        {call: (base64.b64decode(request), base64.b64decode(response)) for call, (request, response) in line.items()}
        for line in lines
    ]
