"""Bad requests by the dozen: what is sent, and how it has to be refused."""

import struct
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from lab.channels import open_channel
from services.kit import tracking
from tests.e2e.ensemble import SmallEnsemble
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2, item_vision_pb2_grpc
from vitrine.page_composer.v1 import (
    merchandising_pb2,
    merchandising_pb2_grpc,
    page_composer_pb2,
    page_composer_pb2_grpc,
)
from vitrine.ranker.v1 import ranker_pb2, ranker_pb2_grpc
from vitrine.user_profile.v1 import user_profile_pb2, user_profile_pb2_grpc

INVALID, NOT_FOUND = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND
PRECONDITION, ABORTED = grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.ABORTED
INVALID_REQUEST = "INVALID_REQUEST"
TIMEOUT_S = 10.0
VISIT = common_pb2.VisitContext(user_id="bad-requests", region="DE", locale="en")
ITEM = "item-00001"


class Counter:
    """The services, and what a caller of theirs has at hand."""

    def __init__(self, made: SmallEnsemble, tracking_key: bytes) -> None:
        self.shop_id, self.release_id, self.tracking_key = made.shop_id, made.release_id, tracking_key
        services = ("user_profile", "item_vision", "ranker", "page_composer")
        self.channels = {name: open_channel(made.address(name), f"vitrine.{name}.v1") for name in services}
        self.profiles = user_profile_pb2_grpc.UserProfileServiceStub(self.channels["user_profile"])
        self.catalogue = item_vision_pb2_grpc.CatalogueServiceStub(self.channels["item_vision"])
        self.vision = item_vision_pb2_grpc.ItemVisionServiceStub(self.channels["item_vision"])
        self.ranker = ranker_pb2_grpc.RankerServiceStub(self.channels["ranker"])
        self.releases = ranker_pb2_grpc.ReleaseServiceStub(self.channels["ranker"])
        self.composer = page_composer_pb2_grpc.PageComposerServiceStub(self.channels["page_composer"])
        self.merchandising = merchandising_pb2_grpc.MerchandisingServiceStub(self.channels["page_composer"])

    def close(self) -> None:
        for channel in self.channels.values():
            channel.close()

    def compose(self, **changes: Any) -> Any:
        request = page_composer_pb2.ComposePageRequest(**{"shop_id": self.shop_id, "visit": VISIT, **changes})
        return self.composer.ComposePage(request, timeout=TIMEOUT_S)

    def visit(self, **changes: Any) -> Any:
        visit = common_pb2.VisitContext()
        visit.CopyFrom(VISIT)
        visit.MergeFrom(common_pb2.VisitContext(**changes))
        return self.compose(visit=visit)

    def record(self, *events: user_profile_pb2.Event) -> Any:
        request = user_profile_pb2.RecordEventsRequest(shop_id=self.shop_id, events=events)
        return self.profiles.RecordEvents(request, timeout=TIMEOUT_S)

    def event(self, **changes: Any) -> Any:
        return self.record(event(**changes))

    def token(self, shop_id: str, key: bytes) -> str:
        return tracking.issue(common_pb2.TrackingClaims(shop_id=shop_id, item_id=ITEM), key)

    def recommend(self, **changes: Any) -> Any:
        pools = [ranker_pb2.Pool(pool_id="p", source="popular")]
        request = ranker_pb2.RecommendRequest(**{"shop_id": self.shop_id, "visit": VISIT, "pools": pools, **changes})
        return self.ranker.Recommend(request, timeout=TIMEOUT_S)

    def pool(self, **changes: Any) -> Any:
        return self.recommend(pools=[ranker_pb2.Pool(**{"pool_id": "p", "source": "popular", **changes})])

    def embedding(self, space_id: str, first: float) -> Any:
        vector = common_pb2.ModalityVector(modality="user", space_id=space_id, values=[first] + [0.0] * 63)
        return self.recommend(profile=user_profile_pb2.Profile(embedding=vector))

    def look(self, **picture: Any) -> Any:
        request = item_vision_pb2.DescribeImageRequest(shop_id=self.shop_id, picture=item_vision_pb2.Picture(**picture))
        return self.vision.DescribeImage(request, timeout=TIMEOUT_S)

    def similar(self, **changes: Any) -> Any:
        request = item_vision_pb2.FindSimilarItemsRequest(**{"shop_id": self.shop_id, "item_id": ITEM, **changes})
        return self.vision.FindSimilarItems(request, timeout=TIMEOUT_S)

    def watch(self, cursor: str) -> Any:
        request = item_vision_pb2.WatchItemsRequest(shop_id=self.shop_id, cursor=cursor, stop_at_end=True)
        return list(self.catalogue.WatchItems(request, timeout=TIMEOUT_S))

    def put_rule(self, **rule: Any) -> Any:
        request = merchandising_pb2.PutRuleRequest(shop_id=self.shop_id, rule=merchandising_pb2.Rule(**rule))
        return self.merchandising.PutRule(request, timeout=TIMEOUT_S)

    def upsert(self, **changes: Any) -> Any:
        """One item, good but for the changes; nothing of it stays."""
        good = {
            "item_id": "bad-item", "titles": {"en": "Bad item"},
            "price": common_pb2.Money(amount_minor=100, currency="EUR"),
        }  # fmt: skip
        item = item_vision_pb2.ItemInput(**{**good, **changes})
        request = item_vision_pb2.UpsertItemsRequest(shop_id=self.shop_id, items=[item])
        answer = self.catalogue.UpsertItems(iter([request]), timeout=TIMEOUT_S)
        self.catalogue.DeleteItems(
            item_vision_pb2.DeleteItemsRequest(shop_id=self.shop_id, item_ids=["bad-item"]), timeout=TIMEOUT_S
        )
        return answer


