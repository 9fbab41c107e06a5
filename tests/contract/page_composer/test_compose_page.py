"""What PageComposerService.ComposePage promises."""

from collections import Counter

import pytest

from services.kit import tracking
from tests.contract.coverage import covers
from tests.contract.page_composer.calls import (
    ENOUGH_PAGES,
    FAMILY_OF,
    SHOP_NOT_READY,
    TEMPLATE_UNKNOWN,
    ada,
    compose,
    slots,
    visit,
)
from tests.contract.refusals import INVALID, failure, refused
from tests.fakes.keys import TRACKING_KEY
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import page_composer_pb2 as pb


@covers("PageComposerService.ComposePage")
async def test_a_page_has_sections_with_items_that_can_be_shown(house):
    house.profiles["ada"] = ada()
    page = await compose(house)
    assert len(page.sections) >= 3
    assert page.personalised
    assert not page.degraded
    for slot in slots(page):
        assert slot.title
        assert slot.link
        assert slot.price.amount_minor > 0
        assert 0.0 < slot.propensity <= 1.0
        assert not slot.HasField("p_click_if_seen")


async def test_no_product_is_on_a_page_twice(house):
    house.profiles["ada"] = ada()
    for number in range(10):
        page = await compose(house, f"page-{number}")
        families = Counter(FAMILY_OF[slot.item_id] for slot in slots(page))
        assert max(families.values()) == 1


async def test_every_stage_tells_its_time(house):
    house.profiles["ada"] = ada()
    timings = (await compose(house)).timings
    assert {"profile", "recommend", "select"} <= {each.stage for each in timings}
    assert all(each.cpu_us >= 0 and each.duration_us >= 0 for each in timings)


async def test_the_same_request_gives_the_same_page(house):
    house.profiles["ada"] = ada()
    pages = [await compose(house) for _ in range(2)]
    for page in pages:
        page.ClearField("timings")
    assert pages[0] == pages[1]
    other = await compose(house, "page-2")
    assert [slot.item_id for slot in slots(other)] != [slot.item_id for slot in slots(pages[0])]


async def test_every_slot_carries_a_token_that_proves_where_it_stood(house):
    page = await compose(house)
    for slot in slots(page):
        claims = tracking.read(slot.tracking_token, TRACKING_KEY, house.shop_id)
        assert claims.item_id == slot.item_id
        assert claims.placement == slot.placement
        assert claims.release_id == page.versions.release_id
    assert len({(slot.placement.row, slot.placement.column) for slot in slots(page)}) == len(slots(page))


async def test_evidence_is_true_of_the_visitor(house):
    house.profiles["ada"] = ada()
    acted = {action.item_id for action in ada().recent_actions}
    kinds: set[str] = set()
    for number in range(ENOUGH_PAGES):
        if number >= 20 and {"cart", "profile", "region_trend"} <= kinds:
            break
        for section in (await compose(house, f"page-{number}")).sections:
            kinds.add(section.evidence.kind)
            if section.shelf not in ("price_drop", "back_in_stock"):
                assert set(section.evidence.item_ids) <= acted
            if section.evidence.kind == "brand_affinity":
                assert {slot.brand for slot in section.slots} == {"Aster"} == set(section.evidence.values)
    assert {"cart", "profile", "region_trend"} <= kinds


async def test_a_visitor_without_ids_gets_an_anonymous_page(house):
    page = await compose(house, visit=common_pb2.VisitContext())
    assert not page.personalised
    assert len(page.sections) >= 3
    assert page.locale == "en"
    assert page.device == common_pb2.DEVICE_DESKTOP


@pytest.mark.parametrize(
    ("locale", "language", "words"), [("zh-CN", "zh", "新品"), ("es-MX", "es", "Recién"), ("xx", "en", "New")]
)
async def test_titles_are_in_the_visitors_language(house, locale, language, words):
    titles = ""
    for number in range(ENOUGH_PAGES):
        page = await compose(house, f"page-{number}", visit=visit(locale=locale))
        titles += " ".join(section.title for section in page.sections)
        assert page.locale.startswith(language)
        if words in titles:
            break
    assert words in titles


