"""What PageComposerService.ExportPages promises."""

from tests.contract.coverage import covers
from tests.contract.page_composer.calls import ada, compose, export, moment, slots, visit
from tests.contract.refusals import DOWN, INVALID, refused
from tests.fakes.page_composer import NOW_S
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import page_composer_pb2 as pb


@covers("PageComposerService.ExportPages")
async def test_the_log_holds_pages_as_they_were_answered_once_each(house):
    house.profiles["ada"] = ada()
    page = await compose(house, "page-1")
    await compose(house, "page-1")
    await compose(house, "page-2", visit=common_pb2.VisitContext())
    logged = {each.page_id: each for each in await export(house, 2)}
    assert len(logged) == 2
    kept = logged["page-1"]
    assert len(kept.user_pseudonym) == 32
    assert logged["page-2"].user_pseudonym == ""
    assert [(slot.item_id, slot.placement.row, slot.placement.column) for slot in kept.slots] == [
        (slot.item_id, slot.placement.row, slot.placement.column) for slot in slots(page)
    ]
    assert [slot.propensity for slot in kept.slots] == [slot.propensity for slot in slots(page)]
    assert kept.versions == page.versions
    assert all(slot.p_click_if_seen > 0.0 for slot in kept.slots)


async def test_pages_of_people_who_refuse_analytics_are_not_exported(house):
    willing, unwilling = ada(), ada()
    unwilling.consents[1].granted = False
    house.profiles.update(ada=willing, bob=unwilling)
    await compose(house, "bobs", visit=visit("bob"))
    await compose(house, "adas")
    assert [page.page_id for page in await export(house, 1)] == ["adas"]


async def test_an_export_of_a_time_range_leaves_out_the_rest(house):
    await compose(house, visit=common_pb2.VisitContext())
    assert len(await export(house, 1)) == 1
    assert await export(house, 0, composed_from=moment(NOW_S + 1)) == []


@covers("PageComposerService.ExportPages", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_an_export_of_an_impossible_range_is_refused(house):
    asked = pb.ExportPagesRequest(shop_id=house.shop_id, composed_from=moment(NOW_S), composed_before=moment(NOW_S - 1))
    await refused(house.pages.ExportPages(asked), INVALID, "composed_from")


@covers("PageComposerService.ExportPages", "UNAVAILABLE DATABASE_DOWN")
async def test_an_export_without_a_database_is_unavailable(house):
    await house.break_database()
    await refused(house.pages.ExportPages(pb.ExportPagesRequest(shop_id=house.shop_id)), DOWN)
