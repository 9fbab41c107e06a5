"""Similar users are found exactly, and who changed is found anew."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from services.kit.errors import DependencyDown
from services.user_profile.actions import Action
from services.user_profile.events import Event
from services.user_profile.profile import ProfileEvent, build_profile
from services.user_profile.recording import Batch
from services.user_profile.similar_users import SimilarUsers
from services.user_profile.sql.moments import microseconds
from tests.fakes.user_profile import MemoryStore
from tests.fakes.user_profile_release import ITEM_IDS, small_release

NOW = datetime(2026, 5, 28, tzinfo=UTC)
NOW_US = microseconds(NOW)
RELEASE = small_release()


def embedding(item_id: str) -> np.ndarray:
    viewed = [ProfileEvent(NOW_US - 1_000, int(Action.VIEW), item_id)]
    return build_profile(viewed, NOW_US, RELEASE.facets, RELEASE.encoder).embedding


def pseudonym(number: int) -> bytes:
    return number.to_bytes(16, "big")


async def view(store: MemoryStore, user: int, item_id: str) -> None:
    viewed = Event(f"{user}-{item_id}", int(Action.VIEW), NOW_US - 1_000, pseudonym(user), None, item_id=item_id)
    await store.record("shop", Batch.of([viewed]), NOW_US, refuse_conflicts=True)


async def test_the_nearest_are_those_of_an_exhaustive_search():
    store = MemoryStore()
    for user in range(300):
        await view(store, user, ITEM_IDS[user % 24])
        await view(store, user, ITEM_IDS[(user * 7 + 3) % 24])
    found = await SimilarUsers(store).nearest("shop", RELEASE, embedding("item-3"), 10, NOW)
    cosines = []
    for user in range(300):
        events = (await store.recent_events("shop", [pseudonym(user)]))[pseudonym(user)]
        z = build_profile(events, NOW_US, RELEASE.facets, RELEASE.encoder).embedding
        wanted = embedding("item-3")
        cosines.append((-float(z @ wanted / np.linalg.norm(z) / np.linalg.norm(wanted)), pseudonym(user)))
    expected = sorted(cosines)[:10]
    assert [cosine for _, cosine in found] == pytest.approx([-cosine for cosine, _ in expected], abs=1e-5)


async def test_a_look_is_taken_again_when_the_last_is_too_old():
    store = MemoryStore()
    similar = SimilarUsers(store)
    await view(store, 1, "item-1")
    assert len(await similar.nearest("shop", RELEASE, embedding("item-1"), 10, NOW)) == 1
    await view(store, 2, "item-1")
    assert len(await similar.nearest("shop", RELEASE, embedding("item-1"), 10, NOW + timedelta(seconds=50))) == 1
    assert len(await similar.nearest("shop", RELEASE, embedding("item-1"), 10, NOW + timedelta(seconds=70))) == 2


async def test_who_was_deleted_is_forgotten_within_the_hour():
    store = MemoryStore()
    similar = SimilarUsers(store)
    for user in (1, 2):
        await view(store, user, "item-1")
    await similar.refresh("shop", RELEASE, NOW)
    await store.delete_user("shop", pseudonym(1))
    found = await similar.nearest("shop", RELEASE, embedding("item-1"), 10, NOW + timedelta(hours=1))
    assert [user for user, _ in found] == [pseudonym(2)]


async def test_a_database_that_is_down_is_left_for_the_next_time_in_the_background_and_told_in_a_call():
    store = MemoryStore()
    store.down = True
    similar = SimilarUsers(store)
    await similar.keep_fresh("shop", RELEASE, NOW)
    with pytest.raises(DependencyDown):
        await similar.nearest("shop", RELEASE, embedding("item-1"), 10, NOW)


async def test_the_zero_vector_is_near_nobody():
    store = MemoryStore()
    await view(store, 1, "item-1")
    assert await SimilarUsers(store).nearest("shop", RELEASE, np.zeros(64, np.float32), 10, NOW) == []
