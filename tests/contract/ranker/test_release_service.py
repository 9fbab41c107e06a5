"""What ReleaseService promises."""

import grpc
import pytest
import pytest_asyncio

from tests.contract.coverage import covers
from tests.contract.ranker.calls import PATIENT_S
from tests.contract.ranker.houses import House
from tests.contract.refusals import BAD_SHOP, INVALID, RELEASE_NOT_READY, failure, refused
from vitrine.ranker.v1 import ranker_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENDED = (grpc.StatusCode.ABORTED, "LABELS_CONTENDED")


async def promote(house: House, shop_id: str, release_id: str, label: str = "STABLE") -> pb.Release:
    request = pb.PromoteReleaseRequest(shop_id=shop_id, release_id=release_id, label=f"RELEASE_LABEL_{label}")
    return (await house.releases.PromoteRelease(request, timeout=PATIENT_S)).release


async def listed(house: House, shop_id: str) -> list[pb.Release]:
    answer = await house.releases.ListReleases(pb.ListReleasesRequest(shop_id=shop_id), timeout=PATIENT_S)
    return list(answer.releases)


async def labels(house: House, shop_id: str) -> dict[str, list[str]]:
    return {
        each.release_id: [pb.ReleaseLabel.Name(label).removeprefix("RELEASE_LABEL_") for label in each.labels]
        for each in await listed(house, shop_id)
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two(house) -> tuple[str, str, str]:
    """A shop with two releases, each of which has been stable: shop id, older and newer release id."""
    older = house.publish("two")
    await promote(house, "two", older)
    newer = house.publish("two")
    await promote(house, "two", newer)
    return "two", older, newer


@covers("ReleaseService.ListReleases")
async def test_releases_are_listed_newest_first(house, two):
    shop_id, older, newer = two
    releases = await listed(house, shop_id)
    assert [each.release_id for each in releases] == [newer, older]
    assert [each.version for each in releases] == [int(newer[1:]), int(older[1:])]
    everyone = {"user_profile", "item_vision", "ranker", "page_composer", "model_server"}
    assert set(releases[1].ready_services) == everyone
    assert await listed(house, "nowhere") == []


@covers("ReleaseService.ListReleases", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_listing_no_shop_is_refused(house):
    await refused(house.releases.ListReleases(pb.ListReleasesRequest(shop_id=BAD_SHOP)), INVALID, "shop_id")


@covers("ReleaseService.PromoteRelease")
async def test_a_promotion_moves_labels_once_everyone_is_ready(house, two):
    shop_id, older, newer = two
    await promote(house, shop_id, older)
    assert pb.RELEASE_LABEL_CANARY in (await promote(house, shop_id, newer, "CANARY")).labels
    assert (await labels(house, shop_id))[older] == ["STABLE"]
    for label in ("UNSPECIFIED", "STABLE"):
        release = await promote(house, shop_id, newer, label)
        assert (release.release_id, list(release.labels)) == (newer, [pb.RELEASE_LABEL_STABLE])
    assert await labels(house, shop_id) == {newer: ["STABLE"], older: ["PREVIOUS"]}


@covers("ReleaseService.PromoteRelease", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_previous_cannot_be_promoted_to(house):
    await refused(promote(house, house.shop_id, house.release_id, "PREVIOUS"), INVALID, "label")


@covers("ReleaseService.PromoteRelease", "NOT_FOUND RELEASE_UNKNOWN")
async def test_an_unknown_release_cannot_be_promoted(house):
    await refused(promote(house, house.shop_id, "r20990101000000"), (grpc.StatusCode.NOT_FOUND, "RELEASE_UNKNOWN"))


@covers("ReleaseService.PromoteRelease", "FAILED_PRECONDITION RELEASE_NOT_READY")
async def test_a_promotion_names_who_is_not_ready_and_moves_nothing(house, two):
    shop_id, older, newer = two
    await promote(house, shop_id, newer)
    house.not_ready.add("page_composer")
    request = pb.PromoteReleaseRequest(shop_id=shop_id, release_id=older)
    remote = await failure(house.releases.PromoteRelease(request, timeout=2.0))
    house.not_ready.clear()
    assert (remote.code, remote.reason) == RELEASE_NOT_READY
    assert remote.metadata["not_ready"] == "page_composer"
    assert (await labels(house, shop_id))[newer] == ["STABLE"]


@covers("ReleaseService.PromoteRelease", "ABORTED LABELS_CONTENDED")
async def test_a_promotion_decided_on_labels_that_moved_is_refused(house, two):
    shop_id, older, newer = two
    await promote(house, shop_id, older)
    house.meddle(shop_id, older)
    await refused(promote(house, shop_id, newer), CONTENDED)
    assert sorted((await labels(house, shop_id))[older]) == ["CANARY", "STABLE"]
    await promote(house, shop_id, newer)


@covers("ReleaseService.RollbackRelease")
async def test_a_rollback_makes_previous_stable_again(house, two):
    shop_id, older, newer = two
    await promote(house, shop_id, older)
    await promote(house, shop_id, newer)
    answer = await house.releases.RollbackRelease(pb.RollbackReleaseRequest(shop_id=shop_id), timeout=PATIENT_S)
    assert (answer.release.release_id, list(answer.release.labels)) == (older, [pb.RELEASE_LABEL_STABLE])
    assert await labels(house, shop_id) == {newer: ["PREVIOUS"], older: ["STABLE"]}


@covers("ReleaseService.RollbackRelease", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_rolling_back_no_shop_is_refused(house):
    await refused(house.releases.RollbackRelease(pb.RollbackReleaseRequest(shop_id=BAD_SHOP)), INVALID, "shop_id")


@covers("ReleaseService.RollbackRelease", "FAILED_PRECONDITION NO_PREVIOUS_RELEASE")
async def test_there_may_be_nothing_to_go_back_to(house):
    await refused(
        house.releases.RollbackRelease(pb.RollbackReleaseRequest(shop_id=house.shop_id)),
        (grpc.StatusCode.FAILED_PRECONDITION, "NO_PREVIOUS_RELEASE"),
    )


@covers("ReleaseService.RollbackRelease", "ABORTED LABELS_CONTENDED")
async def test_a_rollback_of_labels_that_moved_is_refused(house, two):
    shop_id, older, newer = two
    await promote(house, shop_id, older)
    await promote(house, shop_id, newer)
    house.meddle(shop_id, older)
    request = pb.RollbackReleaseRequest(shop_id=shop_id)
    await refused(house.releases.RollbackRelease(request, timeout=PATIENT_S), CONTENDED)
    assert (await labels(house, shop_id))[newer] == ["STABLE"]
    await promote(house, shop_id, older)


@covers("ReleaseService.RollbackRelease", "FAILED_PRECONDITION RELEASE_NOT_READY")
async def test_a_rollback_names_who_is_not_ready(house, two):
    shop_id, older, newer = two
    await promote(house, shop_id, older)
    await promote(house, shop_id, newer)
    house.not_ready.add("user_profile")
    remote = await failure(house.releases.RollbackRelease(pb.RollbackReleaseRequest(shop_id=shop_id), timeout=2.0))
    house.not_ready.clear()
    assert (remote.code, remote.reason) == RELEASE_NOT_READY
    assert remote.metadata["not_ready"] == "user_profile"
    assert (await labels(house, shop_id))[newer] == ["STABLE"]
