"""What page_composer follows: the catalogue, erasures, and rules of other replicas."""

import asyncio

from services.kit.pseudonyms import Pseudonyms
from tests.contract.page_composer.calls import ada, slots
from tests.fakes.keys import PSEUDONYM_KEY
from tests.fakes.page_composer import NOW_S
from tests.integration.page_composer.ensemble import SHOP, ensemble
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import merchandising_pb2
from vitrine.page_composer.v1 import page_composer_pb2 as pb
from vitrine.user_profile.v1 import user_profile_pb2


async def test_what_sells_out_leaves_the_page_at_the_next_change(postgres_dsn, tmp_path):
    async with ensemble(postgres_dsn, tmp_path) as around:
        page = await around.until(lambda page: not page.degraded)
        gone = slots(page)[0].item_id
        sold_out = around.fakes.catalogue.items[gone]
        sold_out.stock = 0
        await around.fakes.catalogue.put(sold_out)
        later = await around.until(lambda later: later.versions.item_cursor != page.versions.item_cursor, explain=True)
        assert gone not in {slot.item_id for slot in slots(later)}
        assert (gone, "out_of_stock") in {(each.item_id, each.reason) for each in later.dropped}


async def test_a_cut_watch_goes_on_from_its_cursor(postgres_dsn, tmp_path):
    async with ensemble(postgres_dsn, tmp_path) as around:
        await around.until(lambda page: not page.degraded)
        await around.servers["item_vision"].stop()
        new = around.fakes.catalogue.items["item-001"]
        new.price.amount_minor = 123
        await around.fakes.catalogue.put(new)
        await around.servers["item_vision"].start()
        await around.until(lambda page: page.versions.item_cursor == "61")


async def test_rules_are_in_force_in_every_replica(postgres_dsn, tmp_path):
    first_dir, second_dir = tmp_path / "a", tmp_path / "b"
    async with ensemble(postgres_dsn, first_dir) as first, ensemble(postgres_dsn, second_dir) as second:
        rule = merchandising_pb2.Rule(rule_id="away")
        rule.exclude.items.brands.append("Aster")
        kept = await first.merchandising.PutRule(merchandising_pb2.PutRuleRequest(shop_id=SHOP, rule=rule))
        page = await second.until(lambda page: page.versions.rules_version == kept.rules_version)
        assert "Aster" not in {slot.brand for slot in slots(page)}
        deleted = await second.merchandising.DeleteRule(
            merchandising_pb2.DeleteRuleRequest(shop_id=SHOP, rule_id="away")
        )
        await first.until(lambda page: page.versions.rules_version == deleted.rules_version)


async def test_a_deleted_user_is_erased_from_the_page_log(postgres_dsn, tmp_path):
    async with ensemble(postgres_dsn, tmp_path) as around:
        around.fakes.user_profile.profiles["ada"] = ada()
        await around.until(lambda page: page.personalised)
        pseudonym = Pseudonyms(PSEUDONYM_KEY).user(SHOP, "ada").hex()

        async def pseudonyms() -> set[str]:
            before = common_pb2.google_dot_protobuf_dot_timestamp__pb2.Timestamp(seconds=int(NOW_S) + 60)
            asked = pb.ExportPagesRequest(shop_id=SHOP, composed_before=before)
            return {page.user_pseudonym async for answer in around.pages.ExportPages(asked) for page in answer.pages}

        async with asyncio.timeout(20):
            while pseudonym not in await pseudonyms():
                pass
        event = user_profile_pb2.Event(event_id="e", action="ACTION_VIEW", user_id="ada", item_id="item-001")
        event.occurred_at.FromSeconds(int(NOW_S) - 60)
        await around.fakes.user_profile.RecordEvents(
            user_profile_pb2.RecordEventsRequest(shop_id=SHOP, events=[event]), None
        )
        await around.fakes.user_profile.DeleteUser(
            user_profile_pb2.DeleteUserRequest(shop_id=SHOP, user_id="ada"), None
        )
        async with asyncio.timeout(20):
            while pseudonym in await pseudonyms():
                pass
