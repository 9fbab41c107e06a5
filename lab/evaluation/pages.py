"""A thousand users' pages, checked, and held against the truth: do they match tastes better than popularity does?

Everything about the boutique's users is simulated.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.boutique.truth import Truth
from lab.channels import open_channel
from lab.demo.checks import check_pages
from lab.evaluation.composing import Composed, compose_for, page_request
from lab.evaluation.deeds import Deeds, add_exported, deeds_by_user, impression_counts
from lab.evaluation.evidence import Facts, untrue
from lab.evaluation.statistics import bootstrap, percentiles
from vitrine.item_vision.v1 import item_vision_pb2, item_vision_pb2_grpc

if TYPE_CHECKING:
    from lab.commands.evaluate import EvaluationContext

USERS = 1_000
LEAST_SHARE = 0.01
"""Every shelf generator appears for at least this share of the users."""


def run(context: "EvaluationContext") -> dict[str, Any]:
    """Compose, check, compare; `passed` says whether everything held."""
    boutique = context.work / context.shop_id
    truth = Truth.load(boutique)
    deeds = deeds_by_user(boutique / "events.jsonl.gz")
    acted, _ = impression_counts(boutique / "events.jsonl.gz")
    facts = read_facts(context.addresses["item_vision"], context.shop_id)
    users = _chosen(truth, deeds, context.users or USERS, context.seed)
    requests = [
        page_request(context.shop_id, user, f"evaluate-{context.seed}-{user}", deeds[user].region, deeds[user].locale)
        for user in users
    ]
    composed = asyncio.run(
        compose_for(
            context.addresses["page_composer"], requests, lambda done: context.progress.show("pages", done, len(users))
        )
    )
    findings = check_pages([each.page for each in composed], facts)
    strange = [each for each in composed if _untruths([each], deeds, facts)]
    add_exported(context.addresses["user_profile"], context.shop_id, [each.user_id for each in strange], deeds)
    untruths = _untruths(strange, deeds, facts)
    shelves = _share_of_users(composed)
    taste = _taste(composed, truth, facts, acted)
    truly_repeated = sum(_repeats(each, truth) for each in composed)
    rare = sorted(shelf for shelf in all_shelves() if shelves.get(shelf, 0.0) < LEAST_SHARE)
    passed = (
        not findings.problems() and not untruths and not rare and not truly_repeated and taste["difference"]["low"] > 0
    )
    return {
        "simulated": True,
        "users": len(users),
        "duplicates": findings.duplicates,
        "duplicates_by_the_truth": truly_repeated,
        "out_of_stock": findings.out_of_stock,
        "short_rows": findings.short_rows,
        "thin_pages": findings.thin_pages,
        "degraded": findings.degraded,
        "shelf_share_of_users": shelves,
        "shelves_below_one_percent": rare,
        "untrue_evidence": dict(untruths.most_common(20)),
        "taste": taste,
        "latency_ms": percentiles([each.took_ms for each in composed]),
        "release_id": composed[0].page.versions.release_id,
        "passed": passed,
    }


def read_facts(addresses: Sequence[str], shop_id: str) -> dict[str, item_vision_pb2.ItemFacts]:
    """The catalogue by item id."""
    with open_channel(addresses, "vitrine.item_vision.v1") as channel:
        stub = item_vision_pb2_grpc.CatalogueServiceStub(channel)
        request = item_vision_pb2.ListItemsRequest(shop_id=shop_id, page_size=2_000)
        found: dict[str, item_vision_pb2.ItemFacts] = {}
        while True:
            page = stub.ListItems(request, timeout=30)
            found |= {item.item_id: item for item in page.items}
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token


def all_shelves() -> list[str]:
    """Names of the composer's shelf generators."""
    from services.page_composer.shelves import registry

    return sorted(registry.GENERATORS)


def _chosen(truth: Truth, deeds: dict[str, Deeds] | Any, count: int, seed: int) -> list[str]:
    known = sorted(user for user in deeds if user in truth.user_rows)
    random = np.random.default_rng(seed)
    return [known[index] for index in random.permutation(len(known))[:count].tolist()]


def _untruths(composed: Sequence[Composed], deeds: Any, facts: Facts) -> Counter[str]:
    found: Counter[str] = Counter()
    for each in composed:
        for section in each.page.sections:
            problem = untrue(section, deeds[each.user_id], facts, deeds[each.user_id].region)
            if problem:
                found[f"{section.shelf}: {problem}"] += 1
    return found


def _share_of_users(composed: Sequence[Composed]) -> dict[str, float]:
    counts = Counter(shelf for each in composed for shelf in {section.shelf for section in each.page.sections})
    return {shelf: round(count / len(composed), 4) for shelf, count in sorted(counts.items())}


def _repeats(each: Composed, truth: Truth) -> int:
    """Slots whose product or picture, by the truth, stood earlier on the page."""
    rows = [truth.item_rows[slot.item_id] for section in each.page.sections for slot in section.slots]
    families = [int(truth.families[row]) for row in rows]
    pictures = [int(truth.picture_groups[row]) for row in rows]
    return (len(families) - len(set(families))) + (len(pictures) - len(set(pictures)))


def _taste(composed: Sequence[Composed], truth: Truth, facts: Facts, acted: dict[str, int]) -> dict[str, Any]:
    """Mean true P(click | seen) of the items shown, against as many of the most popular items in stock."""
    popular = _popular(facts, acted)
    of_popular = truth.p_click_if_seen([each.user_id for each in composed], popular)
    ours: NDArray[np.float64] = np.zeros(len(composed))
    theirs: NDArray[np.float64] = np.zeros(len(composed))
    for place, each in enumerate(composed):
        shown = [slot.item_id for section in each.page.sections for slot in section.slots]
        ours[place] = float(truth.p_click_if_seen([each.user_id], shown).mean())
        theirs[place] = float(of_popular[place, : len(shown)].mean())
    return {
        "page_p_click_if_seen": bootstrap(ours).as_dict(),
        "popularity_p_click_if_seen": bootstrap(theirs).as_dict(),
        "difference": bootstrap(ours - theirs).as_dict(),
        "ratio": round(float(ours.mean() / theirs.mean()), 3),
    }


def _popular(facts: Facts, acted: dict[str, int]) -> list[str]:
    """The most acted-on items in stock, one of each product."""
    chosen: dict[str, str] = {}
    for item_id in sorted(acted, key=lambda each: (-acted[each], each)):
        item = facts.get(item_id)
        if item is not None and not (item.HasField("stock") and item.stock <= 0):
            chosen.setdefault(item.family_id, item_id)
    return list(chosen.values())[:300]
