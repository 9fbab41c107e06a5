"""One page, one release: what happens while releases come and go."""

import pytest

from services.kit.release import Labels, ReleaseDirectory
from tests.contract.page_composer.calls import ada
from tests.fakes import page_release
from tests.fakes.user_profile_release import small_release
from tests.integration.page_composer.ensemble import SHOP, Ensemble, ensemble
from tests.small_shop import NOW, small_items


def load_everywhere(around: Ensemble, release_id: str) -> None:
    """Have every neighbour report the release ready, beside those it has."""
    around.fakes.user_profile.releases.loaded[SHOP][release_id] = small_release(release_id)
    around.fakes.ranker.ready.append(release_id)
    around.fakes.catalogue.ready.append(release_id)


async def test_a_promotion_and_a_rollback_never_mix_or_degrade_a_page(postgres_dsn, tmp_path):
    async with ensemble(postgres_dsn, tmp_path) as around:
        old = around.release_id
        await around.until(lambda page: not page.degraded)
        around.fakes.ranker.requests.clear()
        directory = ReleaseDirectory(tmp_path, SHOP)
        new = page_release.publish(tmp_path, SHOP, small_items(), NOW)
        directory.write_labels(Labels(stable=old))
        load_everywhere(around, new)
        directory.write_labels(Labels(stable=new, previous=old))
        seen = []

        def noted(page) -> str:
            assert not page.degraded
            seen.append(page.versions.release_id)
            return page.versions.release_id

        await around.until(lambda page: noted(page) == new)
        directory.write_labels(Labels(stable=old, previous=new))
        await around.until(lambda page: noted(page) == old)
        assert set(seen) == {old, new}
        asked = {each.request_id: each.visit.release_id for each in around.fakes.ranker.requests if each.request_id}
        profiles = {each.request_id: each.visit.release_id for each in around.fakes.user_profile.requests}
        assert asked
        assert all(profiles[request_id] == release_id for request_id, release_id in asked.items())


async def test_a_release_that_a_service_lacks_is_not_used(postgres_dsn, tmp_path):
    async with ensemble(postgres_dsn, tmp_path) as around:
        old = around.release_id
        new = page_release.publish(tmp_path, SHOP, small_items(), NOW)
        load_everywhere(around, new)
        around.fakes.ranker.ready.remove(new)
        await around.until(lambda page: not page.degraded)
        for number in range(10):
            page = await around.compose(f"page-{number}")
            assert page.versions.release_id == old
            assert not page.degraded


async def test_a_release_with_few_sources_makes_whole_pages_of_the_shelves_that_they_fill(postgres_dsn, tmp_path):
    async with ensemble(postgres_dsn, tmp_path) as around:
        around.fakes.user_profile.profiles["ada"] = ada()

        def asked(release_id: str) -> set[str]:
            requests = [each for each in around.fakes.ranker.requests if each.visit.release_id == release_id]
            return {pool.source for each in requests for pool in each.pools}

        await around.until(lambda page: not page.degraded and page.personalised)
        assert asked(around.release_id) >= {"two_tower", "item_cf", "popular"}
        shipped = {"item_cf", "popular"}
        frugal = page_release.publish(tmp_path, SHOP, small_items(), NOW, sorted(shipped))
        load_everywhere(around, frugal)
        ReleaseDirectory(tmp_path, SHOP).write_labels(Labels(stable=frugal))
        page = await around.until(lambda page: page.versions.release_id == frugal)
    assert not page.degraded
    assert shipped <= asked(frugal) <= shipped | {"given", "catalogue"}
    assert len({section.shelf for section in page.sections}) >= 3


@pytest.mark.parametrize("who", ["ranker", "user_profile"])
async def test_a_release_refused_at_the_last_moment_gives_way_to_the_other(postgres_dsn, tmp_path, who):
    old = page_release.publish(tmp_path, SHOP, small_items())

    async def refuses_the_new_one(fakes) -> None:
        fakes.user_profile.releases.loaded[SHOP][old] = small_release(old)
        fakes.ranker.ready.append(old)
        fakes.catalogue.ready.append(old)

    async with ensemble(postgres_dsn, tmp_path, prepare=refuses_the_new_one) as around:
        new = around.release_id
        await around.until(lambda page: page.versions.release_id == new and not page.degraded)
        around.fakes.user_profile.profiles["ada"] = ada()
        if who == "ranker":
            around.fakes.ranker.ready.remove(new)
        else:
            del around.fakes.user_profile.releases.loaded[SHOP][new]
        page = await around.compose()
        assert page.versions.release_id == old
        assert not page.degraded


async def test_without_any_release_in_common_the_page_is_made_without_the_ranker(postgres_dsn, tmp_path):
    async with ensemble(postgres_dsn, tmp_path) as around:
        around.fakes.ranker.ready = ["r1"]
        page = await around.compose()
        assert [(each.dependency, each.cause) for each in page.degraded] == [("ranker", "not_ready")]
        assert len(page.sections) >= 3
