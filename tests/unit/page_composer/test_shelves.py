import pytest

from services.page_composer.index_builder import EMPTY_INDEX
from services.page_composer.item_facts import ItemFacts
from services.page_composer.proposal import Scene
from services.page_composer.reading import facts_of
from services.page_composer.rules.campaign import Banner, Campaign
from services.page_composer.rules.item_filter import ItemFilter
from services.page_composer.rules.segment import Period
from services.page_composer.shelves.registry import GENERATORS, propose
from tests.unit.page_composer.shop import DAY_S, NOW_S, did, profile, searched, small_index, visit
from vitrine.item_vision.v1 import item_vision_pb2 as pb


def suggestions(shelf: str, scene: Scene):
    return list(GENERATORS[shelf](scene))


def scene(*actions, index=None, page="home", region="", campaigns=(), **fields) -> Scene:
    return Scene(visit(profile(*actions, **fields), page=page, region=region), index or small_index(), campaigns)


def nobody(**fields) -> Scene:
    return Scene(visit(user_id="", **fields), small_index())


def test_there_are_at_least_fourteen_generators_and_none_fails_on_nobody_in_an_empty_shop():
    assert len(GENERATORS) >= 14
    for index in (small_index(), EMPTY_INDEX):
        for generator in GENERATORS.values():
            assert all(suggestion.evidence.kind for suggestion in generator(Scene(visit(user_id=""), index)))


def test_sections_of_a_shelf_are_numbered_and_named_after_it():
    named = [proposal.section_id for proposal in propose(scene(did("view", 1), did("view", 2, 2)))]
    assert len(named) == len(set(named))
    assert {"because_viewed:1", "because_viewed:2", "popular:1"} <= set(named)


def test_shelves_whose_source_is_not_shipped_stay_away():
    found = propose(Scene(visit(profile(did("view", 1))), small_index(), sources=frozenset({"item_cf"})))
    assert {proposal.pool.source for proposal in found} == {"item_cf", "given", "catalogue"}


def test_because_viewed_rests_on_the_last_items_opened():
    found = suggestions("because_viewed", scene(did("cart", 9), did("view", 4), did("click", 8, 2), did("view", 5, 3)))
    assert [each.evidence.item_ids for each in found] == [("item-004",), ("item-008",)]
    assert [each.pool.seeds for each in found] == [("item-004",), ("item-008",)]
    assert found[0].evidence.at_s == NOW_S - 3_600


def test_what_is_hidden_or_gone_is_no_evidence():
    hidden = scene(did("view", 4), hidden_item_ids=frozenset({"item-004"}))
    gone = scene(did("view", 999))
    for each in ("because_viewed", "similar_looks", "continue_browsing", "for_you", "people_like_you"):
        assert suggestions(each, hidden) == []
        assert suggestions(each, gone) == []


def test_similar_looks_needs_a_picture():
    index = small_index(item_004={"image_count": 0})
    found = suggestions("similar_looks", scene(did("view", 4), did("view", 5), index=index))
    assert [each.evidence.item_ids for each in found] == [("item-005",)]


def test_an_item_page_starts_from_its_own_item():
    on_item = scene(did("view", 5), page="item:item-007")
    for shelf in ("because_viewed", "similar_looks", "complete_the_look"):
        assert suggestions(shelf, on_item)[0].evidence.item_ids == ("item-007",)
    pools = [proposal.pool for proposal in propose(on_item)]
    assert all("item-007" in (*pool.excluded, *pool.given) for pool in pools)


def test_a_category_page_stays_within_its_category():
    for proposal in propose(scene(did("view", 5), page="category:Women")):
        assert all(category.startswith("Women") for category in proposal.pool.categories)
        assert proposal.pool.categories


def test_continue_browsing_begins_with_the_cart_and_leaves_out_purchases():
    found = suggestions(
        "continue_browsing",
        scene(did("purchase", 3), did("view", 3), did("view", 6), did("cart", 7), cart_item_ids=("item-007",)),
    )
    assert [each.pool.given for each in found] == [("item-007", "item-006")]
    assert (found[0].evidence.kind, found[0].evidence.item_ids) == ("cart", ("item-007",))


def test_buy_again_leaves_out_what_was_returned():
    found = suggestions("buy_again", scene(did("return", 2), did("purchase", 1, 2), did("purchase", 2, 3)))
    assert [each.pool.given for each in found] == [("item-001",)]
    assert suggestions("buy_again", scene(did("view", 1))) == []


def test_favourites_leave_out_what_was_taken_back_or_bought():
    done = (
        did("unfavourite", 1),
        did("purchase", 2),
        did("favourite", 1, 2),
        did("favourite", 2, 3),
        did("favourite", 3, 4),
    )
    assert [each.evidence.item_ids for each in suggestions("favourites", scene(*done))] == [("item-003",)]