@dataclass(frozen=True)
class Bad:
    """A bad request and its refusal."""

    what: str
    send: Callable[[Counter], Any]
    field: str = ""
    """The field at fault; empty where the refusal is not about one."""
    code: grpc.StatusCode = INVALID
    reason: str = INVALID_REQUEST


def moment(seconds_ahead: float = 0.0) -> Timestamp:
    made = Timestamp()
    made.FromNanoseconds(time.time_ns() + int(seconds_ahead * 1e9))
    return made


def event(**changes: Any) -> user_profile_pb2.Event:
    """An event, good but for the changes."""
    good = {
        "event_id": f"bad-{time.time_ns()}", "action": common_pb2.ACTION_VIEW, "occurred_at": moment(),
        "user_id": "bad-requests", "item_id": ITEM,
    }  # fmt: skip
    return user_profile_pb2.Event(**{**good, **changes})


def bomb() -> bytes:
    """A PNG of some hundred bytes that claims 60,000 × 60,000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 60_000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def conflict(counter: Counter) -> Any:
    first = event(event_id=f"twice-{time.time_ns()}")
    counter.record(first)
    return counter.record(event(event_id=first.event_id, action=common_pb2.ACTION_CLICK, occurred_at=first.occurred_at))


def bad_visits() -> Iterator[Bad]:
    yield Bad("empty shop id", lambda to: to.compose(shop_id=""), "shop_id")
    yield Bad("shop id in capitals", lambda to: to.compose(shop_id="Boutique"), "shop_id")
    yield Bad("oversized user id", lambda to: to.visit(user_id="u" * 129), "visit.user_id")
    yield Bad("user id with control characters", lambda to: to.visit(user_id="a\x00b\n"), "visit.user_id")
    yield Bad("oversized request id", lambda to: to.compose(request_id="r" * 129), "request_id")
    yield Bad("wrong enum number", lambda to: to.visit(device=99), "visit.device")
    yield Bad("unknown page", lambda to: to.visit(page="moon"), "visit.page")
    yield Bad("region of nowhere", lambda to: to.visit(region="nowhere"), "visit.region")
    yield Bad("malformed language", lambda to: to.visit(locale="_"), "visit.locale")
    yield Bad("oversized referrer", lambda to: to.visit(referrer="x" * 2_049), "visit.referrer")
    yield Bad("no visit", lambda to: to.compose(visit=None), "visit")
    yield Bad("negative profile version", lambda to: to.compose(min_profile_version=-1), "min_profile_version")
    yield Bad("malformed template id", lambda to: to.compose(template_id="../etc"), "template_id")
    yield Bad("unknown template", lambda to: to.compose(template_id="moon"), "", NOT_FOUND, "TEMPLATE_UNKNOWN")
    yield Bad("shop that does not exist", lambda to: to.compose(shop_id="nobody"), "", PRECONDITION, "SHOP_NOT_READY")


def bad_events() -> Iterator[Bad]:
    yield Bad("no events", lambda to: to.record(), "events")
    yield Bad("1,001 events", lambda to: to.record(*[event() for _ in range(1_001)]), "events")
    yield Bad("unknown action", lambda to: to.event(action=77), "events[0].action")
    yield Bad("event of nobody", lambda to: to.event(user_id=""), "events[0].user_id")
    yield Bad("event without id", lambda to: to.event(event_id=""), "events[0].event_id")
    yield Bad("event in the far future", lambda to: to.event(occurred_at=moment(86_400)), "events[0].occurred_at")
    yield Bad("event before our time", lambda to: to.event(occurred_at=Timestamp(seconds=5)), "events[0].occurred_at")
    yield Bad("rating of 9", lambda to: to.event(action=common_pb2.ACTION_RATE, rating=9), "events[0].rating")
    yield Bad(
        "search without words", lambda to: to.event(action=common_pb2.ACTION_SEARCH, item_id=""), "events[0].query"
    )
    yield Bad("negative quantity", lambda to: to.event(quantity=-1), "events[0].quantity")
    yield Bad(
        "forged tracking token",
        lambda to: to.event(tracking_token=to.token(to.shop_id, b"not the key at all")),
        "events[0].tracking_token",
    )
    yield Bad(
        "tracking token of another shop",
        lambda to: to.event(tracking_token=to.token("another", to.tracking_key)),
        "events[0].tracking_token",
    )
    yield Bad("tracking token that is none", lambda to: to.event(tracking_token="%%%"), "events[0].tracking_token")
    yield Bad("same event id, other content", conflict, "", ABORTED, "EVENT_CONFLICT")


def bad_rankings() -> Iterator[Bad]:
    yield Bad("no pools", lambda to: to.recommend(pools=[]), "pools")
    yield Bad("negative limit", lambda to: to.pool(limit=-1), "pools[0].limit")
    yield Bad("limit too large", lambda to: to.pool(limit=501), "pools[0].limit")
    yield Bad("unknown source", lambda to: to.pool(source="tea leaves"), "pools[0].source")
    yield Bad("NaN in a vector", lambda to: to.embedding("", float("nan")), "profile.embedding.values")
    yield Bad("embedding of another space", lambda to: to.embedding("0" * 16, 1.0), "profile.embedding.space_id")
    yield Bad(
        "release that is not loaded",
        lambda to: to.recommend(visit=common_pb2.VisitContext(release_id="r1")),
        "",
        PRECONDITION,
        "RELEASE_NOT_READY",
    )
    yield Bad(
        "malformed release id",
        lambda to: to.recommend(visit=common_pb2.VisitContext(release_id="v1")),
        "visit.release_id",
    )
    yield Bad(
        "promotion of an unknown release",
        lambda to: to.releases.PromoteRelease(
            ranker_pb2.PromoteReleaseRequest(shop_id=to.shop_id, release_id="r1"), timeout=TIMEOUT_S
        ),
        "",
        NOT_FOUND,
        "RELEASE_UNKNOWN",
    )
    yield Bad(
        "promotion to previous",
        lambda to: to.releases.PromoteRelease(
            ranker_pb2.PromoteReleaseRequest(
                shop_id=to.shop_id, release_id=to.release_id, label=ranker_pb2.RELEASE_LABEL_PREVIOUS
            ),
            timeout=TIMEOUT_S,
        ),
        "label",
    )


def bad_pictures() -> Iterator[Bad]:
    yield Bad("no picture", lambda to: to.look(), "picture")
    yield Bad("zero-byte picture", lambda to: to.look(content=b""), "picture.content")
    yield Bad("broken picture", lambda to: to.look(content=b"\xff\xd8\xff" + b"\0" * 50), "picture.content")
    yield Bad("picture bomb", lambda to: to.look(content=bomb()), "picture.content")
    yield Bad("text file as a picture", lambda to: to.look(content=b"Dear Sir or Madam"), "picture.content")
    yield Bad("picture of over 10 MiB", lambda to: to.look(content=b"\xff" * (10 * 2**20 + 1)), "picture.content")
    yield Bad("address of ourselves", lambda to: to.look(url="http://127.0.0.1:8080/a.jpg"), "picture.url")
    yield Bad("address of ourselves by name", lambda to: to.look(url="http://localhost/a.jpg"), "picture.url")
    yield Bad("address of the cloud's metadata", lambda to: to.look(url="http://169.254.169.254/latest"), "picture.url")
    yield Bad("address in IPv6 clothes", lambda to: to.look(url="http://[::ffff:127.0.0.1]/a.jpg"), "picture.url")
    yield Bad("file address", lambda to: to.look(url="file:///etc/passwd"), "picture.url")
    yield Bad("path out of the folder", lambda to: to.look(path="../secrets.json"), "picture.path")
    yield Bad("path that is not there", lambda to: to.look(path="images/none.jpg"), "picture.path")


def bad_catalogue() -> Iterator[Bad]:
    yield Bad("similar to an unknown item", lambda to: to.similar(item_id="none"), "", NOT_FOUND, "ITEM_UNKNOWN")
    yield Bad("too many similar items", lambda to: to.similar(limit=201), "limit")
    yield Bad("malformed cursor", lambda to: to.watch("yesterday"), "cursor")
    yield Bad(
        "negative page size",
        lambda to: to.catalogue.ListItems(
            item_vision_pb2.ListItemsRequest(shop_id=to.shop_id, page_size=-1), timeout=TIMEOUT_S
        ),
        "page_size",
    )
    yield Bad(
        "malformed page token",
        lambda to: to.catalogue.ListItems(
            item_vision_pb2.ListItemsRequest(shop_id=to.shop_id, page_token="next"), timeout=TIMEOUT_S
        ),
        "page_token",
    )
    yield Bad(
        "picture of an unknown item",
        lambda to: to.vision.GetImage(
            item_vision_pb2.GetImageRequest(shop_id=to.shop_id, item_id="none"), timeout=TIMEOUT_S
        ),
        "",
        NOT_FOUND,
        "IMAGE_UNKNOWN",
    )


def bad_rules() -> Iterator[Bad]:
    yield Bad("rule without an effect", lambda to: to.put_rule(rule_id="bad"), "rule.effect")
    yield Bad(
        "boost of everything",
        lambda to: to.put_rule(rule_id="bad", boost=merchandising_pb2.BoostEffect(factor=2.0)),
        "rule.boost.items",
    )
    yield Bad("rule id with a slash", lambda to: to.put_rule(rule_id="a/b"), "rule.rule_id")


def every_bad_request() -> list[Bad]:
    """All of them, with names that differ."""
    return [
        *bad_visits(), *bad_events(), *bad_rankings(), *bad_pictures(), *bad_catalogue(), *bad_rules()
    ]  # fmt: skip