async def test_what_the_visitor_hid_is_not_shown(house):
    page = await compose(house)
    profile = ada()
    profile.hidden_item_ids.extend(slot.item_id for slot in slots(page)[:5])
    house.profiles["ada"] = profile
    hidden = {FAMILY_OF[item_id] for item_id in profile.hidden_item_ids}
    again = await compose(house, explain=True)
    assert not hidden & {FAMILY_OF[slot.item_id] for slot in slots(again)}
    assert {"hidden"} <= {dropped.reason for dropped in again.dropped}


async def test_with_explain_slots_have_scores_and_drops_have_reasons(house):
    page = await compose(house, explain=True)
    assert all(0.0 < slot.p_click_if_seen <= 1.0 for slot in slots(page))
    shown = {slot.item_id for slot in slots(page)}
    assert page.dropped
    assert not shown & {dropped.item_id for dropped in page.dropped}
    assert all(dropped.reason for dropped in page.dropped)


async def test_what_turns_out_to_be_sold_out_is_refilled(house):
    first = await compose(house)
    bad = [slot.item_id for slot in slots(first)[:4]]
    house.catalogue.sold_out |= set(bad[:2])
    house.catalogue.gone |= set(bad[2:])
    page = await compose(house)
    shown = {slot.item_id for slot in slots(page)}
    assert not shown & set(bad)
    assert len(page.sections) >= 3
    before = {section.section_id: section for section in first.sections}
    for section in page.sections:
        if section.section_id in before and section.reserve_count:
            assert len(section.slots) == len(before[section.section_id].slots)


async def test_the_page_says_when_the_model_stood_still(house):
    house.ranker.model_down = True
    page = await compose(house)
    assert [(each.dependency, each.stand_in) for each in page.degraded] == [("model_server", "source_scores")]
    assert page.versions.model_version == 0


async def test_without_a_ranker_there_is_still_a_page_and_it_says_so(house):
    house.ranker.down = True
    page = await compose(house)
    assert [each.dependency for each in page.degraded] == ["ranker"]
    assert page.degraded[0].cause == "unavailable"
    assert page.degraded[0].stand_in in ("segment_pools", "item_index")
    assert len(page.sections) >= 3
    assert len(slots(page)) >= 12


async def test_without_display_data_the_index_shows_what_it_knows(house):
    house.catalogue.down = True
    page = await compose(house)
    assert [(each.dependency, each.stand_in) for each in page.degraded] == [("item_vision", "item_index")]
    assert all(slot.title and slot.link and slot.price.amount_minor for slot in slots(page))


@covers("PageComposerService.ComposePage", "INVALID_ARGUMENT INVALID_REQUEST")
@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("shop_id", {"shop_id": "Not a shop"}),
        ("request_id", {"request_id": "x" * 129}),
        ("visit", {}),
        ("visit.locale", {"visit": common_pb2.VisitContext(locale="!!")}),
        ("visit.device", {"visit": common_pb2.VisitContext(device=9)}),
        ("visit.page", {"visit": common_pb2.VisitContext(page="cellar")}),
        ("min_profile_version", {"visit": visit(), "min_profile_version": -1}),
        ("template_id", {"visit": visit(), "template_id": "no spaces"}),
    ],
)
async def test_a_page_request_that_breaks_its_contract_is_refused_by_field(house, field, fields):
    error = await failure(house.pages.ComposePage(pb.ComposePageRequest(**{"shop_id": house.shop_id, **fields})))
    assert (error.code, error.reason) == INVALID
    assert field in [violation.field for violation in error.violations]


@covers("PageComposerService.ComposePage", "NOT_FOUND TEMPLATE_UNKNOWN")
async def test_a_page_by_an_unknown_template_is_refused(house):
    asked = pb.ComposePageRequest(shop_id=house.shop_id, visit=visit(), template_id="no-such")
    await refused(house.pages.ComposePage(asked), TEMPLATE_UNKNOWN)


@covers("PageComposerService.ComposePage", "FAILED_PRECONDITION SHOP_NOT_READY")
async def test_a_shop_without_release_and_catalogue_has_no_pages(house):
    asked = pb.ComposePageRequest(shop_id="nowhere", visit=visit())
    await refused(house.pages.ComposePage(asked), SHOP_NOT_READY)


async def test_pages_go_on_without_a_database(house):
    await house.break_database()
    page = await compose(house)
    assert len(page.sections) >= 3