def test_brand_arrivals_need_a_liked_brand_with_something_new():
    found = suggestions("brand_arrivals", scene())
    assert [(each.evidence.values, each.pool.brands) for each in found] == [(("Aster",), ("Aster",))]
    old = small_index(**{f"item_{number:03}": {"created_s": NOW_S - 90 * DAY_S} for number in range(60)})
    assert suggestions("brand_arrivals", scene(index=old)) == []


def test_category_favourites_follow_the_visitors_likings():
    found = suggestions("category_favourites", scene())
    assert [(each.evidence.values, each.pool.categories) for each in found] == [(("Women/Dresses",),) * 2]


def test_trending_needs_a_region():
    assert suggestions("trending_in_region", scene()) == []
    assert suggestions("trending_in_region", scene(region="DE"))[0].evidence.values == ("DE",)


@pytest.mark.parametrize(
    ("shelf", "moment", "kind"),
    [("back_in_stock", "restocked_s", "restocked"), ("price_drop", "price_dropped_s", "price_dropped")],
)
def test_changes_are_shown_by_interest_and_only_while_they_are_news(shelf, moment, kind):
    index = small_index(
        item_001={moment: NOW_S - DAY_S},
        item_002={moment: NOW_S - 2 * DAY_S},
        item_003={moment: NOW_S - 99 * DAY_S},
        item_004={moment: NOW_S - DAY_S, "stock": 0},
    )
    found = suggestions(shelf, scene(index=index, seen_item_ids=("item-002",)))
    assert [each.pool.given[0] for each in found] == ["item-002"]
    assert set(found[0].pool.given) == {"item-001", "item-002"}
    assert found[0].evidence.kind == kind
    assert suggestions(shelf, scene()) == []


def test_because_searched_takes_the_last_two_searches():
    searches = (searched("red dress"), searched("lamp", 2), searched("red dress", 3), searched("shoes", 4))
    found = suggestions("because_searched", scene(searches=searches))
    assert [(each.evidence.values, each.pool.query) for each in found] == [
        (("red dress",), "red dress"),
        (("lamp",), "lamp"),
    ]
    assert found[0].evidence.at_s == NOW_S - 3_600
    assert found[0].more_link == "/search?q=red%20dress"


def test_completing_a_look_takes_from_other_categories():
    (found,) = suggestions("complete_the_look", scene(did("purchase", 0)))
    assert found.evidence.item_ids == ("item-000",)
    assert "Women/Dresses" not in found.pool.categories
    assert found.pool.categories[0] == "Women/Shoes"


def test_what_the_shop_itself_links_completes_a_look_once_it_fills_a_shelf():
    there = tuple(f"item-{number:03}" for number in range(1, 7))
    index = small_index(item_000={"goes_with": (*there, "never there")})
    (found,) = suggestions("complete_the_look", scene(did("purchase", 0), index=index))
    assert (found.pool.source, found.pool.given) == ("given", there)
    sold_out = small_index(item_000={"goes_with": there}, item_003={"stock": 0})
    (found,) = suggestions("complete_the_look", scene(did("purchase", 0), index=sold_out))
    assert found.pool.source == "knowledge_graph"
    few = small_index(item_000={"goes_with": (*there[1:], "never there")})
    assert suggestions("complete_the_look", scene(did("purchase", 0), index=few))[0].pool.source == "knowledge_graph"


def test_links_to_buy_together_come_before_related_ones_and_better_items_are_none():
    kinds = (pb.LINK_KIND_RELATED, pb.LINK_KIND_CROSS_SELL, pb.LINK_KIND_UPSELL, pb.LINK_KIND_RELATED)
    links = [pb.ItemLink(kind=kind, item_id=item_id) for kind, item_id in zip(kinds, "abcb", strict=True)]
    assert facts_of(pb.ItemFacts(item_id="x", links=links)).goes_with == ("b", "a")


def test_popular_categories_are_the_largest():
    found = suggestions("popular_in_category", nobody())
    assert len(found) == 3
    assert all(each.evidence.kind == "category_popularity" for each in found)


def test_a_campaigns_items_carry_its_words():
    campaign = Campaign(
        "spring",
        "Spring (internal)",
        Period(),
        items=ItemFilter(brands=("Birch",)),
        banners=(Banner("b", {"en": "Spring is here", "zh": "春天"}, "/spring"),),
    )
    (found,) = suggestions("campaign_items", scene(campaigns=[campaign]))
    assert (found.title, found.evidence.rule_id) == ("Spring is here", "spring")
    assert {small_index().get(each).brand for each in found.pool.given} == {"Birch"}


def test_an_item_without_category_is_no_reason_for_a_shelf():
    index = small_index(item_000={"category": ""})
    assert isinstance(index.get("item-000"), ItemFacts)
    assert "" not in [each.evidence.values for each in suggestions("popular_in_category", scene(index=index))]
