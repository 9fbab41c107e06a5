"""The executable half of the comments in ranker.proto: every rule of a request, checked."""

from collections.abc import Sequence
from datetime import UTC, datetime

from services.kit.checks import MAX_ID_CHARS, Checks
from services.ranker.pools import CATALOGUE, GIVEN
from services.ranker.sources import SOURCE_NAMES
from vitrine.ranker.v1 import ranker_pb2

MAXIMUM_POOLS = 64
MAXIMUM_UNION = 1_000
MAXIMUM_POOL_SIZE = 500
DEFAULT_POOL_SIZE = 100
MAXIMUM_SEEDS = 50
MAXIMUM_GIVEN = 500
MAXIMUM_EXCLUDED = 2_000
MAXIMUM_POOL_ID_CHARS = 64
MAXIMUM_CATEGORIES = 20
MAXIMUM_BRANDS = 50
MAXIMUM_AGE_DAYS = 36_500
MAXIMUM_PRICE_MINOR = 10**15
MAXIMUM_QUERY_CHARS = 500
KNOWN_SOURCES = (*SOURCE_NAMES, GIVEN, CATALOGUE)


def check_recommend(request: ranker_pb2.RecommendRequest) -> None:
    """Raise InvalidRequest naming every field that breaks its rule."""
    checks = _checks_of_visit(request)
    checks.count("pools", request.pools, 1, MAXIMUM_POOLS)
    checks.number("union_limit", request.union_limit, 0, MAXIMUM_UNION)
    checks.timestamp("at", request.at)
    seen: set[str] = set()
    for index, pool in enumerate(request.pools):
        if not _in_order(pool):
            _check_pool(checks, f"pools[{index}]", pool)
        if pool.pool_id in seen:
            checks.that(False, f"pools[{index}].pool_id", "send each pool_id once")
        seen.add(pool.pool_id)
    checks.raise_if_any()


def check_score_items(request: ranker_pb2.ScoreItemsRequest) -> None:
    """Raise InvalidRequest naming every field that breaks its rule."""
    checks = _checks_of_visit(request)
    checks.count("item_ids", request.item_ids, 1, MAXIMUM_UNION)
    _check_ids(checks, "item_ids", request.item_ids)
    checks.timestamp("at", request.at)
    checks.raise_if_any()


def check_explain(request: ranker_pb2.ExplainRequest) -> None:
    """Raise InvalidRequest naming every field that breaks its rule."""
    checks = _checks_of_visit(request)
    checks.identifier("item_id", request.item_id, required=True)
    checks.raise_if_any()


def check_list_releases(request: ranker_pb2.ListReleasesRequest) -> None:
    """Raise InvalidRequest naming every field that breaks its rule."""
    _checks_of_shop(request).raise_if_any()


def check_promote(request: ranker_pb2.PromoteReleaseRequest) -> None:
    """Raise InvalidRequest naming every field that breaks its rule."""
    checks = _checks_of_shop(request)
    checks.release_id(request.release_id, required=True)
    checks.known_enum("label", request.label, ranker_pb2.ReleaseLabel)
    checks.that(
        request.label != ranker_pb2.RELEASE_LABEL_PREVIOUS,
        "label",
        "previous is set by promotions only; send stable or canary",
    )
    checks.raise_if_any()


def check_rollback(request: ranker_pb2.RollbackReleaseRequest) -> None:
    """Raise InvalidRequest naming every field that breaks its rule."""
    _checks_of_shop(request).raise_if_any()


def time_of(request: ranker_pb2.RecommendRequest | ranker_pb2.ScoreItemsRequest, now: datetime) -> datetime:
    """The time of the visit: what the request says, else now. Aware, UTC."""
    said = request.at.seconds or request.at.nanos
    return request.at.ToDatetime(tzinfo=UTC) if said else now


def _checks_of_shop(
    request: ranker_pb2.ListReleasesRequest | ranker_pb2.PromoteReleaseRequest | ranker_pb2.RollbackReleaseRequest,
) -> Checks:
    checks = Checks()
    checks.shop_id(request.shop_id)
    checks.request_id(request.request_id)
    return checks


def _checks_of_visit(
    request: ranker_pb2.RecommendRequest | ranker_pb2.ScoreItemsRequest | ranker_pb2.ExplainRequest,
) -> Checks:
    checks = Checks()
    checks.shop_id(request.shop_id)
    checks.request_id(request.request_id)
    if checks.that(request.HasField("visit"), "visit", "required: say who is visiting; an empty visit is anonymous"):
        checks.visit_context("visit", request.visit)
    checks.finite("profile.embedding.values", request.profile.embedding.values)
    checks.finite("profile.affinities.weight", (affinity.weight for affinity in request.profile.affinities))
    return checks


