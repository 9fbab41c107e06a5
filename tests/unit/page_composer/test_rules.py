import numpy as np
import pytest

from services.page_composer.promote import promote
from services.page_composer.rules.boost import Boost, boosts
from services.page_composer.rules.campaign import NOTHING_SPENT, Banner, Campaign, Coupon, Spent, campaigns_in_force
from services.page_composer.rules.cap import Cap, limits
from services.page_composer.rules.item_filter import ItemFilter
from services.page_composer.rules.pin import Pin, pins
from services.page_composer.rules.rule import Rule, in_force
from services.page_composer.rules.segment import Period, Segment
from services.page_composer.template import Place
from services.page_composer.visit import Consents, Device, Profile
from tests.unit.page_composer.shop import NOW_S, facts, small_index, visit


def campaign(campaign_id: str = "c", **fields) -> Campaign:
    made = {"banners": (Banner(f"{campaign_id}-1", {"en": "One"}, "/"), Banner(f"{campaign_id}-2", {"en": "Two"}, "/"))}
    return Campaign(campaign_id, campaign_id, Period(), **{**made, **fields})


@pytest.mark.parametrize(
    ("segment", "belongs"),
    [
        (Segment(), True),
        (Segment(regions=("CN",)), True),
        (Segment(regions=("CN-31",)), True),
        (Segment(regions=("CN-3",)), False),
        (Segment(regions=("DE", "FR")), False),
        (Segment(locales=("zh",)), True),
        (Segment(locales=("zh-Hans",)), True),
        (Segment(locales=("en",)), False),
        (Segment(devices=(Device.PHONE,)), True),
        (Segment(devices=(Device.TABLET,)), False),
        (Segment(channels=("email",)), True),
        (Segment(channels=("email",), regions=("DE",)), False),
    ],
)
def test_a_segment_has_those_whom_every_list_matches(segment, belongs):
    there = visit(region="CN-31", locale="zh-Hans", device=Device.PHONE, channel="email")
    assert segment.has(there) is belongs


@pytest.mark.parametrize(
    ("period", "counts"),
    [
        (Period(), True),
        (Period(NOW_S, NOW_S + 1), True),
        (Period(NOW_S + 1), False),
        (Period(0.0, NOW_S), False),
        (Period(NOW_S - 1, 0.0), True),
    ],
)
def test_a_rule_counts_from_its_start_to_before_its_end(period, counts):
    assert bool(in_force([Rule("r", Pin("item-001"), period)], visit())) is counts


def test_an_empty_item_filter_is_about_nothing():
    assert not ItemFilter().mask(small_index(), np.arange(5)).any()


def test_an_item_filter_is_about_what_matches_every_list():
    index = small_index()
    mask = ItemFilter(brands=("Aster",), item_ids=("item-000", "item-999", *index.row_of)).mask(
        index, np.arange(index.size)
    )
    assert mask.tolist() == [each.brand == "Aster" for each in facts()]


def test_boosts_multiply_and_name_their_rules():
    rules = [
        Rule("a", Boost(ItemFilter(brands=("Aster",)), 2.0)),
        Rule("b", Boost(ItemFilter(categories=("Women",)), 3.0)),
    ]
    boosted = boosts(rules, small_index(), np.arange(60))
    for row, item in enumerate(facts()):
        aster, women = item.brand == "Aster", item.category.startswith("Women/")
        assert boosted.factors[row] == (2.0 if aster else 1.0) * (3.0 if women else 1.0)
        assert boosted.rule_ids(row) == (("a",) if aster else ()) + (("b",) if women else ())


def test_of_several_pins_for_one_place_the_first_by_id_wins():
    rules = [Rule("b", Pin("item-002")), Rule("a", Pin("item-001")), Rule("c", Pin("item-003", position=1))]
    found = pins(in_force(rules, visit()))
    assert [(each.pin.item_id, each.rule_id) for each in found] == [("item-001", "a"), ("item-003", "c")]


def test_a_cap_limits_one_value_or_every_value_by_itself():
    one, each = limits(
        [Rule("a", Cap("category", 2, "Women")), Rule("b", Cap("brand", 3))],
        small_index(),
        np.arange(len(small_index())),
    )
    assert (one.most, one.group_count) == (2, 1)
    assert (one.groups >= 0).tolist() == [item.category.startswith("Women/") for item in facts()]
    assert each.most == 3
    assert len(set(each.groups.tolist())) == 5


def test_campaigns_stand_by_priority_until_they_are_worn_out():
    all_of_them = [
        campaign("a"),
        campaign("b", priority=5),
        campaign("capped", frequency_cap=2),
        campaign("paid", budget_minor=100),
    ]
    spent = Spent({"capped": 1}, {"paid": 99.0})
    assert [each.campaign_id for each in campaigns_in_force(all_of_them, visit(), spent)] == [
        "b",
        "a",
        "capped",
        "paid",
    ]
    spent = Spent({"capped": 2}, {"paid": 100.0})
    assert [each.campaign_id for each in campaigns_in_force(all_of_them, visit(), spent)] == ["b", "a"]


def test_each_campaign_leads_before_any_follows_and_nothing_comes_twice():
    places = [
        Place("banner", "banner", 1, 1, 3, 1),
        Place("shelf", "row", 4, 1, 8, 2),
        Place("banner", "banner", 1, 1, 2, 2),
    ]
    (first,) = promote(places, [campaign("a"), campaign("b")], visit())
    assert [banner.banner_id for _, banner in first.banners] == ["a-1", "b-1", "a-2"]
    places = [Place("banner", "banner", 1, 1, 2, 1), Place("banner", "banner", 1, 1, 2, 2)]
    found = promote(places, [campaign("a"), campaign("b")], visit())
    assert [[banner.banner_id for _, banner in each.banners] for each in found] == [["a-1", "b-1"], ["a-2", "b-2"]]


def test_an_aimed_coupon_needs_consent_to_marketing():
    places = [Place("coupon", "coupon_strip", 3, 1, 3, 1)]
    coupon = Coupon("ten", {"en": "Ten"}, "TEN", percent=10)
    everyone = campaign("a", coupons=(coupon,))
    aimed = campaign("b", coupons=(coupon,), segment=Segment(channels=("web",)))
    agreed = visit(Profile(consents=Consents(marketing=True)))
    assert len(promote(places, [everyone, aimed], visit())[0].coupons) == 1
    assert len(promote(places, [everyone, aimed], agreed)[0].coupons) == 2
    assert promote(places, [aimed], visit()) == []
    assert NOTHING_SPENT.views == {}
