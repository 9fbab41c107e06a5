"""From other services' messages to the domain. Columns stay columns."""

from collections.abc import Iterable

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp

from services.page_composer.candidates import ScoredPools
from services.page_composer.item_facts import UNTRACKED, ItemFacts
from services.page_composer.page import Degraded, Display
from services.page_composer.ports import LateCheck, Met, Recommended
from services.page_composer.visit import Consents, Did, Liking, Profile, Searched
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2
from vitrine.ranker.v1 import ranker_pb2
from vitrine.user_profile.v1 import user_profile_pb2

ACTION_NAMES = {number: name.removeprefix("ACTION_").lower() for name, number in common_pb2.Action.items()}


_GOING_WITH = (item_vision_pb2.LINK_KIND_CROSS_SELL, item_vision_pb2.LINK_KIND_RELATED)


def seconds(moment: Timestamp) -> float:
    """Unix time; 0 for a timestamp that is not set."""
    return moment.seconds + moment.nanos / 1e9


def met_of(message: user_profile_pb2.Profile) -> Met:
    """The profile as the domain sees it, and as it came."""
    return Met(profile_of(message), message)


def profile_of(message: user_profile_pb2.Profile) -> Profile:
    """The profile as the domain sees it."""
    likings: dict[str, list[Liking]] = {}
    for affinity in message.affinities:
        likings.setdefault(affinity.facet, []).append(Liking(affinity.value, affinity.weight))
    return Profile(
        anonymous=message.anonymous,
        version=message.profile_version,
        actions=tuple(
            Did(ACTION_NAMES[each.action], each.item_id, seconds(each.occurred_at)) for each in message.recent_actions
        ),
        searches=tuple(Searched(each.query, seconds(each.occurred_at)) for each in message.recent_searches),
        likings={facet: tuple(values) for facet, values in likings.items()},
        seen_item_ids=tuple(message.seen_item_ids),
        hidden_item_ids=frozenset(message.hidden_item_ids),
        exposures={each.item_id: each.impression_count for each in message.exposures},
        cart_item_ids=tuple(message.cart_item_ids),
        consents=_consents(message.consents),
    )


def recommended_of(answer: ranker_pb2.RecommendResponse) -> Recommended:
    """Scored pools; what the ranker had to do without is named as the composer names it."""
    scored = ScoredPools(
        item_ids=tuple(answer.item_ids),
        p_click=np.asarray(answer.p_click_if_seen, np.float64),
        p_purchase=np.asarray(answer.p_purchase_if_seen, np.float64),
        pools={pool.pool_id: (np.asarray(pool.indexes, np.int64), _speakers(pool)) for pool in answer.pools},
        model_version=answer.model_version,
    )
    if not answer.HasField("degraded"):
        return Recommended(scored)
    lack = answer.degraded
    return Recommended(scored, Degraded(lack.dependency, lack.cause, lack.stand_in))


def display_of_item(item: item_vision_pb2.Item) -> Display:
    """What to show of an item."""
    return Display(
        item_id=item.item_id,
        title=item.title,
        link=item.link,
        price_minor=item.price.amount_minor,
        currency=item.price.currency,
        list_price_minor=item.list_price.amount_minor if item.HasField("list_price") else 0,
        brand=item.brand,
        category=item.category,
        image_count=item.image_count,
        image_etag=item.image_etag,
        available=item.in_stock,
    )


def late_check_of(answer: item_vision_pb2.GetItemsResponse) -> LateCheck:
    """What changed, and what is gone."""
    changed = {item.item_id: display_of_item(item) for item in answer.items}
    return LateCheck(changed, frozenset(answer.missing_item_ids))


def facts_of(facts: item_vision_pb2.ItemFacts) -> ItemFacts:
    """What the item index keeps of an item."""
    return ItemFacts(
        item_id=facts.item_id,
        family_id=facts.family_id,
        near_duplicate_cluster=facts.near_duplicate_cluster,
        brand=facts.brand,
        category=facts.category,
        seller=facts.seller,
        colour=facts.colour,
        price_minor=facts.price.amount_minor,
        currency=facts.price.currency,
        list_price_minor=facts.list_price.amount_minor if facts.HasField("list_price") else 0,
        margin_ratio=facts.margin_ratio if facts.HasField("margin_ratio") else None,
        stock=facts.stock if facts.HasField("stock") else UNTRACKED,
        regions=tuple(facts.regions),
        minimum_age=facts.minimum_age,
        created_s=seconds(facts.created_at),
        restocked_s=seconds(facts.restocked_at),
        price_dropped_s=seconds(facts.price_dropped_at),
        previous_price_minor=facts.previous_price.amount_minor,
        titles=dict(facts.titles),
        link=facts.link,
        image_count=facts.image_count,
        image_etag=facts.image_etag,
        goes_with=_goes_with(facts.links) if facts.links else (),
        revision=facts.revision,
    )


def _goes_with(links: Iterable[item_vision_pb2.ItemLink]) -> tuple[str, ...]:
    """What the shop links to an item, to buy together before related; what to buy instead of it goes elsewhere."""
    of_kind = {kind: [link.item_id for link in links if link.kind == kind] for kind in _GOING_WITH}
    return tuple(dict.fromkeys(item_id for kind in _GOING_WITH for item_id in of_kind[kind]))


def _speakers(pool: ranker_pb2.FilledPool) -> tuple[str, ...]:
    if not pool.evidence_item_ids:
        return ()
    seeds = dict(enumerate(pool.evidence_item_ids))
    return tuple([seeds.get(index, "") for index in pool.evidence_indexes])


def _consents(messages: Iterable[user_profile_pb2.Consent]) -> Consents:
    granted = {message.purpose: message.granted for message in messages}
    return Consents(
        personalisation=granted.get(common_pb2.CONSENT_PURPOSE_PERSONALISATION, False),
        analytics=granted.get(common_pb2.CONSENT_PURPOSE_ANALYTICS, False),
        marketing=granted.get(common_pb2.CONSENT_PURPOSE_MARKETING, False),
    )
