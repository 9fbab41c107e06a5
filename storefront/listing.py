"""Plain lists of items: search results, everything in a category, similar looks, baskets."""

import dataclasses
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import grpc

from storefront.cards import Card, Why
from storefront.failures import failure_of
from storefront.response import maker
from storefront.tickets import Ticket
from storefront.visit import Visit
from vitrine.item_vision.v1 import item_vision_pb2
from vitrine.ranker.v1 import ranker_pb2
from vitrine.user_profile.v1 import user_profile_pb2

logger = logging.getLogger(__name__)

SIMILAR_LIMIT = 12
SIMILAR_SHOWN = 3
"""Fewer similar looks than this are not worth a shelf."""


@dataclass(frozen=True)
class Wanted:
    """What a listing shows."""

    query: str = ""
    category: str = ""
    brand: str = ""
    maximum_age_days: int | None = None
    reduced_only: bool = False
    minimum_price_minor: int | None = None
    maximum_price_minor: int | None = None
    excluded: Collection[str] = ()
    limit: int = 48

    def up_to(self, limit: int) -> "Wanted":
        """The same with another length."""
        return dataclasses.replace(self, limit=limit)


@dataclass(frozen=True)
class Listing:
    """Cards in order, and whether there may be more."""

    cards: tuple[Card, ...]
    more: bool
    degraded: bool


async def listing(visit: Visit, wanted: Wanted, section_id: str) -> Listing:
    """Items of the catalogue that fit, best for this visitor first. Raises: AioRpcError."""
    request = ranker_pb2.RecommendRequest(
        shop_id=visit.shop.shop_id,
        request_id=visit.request_id,
        visit=visit.context(),
        profile=await _profile(visit),
        pools=[ranker_pb2.Pool(pool_id=section_id, source="catalogue", filter=pool_filter(wanted), limit=wanted.limit)],
    )
    answer = await visit.upstreams.ranker.Recommend(request)
    ordered = [answer.item_ids[index] for pool in answer.pools for index in pool.indexes]
    cards = await hydrated(visit, ordered, section_id)
    return Listing(cards, len(ordered) >= wanted.limit, answer.HasField("degraded"))


def pool_filter(wanted: Wanted) -> ranker_pb2.PoolFilter:
    """The filter of the pool that a listing asks for."""
    return ranker_pb2.PoolFilter(
        categories=[wanted.category] if wanted.category else [],
        brands=[wanted.brand] if wanted.brand else [],
        maximum_age_days=wanted.maximum_age_days,
        reduced_only=wanted.reduced_only,
        minimum_price_minor=wanted.minimum_price_minor,
        maximum_price_minor=wanted.maximum_price_minor,
        excluded_item_ids=list(wanted.excluded)[:2_000],
        query=wanted.query,
    )


async def similar_looks(visit: Visit, item_id: str) -> tuple[Card, ...]:
    """Items that look like the item; none when that cannot be told."""
    request = item_vision_pb2.FindSimilarItemsRequest(
        shop_id=visit.shop.shop_id, request_id=visit.request_id, item_id=item_id, limit=SIMILAR_LIMIT
    )
    try:
        answer = await visit.upstreams.vision.FindSimilarItems(request)
        similarities = {item.item_id: item.similarity for item in answer.items}
        return await hydrated(visit, list(similarities), "similar_looks", similarities)
    except grpc.aio.AioRpcError as error:
        logger.info("no similar looks of %s: %s", item_id, failure_of(error).reason or error.code().name)
        return ()


async def items_of(visit: Visit, item_ids: Sequence[str], full: bool = False) -> dict[str, item_vision_pb2.Item]:
    """Display data by id, without the ids nobody knows. Raises: AioRpcError."""
    if not item_ids:
        return {}
    answer = await visit.upstreams.catalogue.GetItems(
        item_vision_pb2.GetItemsRequest(
            shop_id=visit.shop.shop_id,
            request_id=visit.request_id,
            item_ids=item_ids,
            locale=visit.language.tag,
            full=full,
        )
    )
    return {item.item_id: item for item in answer.items}


async def hydrated(
    visit: Visit, item_ids: Sequence[str], section_id: str, similarities: dict[str, float] | None = None
) -> tuple[Card, ...]:
    """Cards of items in a section of the storefront's own; what is unknown or sold out by now is left out."""
    known = await items_of(visit, item_ids)
    shown = [known[item_id] for item_id in item_ids if item_id in known and known[item_id].in_stock]
    make = maker(visit)
    return tuple(
        make.from_item(
            item,
            Ticket(item.item_id, page_id=visit.request_id, section_id=section_id, column=column),
            Why(similarity=similarities.get(item.item_id)) if similarities else None,
        )
        for column, item in enumerate(shown)
    )


async def _profile(visit: Visit) -> user_profile_pb2.Profile | None:
    """The visitor's profile for scoring; None when it cannot be had, so the list is everybody's."""
    try:
        answer = await visit.upstreams.profiles.GetProfile(
            user_profile_pb2.GetProfileRequest(
                shop_id=visit.shop.shop_id,
                request_id=visit.request_id,
                visit=visit.context(),
                min_profile_version=visit.profile_version,
            )
        )
    except grpc.aio.AioRpcError as error:
        logger.warning("listing without profile: %s", failure_of(error).message)
        return None
    return None if answer.profile.anonymous else answer.profile