def _in_order(pool: ranker_pb2.Pool) -> bool:
    """Whether a pool keeps every rule of `_check_pool`, without naming fields, which costs more than the rules."""
    pool_id, seeds, items = pool.pool_id, pool.seed_item_ids, pool.item_ids
    return (
        0 < len(pool_id) <= MAXIMUM_POOL_ID_CHARS
        and pool_id.isprintable()
        and pool_id == pool_id.strip()
        and pool.source in KNOWN_SOURCES
        and len(seeds) <= MAXIMUM_SEEDS
        and _ids_in_order(seeds)
        and (pool.source == GIVEN) <= len(items) <= MAXIMUM_GIVEN
        and _ids_in_order(items)
        and 0 <= pool.limit <= MAXIMUM_POOL_SIZE
        and (not pool.HasField("filter") or _filter_in_order(pool.filter))
    )


def _filter_in_order(wanted: ranker_pb2.PoolFilter) -> bool:
    low = wanted.minimum_price_minor
    return (
        len(wanted.categories) <= MAXIMUM_CATEGORIES
        and len(wanted.brands) <= MAXIMUM_BRANDS
        and len(wanted.excluded_item_ids) <= MAXIMUM_EXCLUDED
        and 0 <= wanted.maximum_age_days <= MAXIMUM_AGE_DAYS
        and 0 <= low <= MAXIMUM_PRICE_MINOR
        and (not wanted.HasField("maximum_price_minor") or low <= wanted.maximum_price_minor <= MAXIMUM_PRICE_MINOR)
        and len(wanted.query) <= MAXIMUM_QUERY_CHARS
        and "\x00" not in wanted.query
    )


def _ids_in_order(item_ids: Sequence[str]) -> bool:
    if not item_ids:
        return True
    ids = list(item_ids)
    return (
        all(ids)
        and max(map(len, ids)) <= MAX_ID_CHARS
        and "".join(ids).isprintable()
        and list(map(str.strip, ids)) == ids
    )


def _check_pool(checks: Checks, field: str, pool: ranker_pb2.Pool) -> None:
    checks.identifier(f"{field}.pool_id", pool.pool_id, required=True, max_length=MAXIMUM_POOL_ID_CHARS)
    checks.that(pool.source in KNOWN_SOURCES, f"{field}.source", f"send one of {', '.join(KNOWN_SOURCES)}")
    checks.count(f"{field}.seed_item_ids", pool.seed_item_ids, 0, MAXIMUM_SEEDS)
    _check_ids(checks, f"{field}.seed_item_ids", pool.seed_item_ids)
    fewest = 1 if pool.source == GIVEN else 0
    checks.count(f"{field}.item_ids", pool.item_ids, fewest, MAXIMUM_GIVEN)
    _check_ids(checks, f"{field}.item_ids", pool.item_ids)
    checks.number(f"{field}.limit", pool.limit, 0, MAXIMUM_POOL_SIZE)
    _check_filter(checks, f"{field}.filter", pool.filter)


def _check_filter(checks: Checks, field: str, pool_filter: ranker_pb2.PoolFilter) -> None:
    checks.count(f"{field}.categories", pool_filter.categories, 0, MAXIMUM_CATEGORIES)
    checks.count(f"{field}.brands", pool_filter.brands, 0, MAXIMUM_BRANDS)
    checks.count(f"{field}.excluded_item_ids", pool_filter.excluded_item_ids, 0, MAXIMUM_EXCLUDED)
    if pool_filter.HasField("maximum_age_days"):
        checks.number(f"{field}.maximum_age_days", pool_filter.maximum_age_days, 0, MAXIMUM_AGE_DAYS)
    low = pool_filter.minimum_price_minor if pool_filter.HasField("minimum_price_minor") else 0
    checks.number(f"{field}.minimum_price_minor", low, 0, MAXIMUM_PRICE_MINOR)
    if pool_filter.HasField("maximum_price_minor"):
        checks.number(f"{field}.maximum_price_minor", pool_filter.maximum_price_minor, low, MAXIMUM_PRICE_MINOR)
    checks.text(f"{field}.query", pool_filter.query, max_length=MAXIMUM_QUERY_CHARS)


def _check_ids(checks: Checks, field: str, item_ids: Sequence[str]) -> None:
    # Looked at first, because a name for each of a thousand good ids costs more than the check.
    if not _ids_in_order(item_ids):
        for index, item_id in enumerate(item_ids):
            checks.identifier(f"{field}[{index}]", item_id, required=True)
