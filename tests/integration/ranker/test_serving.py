"""The ranker with a real model server: releases move, dependencies go and come back, items appear."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from services.kit.serving import running
from services.ranker.__main__ import definition
from services.ranker.settings import RankerSettings
from tests.contract.patience import TURN_S, until
from tests.contract.ranker.houses import DRAIN_S, House, free_address, real_house
from tests.releases import SmallRelease, copied
from tests.small_shop import NOW, small_items
from vitrine.common.v1 import common_pb2
from vitrine.ranker.v1 import ranker_pb2 as pb
from vitrine.ranker.v1.ranker_pb2_grpc import RankerServiceStub
from vitrine.user_profile.v1.user_profile_pb2 import Profile

PATIENT_S = 60.0


@pytest.fixture
async def house(small_release: SmallRelease, tmp_path: Path) -> AsyncIterator[House]:
    async with real_house(small_release, tmp_path, known_items=60) as made:
        yield made


def request(release_id: str = "", *pools: dict) -> pb.RecommendRequest:
    profile = Profile(recent_actions=[{"action": common_pb2.ACTION_CLICK, "item_id": "item-003"}])
    profile.recent_actions[0].occurred_at.FromDatetime(NOW)
    chosen = pools or [{"pool_id": "a", "source": "visual"}, {"pool_id": "b", "source": "popular"}]
    asked = pb.RecommendRequest(
        shop_id="boutique", visit={"user_id": "ada", "release_id": release_id}, profile=profile, pools=chosen
    )
    asked.at.FromDatetime(NOW)
    return asked


async def test_a_release_is_promoted_and_rolled_back_while_serving(house):
    answers: list[pb.RecommendResponse] = []

    async def visitors() -> None:
        while True:
            answers.append(await house.ranker.Recommend(request()))
            await asyncio.sleep(TURN_S)

    traffic = asyncio.create_task(visitors())
    old, new = house.release_id, house.publish(house.shop_id)
    promotion = pb.PromoteReleaseRequest(shop_id=house.shop_id, release_id=new)
    await house.releases.PromoteRelease(promotion, timeout=PATIENT_S)

    async def serves(release_id: str) -> bool:
        return (await house.ranker.Recommend(request())).release_id == release_id

    await until(lambda: serves(new))
    for release_id in (old, new):
        answer = await house.ranker.Recommend(request(release_id))
        assert (answer.release_id, answer.model_version) == (release_id, int(release_id[1:]))
    await house.releases.RollbackRelease(pb.RollbackReleaseRequest(shop_id=house.shop_id), timeout=PATIENT_S)
    await until(lambda: serves(old))
    traffic.cancel()
    await asyncio.gather(traffic, return_exceptions=True)
    assert traffic.cancelled(), "a visitor was turned away"
    assert {answer.release_id for answer in answers} == {old, new}
    for answer in answers:
        assert not answer.HasField("degraded")
        assert answer.model_version == int(answer.release_id[1:]), "a page was scored by another release's model"


async def test_the_ranker_recovers_by_itself_from_a_model_server_that_went_away(house):
    before = await house.ranker.Recommend(request())
    await house.stop_model_server()
    for _ in range(30):  # enough for the breaker to open
        answer = await house.ranker.Recommend(request())
        assert answer.degraded.dependency == "model_server"
        assert len(answer.item_ids) == len(before.item_ids)
        assert answer.model_version == 0
    assert answer.degraded.cause == "breaker_open"
    await house.start_model_server()

    async def scored_by_the_model() -> bool:
        return (await house.ranker.Recommend(request())).model_version > 0

    await until(scored_by_the_model)
    after = await house.ranker.Recommend(request())
    assert after.p_click_if_seen == before.p_click_if_seen


async def test_a_model_server_that_hangs_leaves_time_for_an_answer(small_release, tmp_path):
    releases = copied(small_release, tmp_path)
    with socket.socket() as hanging:  # connections are taken by the system and never answered
        hanging.bind(("127.0.0.1", 0))
        hanging.listen()
        address = f"127.0.0.1:{hanging.getsockname()[1]}"
        async with alone(releases, model_server_addresses=address) as ranker:
            answer = await ranker.Recommend(request(), timeout=0.5)
    assert answer.degraded.dependency == "model_server"
    assert len(answer.item_ids) > 10


@asynccontextmanager
async def alone(releases: SmallRelease, **settings: str) -> AsyncIterator[RankerServiceStub]:
    """A ranker whose neighbours are all away, but for those that are told."""
    nobody = free_address()
    names = ("item_vision", "user_profile", "page_composer", "ranker", "model_server")
    addresses = {f"{name}_addresses": nobody for name in names} | settings
    served = definition(RankerSettings(releases_dir=releases.releases_dir, drain_seconds=DRAIN_S, **addresses))
    async with running(served) as address, grpc.aio.insecure_channel(address) as channel:
        yield RankerServiceStub(channel)


async def test_the_vocabulary_stands_in_while_item_vision_has_never_been_reached(small_release, tmp_path):
    pools = [{"pool_id": source, "source": source} for source in ("visual", "popular", "new", "knowledge_graph")]
    async with alone(copied(small_release, tmp_path)) as ranker:
        answer = await ranker.Recommend(request("", *pools))
    assert all(len(pool.indexes) >= 10 for pool in answer.pools)
    assert set(answer.item_ids) <= {item.item_id for item in small_items()}
    assert answer.item_cursor == ""


async def test_a_new_item_is_recommended_by_its_picture_before_any_retraining(house):
    (newcomer,) = small_items(64)[63:]
    house.catalogue.features_ready = False
    await house.catalogue.put_items(newcomer)

    async def is_in(source: str) -> bool:
        answer = await house.ranker.Recommend(request("", {"pool_id": "a", "source": source, "limit": 100}))
        assert not answer.HasField("degraded")
        return newcomer.item_id in answer.item_ids

    await until(lambda: is_in("new"))
    assert not await is_in("visual"), "nobody knows what it looks like yet"
    house.catalogue.features_ready = True
    await until(lambda: is_in("visual"))
    assert await is_in("content")
    similar = {"pool_id": "a", "source": "visual", "seed_item_ids": [newcomer.item_id], "limit": 5}
    answer = await house.ranker.Recommend(request("", similar))
    assert {small_items()[int(each[-3:])].category for each in answer.item_ids} == {newcomer.category}
    assert list(answer.pools[0].evidence_item_ids) == [newcomer.item_id]


async def test_changes_of_the_catalogue_reach_the_next_page(house):
    wanted = {"pool_id": "a", "source": "catalogue", "filter": {"query": "zeppelin"}}
    assert list((await house.ranker.Recommend(request("", wanted))).item_ids) == []
    facts = small_items()[7].facts()
    facts.titles["en"] = "A zeppelin"
    await house.catalogue.put(facts)

    async def found() -> bool:
        return list((await house.ranker.Recommend(request("", wanted))).item_ids) == ["item-007"]

    await until(found)
    await house.catalogue.delete("item-007")

    async def gone() -> bool:
        return list((await house.ranker.Recommend(request("", wanted))).item_ids) == []

    await until(gone)
    scored = await house.ranker.ScoreItems(
        pb.ScoreItemsRequest(shop_id="boutique", visit={"user_id": "ada"}, item_ids=["item-007"])
    )
    assert list(scored.item_ids) == ["item-007"], "it is in the release still"
