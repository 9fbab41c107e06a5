"""What CatalogueService.PutLinks promises."""

from tests.contract.coverage import covers
from tests.contract.item_vision.calls import CROSS_SELL, RELATED, facts, got, item, pairs, put_links, upsert, watching
from tests.contract.refusals import BAD_SHOP, INVALID, read, refused
from vitrine.item_vision.v1 import item_vision_pb2 as pb


@covers("CatalogueService.PutLinks")
async def test_links_are_kept_for_items_that_come_later_and_watchers_are_told(house):
    await upsert(house, item("shirt"), item("belt"))
    (before,) = await read(watching(house, stop_at_end=True))
    goes_with = [(CROSS_SELL, "belt"), (RELATED, "nobody"), (RELATED, "belt")]
    answer = await put_links(house, "shirt", *goes_with)
    assert (answer.updated_count, answer.unchanged_count, answer.held_count) == (1, 0, 1)
    (after,) = await read(watching(house, before.cursor, stop_at_end=True))
    assert [(each.item_id, pairs(each)) for each in after.items] == [("shirt", goes_with)]
    again = await put_links(house, "shirt", *goes_with)
    assert (again.updated_count, again.unchanged_count) == (0, 1)
    more = [(CROSS_SELL, "coat"), (CROSS_SELL, "belt")]
    assert (await put_links(house, "shirt", *more, keep_others=True)).updated_count == 1
    assert pairs(await facts(house, "shirt")) == [*goes_with, (CROSS_SELL, "coat")]
    assert (await put_links(house, "shirt", *goes_with)).updated_count == 1
    assert (await put_links(house, "coat", (RELATED, "shirt"))).held_count == 1
    await upsert(house, item("coat"))
    assert pairs(await facts(house, "coat")) == [(RELATED, "shirt")]
    shown = (await got(house, "shirt", full=True)).items[0]
    assert (pairs(shown), pairs((await got(house, "shirt")).items[0])) == (goes_with, [])
    assert (await put_links(house, "shirt")).updated_count == 1
    assert pairs(await facts(house, "shirt")) == []


@covers("CatalogueService.PutLinks")
async def test_an_item_keeps_its_first_200_links_and_the_others_are_counted(house):
    links = [(RELATED, f"i{number:03}") for number in range(230)]
    assert (await put_links(house, "shirt", *links[:150], keep_others=True)).dropped_count == 0
    answer = await put_links(house, "shirt", *links[100:], keep_others=True)
    assert (answer.updated_count, answer.held_count, answer.dropped_count) == (1, 100, 30)
    await upsert(house, item("shirt"))
    assert pairs(await facts(house, "shirt")) == links[:200]


@covers("CatalogueService.PutLinks", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_links_that_break_a_rule_are_refused_and_the_others_are_kept(house):
    def entry(item_id: str, *links: tuple[int, str]) -> pb.ItemLinks:
        return pb.ItemLinks(item_id=item_id, links=[pb.ItemLink(kind=kind, item_id=linked) for kind, linked in links])

    def put(*entries: pb.ItemLinks, shop_id: str = house.shop_id):
        return house.catalogue.PutLinks(iter([pb.PutLinksRequest(shop_id=shop_id, items=entries)]))

    answer = await put(
        entry("", (RELATED, "b")),
        entry("a", (0, "b")),
        entry("b", (RELATED, "b")),
        entry("c", (RELATED, "")),
        entry("d", (RELATED, "a"), (RELATED, "a")),
        entry("e", (RELATED, "a"), (CROSS_SELL, "a")),
    )
    assert (answer.updated_count, answer.rejected_count) == (1, 5)
    assert [(each.index, each.field) for each in answer.errors] == [
        (0, "item_id"),
        (1, "links[0].kind"),
        (2, "links[0].item_id"),
        (3, "links[0].item_id"),
        (4, "links"),
    ]
    await refused(put(shop_id=BAD_SHOP), INVALID, "shop_id")
    await refused(house.catalogue.PutLinks(iter([])), INVALID, "shop_id")
    await refused(put(entry("a"), entry("a")), INVALID, "items")
    await refused(put(*[entry(f"i{number}") for number in range(501)]), INVALID, "items")
