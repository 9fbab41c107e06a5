"""A release that has no label and is not the newest is promoted: every process loads it because it is asked for."""

import shutil
from collections.abc import Iterator
from datetime import timedelta

import pytest

from lab.releases import promote_release, release_service
from services.kit.release import ReleaseDirectory, version_of
from tests.e2e.ensemble import SmallEnsemble
from tests.releases import SmallRelease, republish
from vitrine.ranker.v1 import ranker_pb2 as pb

PATIENT_S = 60.0


@pytest.fixture
def directory(small_ensemble: SmallEnsemble) -> Iterator[ReleaseDirectory]:
    """The shop's releases; at the end labels and folders are as they were found."""
    releases = ReleaseDirectory(small_ensemble.processes.work / "releases", small_ensemble.shop_id)
    labels, known = releases.labels(), set(releases.list_ids())
    yield releases
    releases.write_labels(labels)
    for release_id in set(releases.list_ids()) - known:
        (releases.path / "serving" / "fusion" / str(version_of(release_id))).unlink()
        shutil.rmtree(releases.path / release_id)


def test_an_older_release_is_loaded_everywhere_and_promoted(
    small_ensemble: SmallEnsemble, directory: ReleaseDirectory
) -> None:
    first = SmallRelease(directory.path.parent, small_ensemble.shop_id, small_ensemble.release_id)
    older, newest = republish(first, timedelta(hours=2)), republish(first, timedelta(hours=3))
    assert older not in {newest, *directory.labels().release_ids()}
    addresses = small_ensemble.address("ranker")
    promote_release(addresses, small_ensemble.shop_id, older)
    assert directory.labels().stable == older
    with release_service(addresses) as service:
        request = pb.RollbackReleaseRequest(shop_id=small_ensemble.shop_id)
        assert service.RollbackRelease(request, timeout=PATIENT_S).release.release_id == first.release_id
