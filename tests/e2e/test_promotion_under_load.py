"""A release is promoted and rolled back while pages are being requested: no page fails, is degraded, or is mixed."""

import asyncio
import json
from collections.abc import Callable, Sequence

import pytest

from lab.releases import PROMOTION_TIMEOUT_S, promote_release, release_service
from services.kit import tracking
from tests.e2e.ensemble import SmallEnsemble
from tests.e2e.visitors import Asked, Visitors, emptiness
from tests.releases import SmallRelease, republish
from vitrine.ranker.v1 import ranker_pb2

PAGES = 40
DEADLINE_S = 5.0
"""Long, so that a busy machine is not taken for a failure."""


@pytest.fixture(scope="module")
def second_release(small_ensemble: SmallEnsemble) -> str:
    """The stable release's content once more, as a release of its own."""
    releases = small_ensemble.processes.work / "releases"
    return republish(SmallRelease(releases, small_ensemble.shop_id, small_ensemble.release_id))


@pytest.fixture(scope="module")
def tracking_key(small_ensemble: SmallEnsemble) -> bytes:
    return json.loads((small_ensemble.processes.work / "secrets.json").read_text())["tracking_key"].encode()


def rolled_back_to(made: SmallEnsemble) -> str:
    """Roll back; answers which release is stable now."""
    with release_service(made.address("ranker")) as service:
        request = ranker_pb2.RollbackReleaseRequest(shop_id=made.shop_id)
        return service.RollbackRelease(request, timeout=PROMOTION_TIMEOUT_S).release.release_id


async def test_no_page_notices_a_promotion_or_a_rollback(
    small_ensemble: SmallEnsemble, second_release: str, tracking_key: bytes
) -> None:
    first = small_ensemble.release_id
    addresses, shop_id = small_ensemble.address("ranker"), small_ensemble.shop_id

    visitors = Visitors(
        small_ensemble.address("page_composer"), shop_id, small_ensemble.users(12), deadline_s=DEADLINE_S, count=3
    )
    async with visitors:
        before = await visitors.many("before", PAGES)
        visitors.phase = "promoting"
        await asyncio.to_thread(promote_release, addresses, shop_id, second_release)
        await visitors.settle("promoted", made_with(second_release))
        after = await visitors.many("on the second", PAGES)
        visitors.phase = "rolling back"
        stable = await asyncio.to_thread(rolled_back_to, small_ensemble)
        await visitors.settle("rolled back", made_with(first))
        again = await visitors.many("on the first", PAGES)
    assert stable == first
    assert [emptiness(each) for each in visitors.asked if emptiness(each)] == []
    assert [each.degraded for each in visitors.asked if each.degraded] == []
    mixtures = [mixture(each, shop_id, tracking_key) for each in visitors.asked]
    assert [each for each in mixtures if each] == []
    assert releases_of(before) == {first}
    assert releases_of(after) == {second_release}
    assert releases_of(again) == {first}
    assert releases_of(visitors.asked) == {first, second_release}


def test_the_labels_say_what_happened(small_ensemble: SmallEnsemble, second_release: str) -> None:
    with release_service(small_ensemble.address("ranker")) as service:
        listed = service.ListReleases(
            ranker_pb2.ListReleasesRequest(shop_id=small_ensemble.shop_id), timeout=PROMOTION_TIMEOUT_S
        ).releases
    labels = {release.release_id: set(release.labels) for release in listed}
    assert labels[small_ensemble.release_id] == {ranker_pb2.RELEASE_LABEL_STABLE}
    assert labels[second_release] == {ranker_pb2.RELEASE_LABEL_PREVIOUS}
    everyone = {"user_profile", "item_vision", "ranker", "page_composer", "model_server"}
    assert all(set(release.ready_services) == everyone for release in listed)


def made_with(release_id: str) -> Callable[[Asked], bool]:
    return lambda each: each.page is not None and each.page.versions.release_id == release_id


def releases_of(pages: Sequence[Asked]) -> set[str]:
    return {each.page.versions.release_id for each in pages if each.page}


def mixture(asked: Asked, shop_id: str, key: bytes) -> set[str]:
    """The releases that had a hand in a page, where they are not one: the page's own, that of the model that scored,
    and what every slot's token names.
    """
    if asked.page is None:
        return set()
    versions = asked.page.versions
    slots = [slot for section in asked.page.sections for slot in section.slots]
    named = {tracking.read(slot.tracking_token, key, shop_id).release_id for slot in slots}
    named |= {versions.release_id, f"r{versions.model_version}"}
    return named if len(named) > 1 else set()
