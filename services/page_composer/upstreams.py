"""The other services over gRPC: the adapters behind `ports.py`."""

from collections.abc import Mapping

from services.kit.status import RemoteError
from services.kit.upstream import Upstream
from services.page_composer.pools import Pool
from services.page_composer.ports import LateCheck, Met, Recommended, ReleaseRefused
from services.page_composer.reading import late_check_of, met_of, recommended_of
from services.page_composer.visit import Visit
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2, item_vision_pb2_grpc
from vitrine.ranker.v1 import ranker_pb2, ranker_pb2_grpc
from vitrine.user_profile.v1 import user_profile_pb2, user_profile_pb2_grpc

RECENT_ACTIONS = 200
RELEASE_NOT_READY = "RELEASE_NOT_READY"


class ProfileUpstream:
    """user_profile."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._stub = user_profile_pb2_grpc.UserProfileServiceStub(upstream.channel)

    async def meet(self, visit: Visit, release_id: str, min_version: int, *, as_of: bool, timeout_s: float) -> Met:
        """The visitor's profile. Raises: DependencyDown; ReleaseRefused."""
        request = user_profile_pb2.GetProfileRequest(
            shop_id=visit.shop_id,
            request_id=visit.request_id,
            visit=visit_message(visit, release_id),
            min_profile_version=min_version,
            recent_action_limit=RECENT_ACTIONS,
        )
        if as_of:
            request.as_of.FromNanoseconds(int(visit.at_s * 1e9))
        try:
            answer = await self._upstream.call(self._stub.GetProfile, request, timeout_s=timeout_s)
        except RemoteError as refusal:
            raise _release_or_bug(refusal, self._upstream.name) from refusal
        return met_of(answer.profile)


class RankerUpstream:
    """ranker."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._stub = ranker_pb2_grpc.RankerServiceStub(upstream.channel)

    async def recommend(
        self, visit: Visit, release_id: str, met: Met, pools: Mapping[str, Pool], timeout_s: float
    ) -> Recommended:
        """All pools of a page, scored once. Raises: DependencyDown; ReleaseRefused."""
        request = ranker_pb2.RecommendRequest(
            shop_id=visit.shop_id,
            request_id=visit.request_id,
            visit=visit_message(visit, release_id),
            profile=met.message,
            pools=[pool_message(pool_id, pool) for pool_id, pool in pools.items()],
        )
        request.at.FromNanoseconds(int(visit.at_s * 1e9))
        try:
            answer = await self._upstream.call(self._stub.Recommend, request, timeout_s=timeout_s)
        except RemoteError as refusal:
            raise _release_or_bug(refusal, self._upstream.name) from refusal
        return recommended_of(answer)


class CatalogueUpstream:
    """item_vision."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._stub = item_vision_pb2_grpc.CatalogueServiceStub(upstream.channel)

    async def late_check(self, shop_id: str, held: Mapping[str, int], locale: str, timeout_s: float) -> LateCheck:
        """What became of items since the held revision of each (0: none is held). Raises: DependencyDown."""
        request = late_check_message(shop_id, held, locale)
        return late_check_of(await self._upstream.call(self._stub.GetItems, request, timeout_s=timeout_s))


def visit_message(visit: Visit, release_id: str) -> common_pb2.VisitContext:
    """The visit as contracts carry it."""
    return common_pb2.VisitContext(
        user_id=visit.user_id,
        session_id=visit.session_id,
        channel=visit.channel,
        locale=visit.locale,
        region=visit.region,
        currency=visit.currency,
        device=common_pb2.Device.ValueType(visit.device),
        page=visit.page,
        referrer=visit.referrer,
        release_id=release_id,
    )


def late_check_message(shop_id: str, held: Mapping[str, int], locale: str) -> item_vision_pb2.GetItemsRequest:
    """The question after items whose facts the index holds."""
    return item_vision_pb2.GetItemsRequest(
        shop_id=shop_id, item_ids=held.keys(), known_revisions=held.values(), locale=locale
    )


def pool_message(pool_id: str, pool: Pool) -> ranker_pb2.Pool:
    """A pool as the ranker's contract carries it."""
    return ranker_pb2.Pool(
        pool_id=pool_id,
        source=pool.source,
        seed_item_ids=pool.seeds,
        item_ids=pool.given,
        filter=ranker_pb2.PoolFilter(
            categories=pool.categories,
            brands=pool.brands,
            maximum_age_days=pool.maximum_age_days,
            reduced_only=pool.reduced_only,
            excluded_item_ids=pool.excluded,
            query=pool.query,
        ),
        limit=pool.limit,
    )


def _release_or_bug(refusal: RemoteError, dependency: str) -> Exception:
    """Whether a refusal is about the release, which the page can do something about, or about our request: then it
    is our bug.
    """
    return ReleaseRefused(dependency) if refusal.reason == RELEASE_NOT_READY else refusal
