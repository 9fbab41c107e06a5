"""The process: when it serves, and which releases it takes."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from services.kit import health
from services.kit.release import ReleaseBroken, ReleaseDirectory
from services.kit.release_writer import ReleaseWriter
from services.kit.serving import running
from services.user_profile.__main__ import definition
from services.user_profile.release import load_release
from services.user_profile.settings import UserProfileSettings
from tests.fakes.database_proxy import DatabaseProxy
from tests.fakes.user_profile_release import COLUMNS, ITEM_IDS, publish, small_encoder


async def test_it_serves_as_soon_as_its_database_answers_and_not_before(postgres_dsn, tmp_path):
    async with DatabaseProxy(postgres_dsn) as proxy:
        settings = UserProfileSettings(
            database_dsn=proxy.dsn,
            pseudonym_key="a pseudonym key for tests",
            tracking_key="a tracking key for tests",
            releases_dir=tmp_path,
            drain_seconds=1.0,
        )
        await proxy.cut()
        async with running(definition(settings), await_warm_up=False) as address:
            assert not await health.check(address)
            await proxy.restore()
            while not await health.check(address):
                pass
            assert await health.check(address, "vitrine.user_profile.v1.UserProfileService")
            assert await health.check(address, "vitrine.common.v1.ReadinessService")


@pytest.mark.parametrize("key", ["pseudonym_key", "tracking_key"])
def test_secrets_are_long_and_masked(key):
    secrets = {"database_dsn": "postgresql://u:p@h/d", "pseudonym_key": "p" * 16, "tracking_key": "t" * 16}
    assert secrets[key] not in str(UserProfileSettings(**secrets).describe())
    with pytest.raises(ValueError, match=key):
        UserProfileSettings(**{**secrets, key: "short"})


def test_the_default_consent_is_a_list_of_purposes():
    secrets = {"database_dsn": "postgresql://u:p@h/d", "pseudonym_key": "p" * 16, "tracking_key": "t" * 16}
    some = UserProfileSettings(**secrets, default_consent="analytics, marketing").granted_by_default
    assert {purpose.name for purpose in some} == {"ANALYTICS", "MARKETING"}
    assert UserProfileSettings(**secrets, default_consent="").granted_by_default == frozenset()
    with pytest.raises(ValueError, match="default_consent"):
        UserProfileSettings(**secrets, default_consent="everything")


async def test_a_release_is_loaded_as_it_was_published(tmp_path):
    release_id = publish(tmp_path, "shop")
    loaded = await load_release(ReleaseDirectory(tmp_path, "shop").open(release_id))
    assert (loaded.release_id, loaded.encoder.space_id) == (release_id, small_encoder().space_id)
    assert loaded.facets.row_of["item-7"] == 7
    assert loaded.facets.names[loaded.facets.codes[1, 7]] == ("category", "Women/Dresses")


@pytest.mark.parametrize(("items", "space_id", "problem"), [(24, "0" * 16, "user space"), (20, None, "vocabulary")])
async def test_a_release_whose_parts_do_not_fit_is_broken(tmp_path: Path, items, space_id, problem):
    encoder = small_encoder(items=items)
    with ReleaseWriter(tmp_path, "shop", datetime(2026, 1, 1, tzinfo=UTC)) as writer:
        encoder.save(writer.folder)
        columns = {"item_ids": ITEM_IDS, **COLUMNS}
        writer.write_arrays("vocabulary.npz", {name: np.array(values) for name, values in columns.items()})
        spaces = {"user": space_id or encoder.space_id}
        release = writer.publish(data_sha256="0" * 64, spaces=spaces, calibrated=False)
    assert json.loads((release.path / "release.json").read_text())["spaces"] == spaces
    with pytest.raises(ReleaseBroken, match=problem):
        await load_release(release)
