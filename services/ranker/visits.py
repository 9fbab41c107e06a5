"""From the contract's visit and profile to the domain's visitor."""

from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import numpy as np

from services.kit.errors import InvalidRequest
from services.ranker.model.signature import EMBEDDING_SIZE
from services.ranker.visitor import RecentAction, Situation, Visitor
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2

_DAY_S: Final = 86_400.0
_SEARCH_ENGINES: Final = frozenset({"google", "bing", "duckduckgo", "baidu", "yandex", "yahoo", "ecosia", "naver"})
_SOCIAL_NETWORKS: Final = frozenset(
    {"facebook", "instagram", "tiktok", "pinterest", "weibo", "x", "twitter", "wechat", "reddit", "xiaohongshu"}
)
"""Names that a host has between its dots."""


def visitor_of(
    visit: common_pb2.VisitContext, profile: user_profile_pb2.Profile | None, at: datetime, user_space: str
) -> Visitor:
    """The visitor as features and sources see them.

    Raises: InvalidRequest when the embedding is of another space than the release's, or of another size.
    """
    situation = situation_of(visit, at)
    if profile is None or profile.anonymous:
        return Visitor(situation=situation)
    now_s = at.timestamp()
    affinities: dict[str, dict[str, float]] = {}
    for affinity in profile.affinities:
        affinities.setdefault(affinity.facet, {})[affinity.value] = affinity.weight
    return Visitor(
        user_embedding=_embedding(profile, user_space),
        recent_actions=tuple(
            RecentAction(
                action.item_id,
                action.action,
                max((now_s - action.occurred_at.seconds - action.occurred_at.nanos / 1e9) / _DAY_S, 0.0),
            )
            for action in profile.recent_actions
        ),
        affinities=affinities,
        exposures={exposure.item_id: max(exposure.impression_count, 0) for exposure in profile.exposures},
        situation=situation,
    )


def situation_of(visit: common_pb2.VisitContext, at: datetime) -> Situation:
    """Where and when; `at` is aware and in UTC."""
    return Situation(
        device=visit.device,
        region=visit.region,
        hour=at.hour + at.minute / 60.0,
        weekday=at.weekday(),
        locale=visit.locale,
        referrer_kind=referrer_kind(visit.referrer),
    )


def referrer_kind(referrer: str) -> str:
    """What brought the visitor: "direct", "search", "social", "campaign" or "other"."""
    address = referrer.casefold()
    if not address:
        return "direct"
    if "utm_campaign=" in address or address.startswith("campaign:"):
        return "campaign"
    names = _host_names(address)
    if names & _SEARCH_ENGINES:
        return "search"
    return "social" if names & _SOCIAL_NETWORKS else "other"


def _host_names(address: str) -> frozenset[str]:
    try:
        host = urlsplit(address if "//" in address else f"//{address}").hostname
    except ValueError:  # a referrer is what a browser sent: anything
        host = None
    return frozenset((host or "").split("."))


def _embedding(profile: user_profile_pb2.Profile, user_space: str) -> np.ndarray | None:
    if not profile.HasField("embedding"):
        return None
    embedding = profile.embedding
    if embedding.space_id != user_space:
        raise InvalidRequest.of(
            "profile.embedding.space_id",
            f"send an embedding of the release's space {user_space}, not {embedding.space_id}; "
            "ask user_profile for the profile with the same release_id",
        )
    if len(embedding.values) != EMBEDDING_SIZE:
        raise InvalidRequest.of("profile.embedding.values", f"send {EMBEDDING_SIZE} numbers")
    return np.asarray(embedding.values, np.float32)
