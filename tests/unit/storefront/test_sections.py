"""A composed page as templates print it, and what the templates make of hostile text."""

import re

import pytest

from storefront.cards import CardMaker
from storefront.sections import page_view, stage_bars
from storefront.signing import Signer
from storefront.tickets import read
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import page_composer_pb2

SIGNER = Signer("a secret of the tests")
MAKER = CardMaker(SIGNER, "boutique", "/shops/boutique", favourites={"a"}, likes={"b"})


def slot(item_id: str, reason: str = "") -> page_composer_pb2.Slot:
    return page_composer_pb2.Slot(
        item_id=item_id,
        title=f"Title of {item_id}",
        price=common_pb2.Money(amount_minor=1_000, currency="EUR"),
        reason=reason,
        tracking_token=f"token-{item_id}",
        origin=page_composer_pb2.SLOT_ORIGIN_EXPLORED,
        propensity=0.25,
        rule_ids=["r1"],
        evidence=page_composer_pb2.Evidence(kind="campaign", rule_id="r1", item_ids=["x"]),
    )


def section(style: str = "row", columns: int = 4, **parts) -> page_composer_pb2.Section:
    layout = page_composer_pb2.SectionLayout(style=style, columns=columns, rows=1)
    return page_composer_pb2.Section(section_id="s:1", title="Section", layout=layout, reason="Why not", **parts)


def test_cards_carry_what_the_slot_says():
    page = page_composer_pb2.Page(sections=[section(slots=[slot("a", "Because"), slot("b", "Why not")])])
    first, second = page_view(page, MAKER).sections[0].cards
    assert (first.reason, second.reason) == ("Because", "")
    assert (first.favourite, first.liked, second.favourite, second.liked) == (True, False, False, True)
    assert (first.why.origin, first.why.propensity, first.why.rule_ids) == ("explored", 0.25, ("r1",))
    assert first.why.p_click_if_seen is None
    assert first.list_price is None
    assert read(first.ticket, SIGNER).token == "token-a"
    assert first.href == f"/shops/boutique/go?to={first.ticket}"


def test_an_item_without_evidence_rests_on_its_sections():
    bare = page_composer_pb2.Slot(item_id="a")
    evidence = page_composer_pb2.Evidence(kind="search", values=["linen"])
    page = page_composer_pb2.Page(sections=[section(slots=[bare], evidence=evidence)])
    why = page_view(page, MAKER).sections[0].cards[0].why
    assert (why.reason, why.evidence_kind, why.evidence_values) == ("Why not", "search", ("linen",))


def test_only_a_higher_price_is_struck_out():
    reduced, same = slot("a"), slot("b")
    reduced.list_price.CopyFrom(common_pb2.Money(amount_minor=1_250, currency="EUR"))
    same.list_price.CopyFrom(same.price)
    first, second = (
        page_view(page_composer_pb2.Page(sections=[section(slots=[reduced, same])]), MAKER).sections[0].cards
    )
    assert first.list_price is not None
    assert first.list_price.amount_minor == 1_250
    assert second.list_price is None


def test_a_layout_nobody_knows_becomes_a_grid_of_bounded_width():
    view = page_view(page_composer_pb2.Page(sections=[section("spiral", 40, slots=[slot("a")])]), MAKER)
    assert (view.sections[0].style, view.sections[0].columns) == ("grid", 12)


def test_a_section_leads_only_to_paths_of_the_shop():
    outside = section(slots=[slot("a")], more_link="https://elsewhere.example/")
    inside = section(slots=[slot("b")], more_link="/deals")
    view = page_view(page_composer_pb2.Page(sections=[outside, inside]), MAKER)
    assert [one.more_link for one in view.sections] == ["", "/deals"]


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        ("", ""),
        ("images/banners/a b.jpg", "/media/boutique/images/banners/a%20b.jpg"),
        ("/images/banners/x.jpg", "/media/boutique/images/banners/x.jpg"),
        ("/media/boutique/images/x.jpg", "/media/boutique/images/x.jpg"),
        ("/images/boutique/item-1/0", "/images/boutique/item-1/0"),
        ("https://pictures.example/x.jpg", "https://pictures.example/x.jpg"),
        ("javascript:alert(1)", ""),
        ("//elsewhere.example/x.jpg", "/media/boutique/elsewhere.example/x.jpg"),
    ],
)
def test_a_banners_picture_is_an_address_or_in_the_shops_folder(image, shown):
    banner = page_composer_pb2.BannerSlot(banner_id="b", link="/deals", image=image)
    assert MAKER.from_banner(banner).image == shown


@pytest.mark.parametrize(
    ("link", "destination"),
    [("/deals", "/deals"), ("https://a.example/", "https://a.example/"), ("javascript:x", "/"), ("//a.example", "/")],
)
def test_a_banners_ticket_leads_only_where_a_banner_may(link, destination):
    banner = page_composer_pb2.BannerSlot(banner_id="b", link=link)
    assert read(MAKER.from_banner(banner).ticket, SIGNER).destination == destination


def test_bars_are_scaled_to_the_longest_stage():
    timings = [
        common_pb2.StageTiming(stage=name, duration_us=duration)
        for name, duration in (("profile", 1_000), ("select", 4_000))
    ]
    assert [(bar.stage, bar.duration_ms, bar.width) for bar in stage_bars(timings)] == [
        ("profile", 1.0, 25.0),
        ("select", 4.0, 100.0),
    ]
    assert stage_bars([]) == ()
    assert stage_bars([common_pb2.StageTiming(stage="none")])[0].width == 0


def test_the_page_knows_its_items():
    page = page_composer_pb2.Page(sections=[section(slots=[slot("a"), slot("b")]), section("grid", slots=[slot("c")])])
    view = page_view(page, MAKER)
    assert view.item_ids == {"a", "b", "c"}
    assert view.item_count == 3
    assert re.fullmatch(r"[\w-]+", view.sections[0].cards[0].ticket)
