"""What page_composer.proto promises, shown on the real servicer over PostgreSQL and on the fake that others test
against.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import grpc
import pytest

from services.kit import tracking
from services.kit.status import RemoteError, read_error
from tests.contract.coverage import covers
from tests.contract.page_composer_houses import House, fake_house, real_house
from tests.fakes.page_composer import NOW_S, TRACKING_KEY
from tests.small_shop import small_items
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import merchandising_pb2
from vitrine.page_composer.v1 import page_composer_pb2 as pb
from vitrine.user_profile.v1 import user_profile_pb2

INVALID = (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
DOWN = (grpc.StatusCode.UNAVAILABLE, "DATABASE_DOWN")
NOT_READY = (grpc.StatusCode.FAILED_PRECONDITION, "SHOP_NOT_READY")
NO_TEMPLATE = (grpc.StatusCode.NOT_FOUND, "TEMPLATE_UNKNOWN")
ENOUGH_PAGES = 100
"""What a page shows by chance, drawn from shop and request, is on one of so many."""
FAMILY_OF = {item.item_id: item.family_id for item in small_items()}


@pytest.fixture(params=["real", "fake"])
async def house(request, tmp_path) -> AsyncIterator[House]:
    if request.param == "fake":
        async with fake_house() as made:
            yield made
    else:
        async with real_house(request.getfixturevalue("postgres_dsn"), tmp_path) as made:
            yield made


def ada() -> user_profile_pb2.Profile:
    """A visitor who viewed, marked, carted and bought, and agreed to everything."""
    profile = user_profile_pb2.Profile(profile_version=7, cart_item_ids=["item-012"], seen_item_ids=["item-004"])
    done = [("VIEW", 4), ("CLICK", 8), ("CART", 12), ("FAVOURITE", 16), ("PURCHASE", 5), ("VIEW", 21)]
    for hours, (action, number) in enumerate(done, start=1):
        recent = profile.recent_actions.add(action=f"ACTION_{action}", item_id=f"item-{number:03}")
        recent.occurred_at.FromSeconds(int(NOW_S) - 3_600 * hours)
    profile.affinities.add(facet="brand", value="Aster", weight=0.5)
    profile.affinities.add(facet="category", value="Women/Dresses", weight=0.6)
    for purpose in (1, 2, 3):
        profile.consents.add(purpose=purpose, granted=True)
    return profile


def visit(user_id: str = "ada", **fields) -> common_pb2.VisitContext:
    return common_pb2.VisitContext(user_id=user_id, **{"region": "DE", **fields})


async def compose(house: House, request_id: str = "page-1", **fields) -> pb.Page:
    fields.setdefault("visit", visit())
    asked = pb.ComposePageRequest(shop_id=house.shop_id, request_id=request_id, **fields)
    return (await house.pages.ComposePage(asked, timeout=20)).page


async def export(house: House, at_least: int, **fields) -> list[pb.LoggedPage]:
    """The log, once it holds so many pages."""
    async with asyncio.timeout(20):
        while True:
            asked = pb.ExportPagesRequest(shop_id=house.shop_id, composed_before=moment(NOW_S + 60), **fields)
            pages = [page async for answer in house.pages.ExportPages(asked) for page in answer.pages]
            if len(pages) >= at_least:
                return pages


def moment(at_s: float) -> common_pb2.google_dot_protobuf_dot_timestamp__pb2.Timestamp:
    stamp = common_pb2.google_dot_protobuf_dot_timestamp__pb2.Timestamp()
    stamp.FromNanoseconds(int(at_s * 1e9))
    return stamp


def slots(page: pb.Page) -> list[pb.Slot]:
    return [slot for section in page.sections for slot in section.slots]


async def failure(call) -> RemoteError:
    with pytest.raises(grpc.RpcError) as caught:
        if hasattr(call, "__aiter__"):
            _ = [message async for message in call]
        else:
            await call
    return read_error(caught.value)


async def refused(call) -> tuple[grpc.StatusCode, str]:
    error = await failure(call)
    return error.code, error.reason


def exclusion_of_everything() -> merchandising_pb2.Rule:
    return merchandising_pb2.Rule(
        rule_id="nothing",
        exclude=merchandising_pb2.ExcludeEffect(
            items=merchandising_pb2.ItemFilter(categories=["Women", "Men", "Home"])
        ),
    )


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
    assert await refused(house.pages.ComposePage(asked)) == NO_TEMPLATE


@covers("PageComposerService.ComposePage", "FAILED_PRECONDITION SHOP_NOT_READY")
async def test_a_shop_without_release_and_catalogue_has_no_pages(house):
    asked = pb.ComposePageRequest(shop_id="nowhere", visit=visit())
    assert await refused(house.pages.ComposePage(asked)) == NOT_READY


@covers("PageComposerService.PreviewPage")
async def test_a_preview_says_what_a_rule_would_move_and_writes_nothing(house):
    asked = pb.PreviewPageRequest(shop_id=house.shop_id, request_id="preview-1", visit=visit())
    plain = await house.pages.PreviewPage(asked)
    assert not plain.changes
    first = slots(plain.page)[0].item_id
    asked.rules.add(rule_id="away").exclude.items.item_ids.append(first)
    answer = await house.pages.PreviewPage(asked)
    assert first in [change.before_item_id for change in answer.changes]
    assert first not in [slot.item_id for slot in slots(answer.page)]
    assert ("rule", "away") in [(each.reason, each.rule_id) for each in answer.page.dropped]
    await compose(house, "a-real-page", visit=common_pb2.VisitContext())
    assert [page.page_id for page in await export(house, 1)] == ["a-real-page"]


async def test_a_preview_shows_campaigns_pins_and_templates_that_are_not_in_force(house):
    asked = pb.PreviewPageRequest(shop_id=house.shop_id, request_id="preview-2", visit=visit())
    asked.at.FromSeconds(int(NOW_S) + 86_400)
    campaign = asked.campaigns.add(campaign_id="spring", name="Spring")
    campaign.starts_at.FromSeconds(int(NOW_S) + 3_600)
    campaign.ends_at.FromSeconds(int(NOW_S) + 7 * 86_400)
    campaign.banners.add(banner_id="spring-1", titles={"en": "Spring is here"}, link="/spring")
    asked.rules.add(rule_id="pin").pin.item_id = "item-033"
    asked.template.template_id, asked.template.page, asked.template.device = "short", "home", 1
    asked.template.slots.add(kind="banner", style="banner", columns=1, rows=1, capacity=1, minimum_fill=1)
    for _ in range(3):
        asked.template.slots.add(kind="shelf", style="row", columns=4, rows=1, capacity=6, minimum_fill=2)
    page = (await house.pages.PreviewPage(asked)).page
    assert page.template_id == "short"
    assert [section.kind for section in page.sections] == [pb.SECTION_KIND_BANNER, *[pb.SECTION_KIND_SHELF] * 3]
    assert page.sections[0].banners[0].title == "Spring is here"
    pinned = page.sections[1].slots[0]
    assert (pinned.item_id, pinned.origin, list(pinned.rule_ids)) == ("item-033", pb.SLOT_ORIGIN_PINNED, ["pin"])


@covers("PageComposerService.PreviewPage", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_a_preview_with_broken_rules_is_refused_by_field(house):
    asked = pb.PreviewPageRequest(shop_id=house.shop_id, visit=visit())
    asked.rules.add(rule_id="empty")
    asked.rules.add(rule_id="wild").boost.factor = 1_000
    asked.campaigns.add(campaign_id="no dates")
    error = await failure(house.pages.PreviewPage(asked))
    assert (error.code, error.reason) == INVALID
    assert {"rules[0].effect", "rules[1].boost.factor", "rules[1].boost.items", "campaigns[0].campaign_id"} <= {
        violation.field for violation in error.violations
    }


@covers("PageComposerService.PreviewPage", "NOT_FOUND TEMPLATE_UNKNOWN")
async def test_a_preview_by_an_unknown_template_is_refused(house):
    asked = pb.PreviewPageRequest(shop_id=house.shop_id, visit=visit(), template_id="no-such")
    assert await refused(house.pages.PreviewPage(asked)) == NO_TEMPLATE


@covers("PageComposerService.PreviewPage", "FAILED_PRECONDITION SHOP_NOT_READY")
async def test_a_shop_without_anything_has_no_previews(house):
    asked = pb.PreviewPageRequest(shop_id="nowhere", visit=visit())
    assert await refused(house.pages.PreviewPage(asked)) == NOT_READY


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
    error = await failure(house.pages.ExportPages(asked))
    assert (error.code, error.reason) == INVALID
    assert [violation.field for violation in error.violations] == ["composed_from"]


@covers("PageComposerService.ExportPages", "UNAVAILABLE DATABASE_DOWN")
async def test_an_export_without_a_database_is_unavailable(house):
    await house.break_database()
    assert await refused(house.pages.ExportPages(pb.ExportPagesRequest(shop_id=house.shop_id))) == DOWN


async def test_pages_go_on_without_a_database(house):
    await house.break_database()
    page = await compose(house)
    assert len(page.sections) >= 3


async def test_rules_that_leave_nothing_to_show_are_an_error_that_says_so(house):
    asked = pb.PreviewPageRequest(shop_id=house.shop_id, visit=visit(), rules=[exclusion_of_everything()])
    assert await refused(house.pages.PreviewPage(asked)) == NOT_READY
