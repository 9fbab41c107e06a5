"""RankerService: check, call the domain, convert."""

from collections.abc import Sequence
from datetime import UTC, datetime

import grpc

from services.kit.errors import DependencyDown, NotFound
from services.ranker import requests
from services.ranker.explain import explain
from services.ranker.model.features import request_tensors
from services.ranker.pool_filter import PoolFilter
from services.ranker.pools import Ground, Pool
from services.ranker.recommend import OrderedPool, Probabilities, recommend, score
from services.ranker.stages import Stages
from services.ranker.visits import visitor_of
from services.ranker.wiring import Holdings
from vitrine.common.v1 import common_pb2
from vitrine.ranker.v1 import ranker_pb2, ranker_pb2_grpc
from vitrine.user_profile.v1 import user_profile_pb2


class RankerServicer(ranker_pb2_grpc.RankerServiceServicer):
    """Answers with what `Holdings` holds."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings

    async def Recommend(  # type: ignore[override]  # noqa: N802
        self, request: ranker_pb2.RecommendRequest, context: grpc.aio.ServicerContext
    ) -> ranker_pb2.RecommendResponse:
        """Fill the pools of a page and score their union once."""
        requests.check_recommend(request)
        stages = Stages()
        ground = self._ground(request, requests.time_of(request, datetime.now(UTC)))
        pools = [_pool(pool) for pool in request.pools]
        for pool in pools:
            requests.check_source_shipped(pool.source, ground.release.sources)
        limit = request.union_limit or requests.MAXIMUM_UNION
        predict = self._holdings.predict(ground.release)
        found = await recommend(pools, limit, ground, predict, stages)
        return ranker_pb2.RecommendResponse(
            item_ids=found.item_ids,
            p_click_if_seen=found.probabilities.click.tolist(),
            p_purchase_if_seen=found.probabilities.purchase.tolist(),
            pools=[_filled(pool) for pool in found.pools],
            release_id=ground.release.release_id,
            model_version=found.probabilities.model_version,
            calibrated=ground.release.calibrated,
            degraded=_degradation(found.probabilities),
            timings=[
                common_pb2.StageTiming(stage=stage, duration_us=took_us)
                for stage, took_us in stages.durations_us.items()
            ],
            item_cursor=ground.items.catalogue.cursor,
        )

    async def ScoreItems(  # type: ignore[override]  # noqa: N802
        self, request: ranker_pb2.ScoreItemsRequest, context: grpc.aio.ServicerContext
    ) -> ranker_pb2.ScoreItemsResponse:
        """Score given candidates."""
        requests.check_score_items(request)
        ground = self._ground(request, requests.time_of(request, datetime.now(UTC)))
        asked = list(dict.fromkeys(request.item_ids))
        positions = ground.items.catalogue.positions(asked)
        known = positions[positions >= 0]
        facts = ground.release.facts(ground.items, known, ground.now_s)
        stand_in = ground.release.stand_in_of_popularity(facts.rows)
        scored = await score(facts, stand_in, ground, self._holdings.predict(ground.release))
        return ranker_pb2.ScoreItemsResponse(
            item_ids=facts.item_ids,
            p_click_if_seen=scored.click.tolist(),
            p_purchase_if_seen=scored.purchase.tolist(),
            missing_item_ids=[item_id for item_id, position in zip(asked, positions, strict=True) if position < 0],
            release_id=ground.release.release_id,
            model_version=scored.model_version,
            calibrated=ground.release.calibrated,
            degraded=_degradation(scored),
        )

    async def Explain(  # type: ignore[override]  # noqa: N802
        self, request: ranker_pb2.ExplainRequest, context: grpc.aio.ServicerContext
    ) -> ranker_pb2.ExplainResponse:
        """Say what each group of inputs adds to one item's score."""
        requests.check_explain(request)
        ground = self._ground(request, datetime.now(UTC))
        positions = ground.items.catalogue.positions([request.item_id])
        if positions[0] < 0:
            raise NotFound(
                f"shop {request.shop_id} has no item {request.item_id}; ListItems names those there are",
                reason="ITEM_UNKNOWN",
                metadata={"item_id": request.item_id},
            )
        release = ground.release
        facts = release.facts(ground.items, positions, ground.now_s)
        tensors = request_tensors(ground.visitor, facts, release.vocabulary, release.normalisation)
        try:
            explanation = await explain(tensors, self._holdings.predict(release))
        except DependencyDown as missing:
            raise DependencyDown(
                "model_server", "scores cannot be explained without the model server; try again", cause=missing.cause
            ) from missing
        return ranker_pb2.ExplainResponse(
            p_click_if_seen=explanation.p_click_if_seen,
            baseline_p_click_if_seen=explanation.baseline_p_click_if_seen,
            contributions=[
                ranker_pb2.Contribution(input_group=group, log_odds=log_odds)
                for group, log_odds in explanation.contributions
            ],
            release_id=release.release_id,
        )

    def _ground(
        self,
        request: ranker_pb2.RecommendRequest | ranker_pb2.ScoreItemsRequest | ranker_pb2.ExplainRequest,
        at: datetime,
    ) -> Ground:
        release = self._holdings.release(request.shop_id, request.visit.release_id)
        profile: user_profile_pb2.Profile | None = request.profile if request.HasField("profile") else None
        visitor = visitor_of(request.visit, profile, at, release.spaces.get("user", ""))
        return Ground(visitor, release, self._holdings.items(release), at.timestamp())


def _pool(pool: ranker_pb2.Pool) -> Pool:
    wanted = pool.filter
    return Pool(
        pool_id=pool.pool_id,
        source=pool.source,
        seed_item_ids=tuple(pool.seed_item_ids),
        item_ids=tuple(pool.item_ids),
        filter=PoolFilter(
            categories=tuple(wanted.categories),
            brands=tuple(wanted.brands),
            maximum_age_days=wanted.maximum_age_days if wanted.HasField("maximum_age_days") else None,
            reduced_only=wanted.reduced_only,
            excluded_item_ids=tuple(wanted.excluded_item_ids),
            minimum_price_minor=wanted.minimum_price_minor if wanted.HasField("minimum_price_minor") else None,
            maximum_price_minor=wanted.maximum_price_minor if wanted.HasField("maximum_price_minor") else None,
            query=wanted.query,
        ),
        limit=pool.limit or requests.DEFAULT_POOL_SIZE,
    )


def _filled(pool: OrderedPool) -> ranker_pb2.FilledPool:
    filled, order = pool.filled, pool.order
    paths: Sequence[str] = [filled.paths[place] for place in order] if filled.paths else ()
    return ranker_pb2.FilledPool(
        pool_id=filled.pool_id,
        indexes=pool.columns.tolist(),
        source_scores=filled.scores[order].tolist(),
        evidence_indexes=filled.evidence[order].tolist(),
        evidence_item_ids=filled.seeds,
        evidence_paths=paths,
    )


def _degradation(probabilities: Probabilities) -> ranker_pb2.Degradation | None:
    if probabilities.missing is None:
        return None
    missing = probabilities.missing
    return ranker_pb2.Degradation(dependency="model_server", cause=missing.cause, stand_in="source_scores")
