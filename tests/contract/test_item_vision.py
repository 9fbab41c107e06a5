"""What item_vision.proto promises, shown on the real servicers over PostgreSQL and on the fake that others test
against.
"""

from collections.abc import AsyncIterator

import grpc
import numpy as np
import pytest

from services.kit.status import RemoteError, read_error
from tests.contract.coverage import covers
from tests.contract.item_vision_houses import House, fake_house, real_house
from tests.fakes.small_encoders import IMAGE_WIDTH, TEXT_WIDTH
from tests.model.item_vision.drawings import encoded, pixels
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2 as pb

BAD_SHOP = "No Shop!"
UNREADY = "r1"
SOUND_OF_NOTHING = common_pb2.ModalityVector(modality="sound", space_id="s", values=[float("nan")])

INVALID = (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
DOWN = (grpc.StatusCode.UNAVAILABLE, "DATABASE_DOWN")
NOT_READY = (grpc.StatusCode.FAILED_PRECONDITION, "RELEASE_NOT_READY")


@pytest.fixture(params=["real", "fake"])
async def house(request, tmp_path) -> AsyncIterator[House]:
    if request.param == "fake":
        async with fake_house(tmp_path) as made:
            yield made
    else:
        async with real_house(request.getfixturevalue("postgres_dsn"), tmp_path) as made:
            yield made


def drawn(shape: str = "disc", colour: str = "red", seed: int = 1) -> pb.Picture:
    return pb.Picture(content=encoded(pixels(shape, colour, seed, 96)))


def item(item_id: str, *pictures: pb.Picture, **fields) -> pb.ItemInput:
    fields.setdefault("titles", {"en": f"Item {item_id}"})
    fields.setdefault("price", common_pb2.Money(amount_minor=1_000, currency="EUR"))
    fields.setdefault("stock", 5)
    return pb.ItemInput(item_id=item_id, images=pictures, **fields)


async def upsert(house: House, *items: pb.ItemInput, shop_id: str | None = None) -> pb.UpsertItemsResponse:
    request = pb.UpsertItemsRequest(shop_id=house.shop_id if shop_id is None else shop_id, items=items)
    return await house.catalogue.UpsertItems(iter([request]))


async def listed(house: House, **fields) -> list[pb.ItemFacts]:
    return list((await house.catalogue.ListItems(pb.ListItemsRequest(shop_id=house.shop_id, **fields))).items)


async def facts(house: House, item_id: str, **fields) -> pb.ItemFacts:
    (found,) = [each for each in await listed(house, **fields) if each.item_id == item_id]
    return found


async def got(house: House, *item_ids: str, **fields) -> pb.GetItemsResponse:
    return await house.catalogue.GetItems(pb.GetItemsRequest(shop_id=house.shop_id, item_ids=item_ids, **fields))


def watching(house: House, cursor: str = "", **fields):
    return house.catalogue.WatchItems(pb.WatchItemsRequest(shop_id=house.shop_id, cursor=cursor, **fields))


async def read(call) -> list:
    return [message async for message in call]


async def refused(call, expected: tuple[grpc.StatusCode, str], *fields: str) -> RemoteError:
    """Assert that a call (unary or a stream that is read to its end) is refused as expected, naming the fields."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (read(call) if hasattr(call, "__aiter__") else call)
    error = read_error(caught.value)
    assert (error.code, error.reason) == expected
    assert [violation.field for violation in error.violations] == list(fields)
    return error


# UpsertItems


@covers("CatalogueService.UpsertItems")
async def test_items_are_created_changed_and_left_alone(house):
    first = await upsert(house, item("a"), item("b"))
    assert (first.created_count, first.updated_count, first.unchanged_count) == (2, 0, 0)
    second = await upsert(house, item("a"), item("b", brand="Aria"), item("c"))
    assert (second.created_count, second.updated_count, second.unchanged_count) == (1, 1, 1)
    assert [each.item_id for each in await listed(house)] == ["a", "b", "c"]


async def test_several_messages_are_one_import(house):
    async def messages():
        yield pb.UpsertItemsRequest(shop_id=house.shop_id, items=[item("a")])
        yield pb.UpsertItemsRequest(items=[item("b"), item("", stock=-1)])

    answer = await house.catalogue.UpsertItems(messages())
    assert (answer.created_count, answer.rejected_count) == (2, 1)
    assert {(each.index, each.field) for each in answer.errors} == {(2, "item_id"), (2, "stock")}


@pytest.mark.parametrize(
    ("fields", "violated"),
    [
        ({"titles": {}}, "titles"),
        ({"titles": {"not a language": "x"}}, "titles[not a language]"),
        ({"price": common_pb2.Money(amount_minor=-1, currency="EUR")}, "price.amount_minor"),
        ({"price": common_pb2.Money(amount_minor=0, currency="EUR")}, "price.amount_minor"),
        ({"price": common_pb2.Money(amount_minor=1, currency="euro")}, "price.currency"),
        ({"list_price": common_pb2.Money(amount_minor=1, currency="EUR")}, "list_price.amount_minor"),
        ({"list_price": common_pb2.Money(amount_minor=9_999, currency="USD")}, "list_price.currency"),
        ({"margin_ratio": 1.5}, "margin_ratio"),
        ({"category": "a/b/c/d/e/f/g/h/i"}, "category"),
        ({"regions": ["Germany"]}, "regions[0]"),
        ({"minimum_age": 120}, "minimum_age"),
        ({"link": "javascript:alert(1)"}, "link"),
        (
            {"vectors": [common_pb2.ModalityVector(modality="sound", space_id="s", values=[float("nan")])]},
            "vectors[0].values",
        ),
    ],
)
async def test_an_item_that_breaks_a_rule_is_refused_and_the_others_are_kept(house, fields, violated):
    answer = await upsert(house, item("bad", **fields), item("good"))
    assert (answer.created_count, answer.rejected_count) == (1, 1)
    assert [(each.item_id, each.field, each.reason, each.kept_item) for each in answer.errors] == [
        ("bad", violated, "INVALID_REQUEST", False)
    ]


async def test_a_broken_picture_costs_the_picture_and_not_the_item(house):
    (house.picture_folder / "hat.jpg").write_bytes(drawn("frame").content)
    pictures = [
        drawn(),
        pb.Picture(content=drawn().content[:300]),
        pb.Picture(content=b"<svg/>"),
        pb.Picture(path="hat.jpg"),
        pb.Picture(path="../secret.jpg"),
        pb.Picture(path="none.jpg"),
        pb.Picture(url="http://127.0.0.1/hat.jpg"),
        pb.Picture(url="ftp://example.com/hat.jpg"),
    ]
    answer = await upsert(house, item("a", *pictures))
    assert (answer.created_count, answer.rejected_count) == (1, 0)
    assert [(each.field, each.reason, each.kept_item) for each in answer.errors] == [
        ("images[1]", "PICTURE_UNREADABLE", True),
        ("images[2]", "PICTURE_TYPE_UNSUPPORTED", True),
        ("images[4]", "PICTURE_ADDRESS_REFUSED", True),
        ("images[5]", "PICTURE_UNREADABLE", True),
        ("images[6]", "PICTURE_ADDRESS_REFUSED", True),
        ("images[7]", "PICTURE_ADDRESS_REFUSED", True),
    ]
    assert (await facts(house, "a")).image_count == 2


async def test_price_drops_and_restocks_are_noticed(house):
    await upsert(house, item("a", stock=0))
    await upsert(house, item("a", stock=3, price=common_pb2.Money(amount_minor=800, currency="EUR")))
    changed = await facts(house, "a")
    assert changed.HasField("restocked_at")
    assert changed.HasField("price_dropped_at")
    assert changed.previous_price.amount_minor == 1_000
    await upsert(house, item("a", price=common_pb2.Money(amount_minor=900, currency="EUR")))
    assert (await facts(house, "a")).previous_price.amount_minor == 1_000


@covers("CatalogueService.UpsertItems", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_a_stream_needs_a_shop_and_messages_of_a_size(house):
    await refused(upsert(house, item("a"), shop_id=BAD_SHOP), INVALID, "shop_id")
    await refused(house.catalogue.UpsertItems(iter([])), INVALID, "shop_id")
    await refused(upsert(house, *[item(f"i{number}") for number in range(501)]), INVALID, "items")


@covers("CatalogueService.UpsertItems", "UNAVAILABLE DATABASE_DOWN")
@covers("CatalogueService.GetItems", "UNAVAILABLE DATABASE_DOWN")
@covers("CatalogueService.ListItems", "UNAVAILABLE DATABASE_DOWN")
@covers("CatalogueService.WatchItems", "UNAVAILABLE DATABASE_DOWN")
@covers("CatalogueService.DeleteItems", "UNAVAILABLE DATABASE_DOWN")
@covers("CatalogueService.ReconcileItems", "UNAVAILABLE DATABASE_DOWN")
@covers("CatalogueService.ResolveVariants", "UNAVAILABLE DATABASE_DOWN")
@covers("CatalogueService.PutLinks", "UNAVAILABLE DATABASE_DOWN")
@covers("CatalogueService.GetFeatureProgress", "UNAVAILABLE DATABASE_DOWN")
@covers("CatalogueService.ExportFeatures", "UNAVAILABLE DATABASE_DOWN")
@covers("ItemVisionService.GetImage", "UNAVAILABLE DATABASE_DOWN")
@covers("ItemVisionService.FindSimilarItems", "UNAVAILABLE DATABASE_DOWN")
async def test_without_a_database_every_call_says_so_and_recovers(house):
    await upsert(house, item("a", drawn()))
    await house.break_database()
    calls = [
        lambda: upsert(house, item("b")),
        lambda: got(house, "a"),
        lambda: listed(house),
        lambda: watching(house, stop_at_end=True),
        lambda: house.catalogue.DeleteItems(pb.DeleteItemsRequest(shop_id=house.shop_id, item_ids=["a"])),
        lambda: reconciled(house, "a"),
        lambda: resolved(house, "a"),
        lambda: put_links(house, "a", (RELATED, "b")),
        lambda: house.catalogue.GetFeatureProgress(pb.GetFeatureProgressRequest(shop_id=house.shop_id)),
        lambda: house.catalogue.ExportFeatures(pb.ExportFeaturesRequest(shop_id=house.shop_id)),
        lambda: house.vision.GetImage(pb.GetImageRequest(shop_id=house.shop_id, item_id="a")),
        lambda: similar(house, item_id="a"),
    ]
    for call in calls:
        await refused(call(), DOWN)
    await house.mend_database()
    assert [each.item_id for each in await listed(house)] == ["a"]


# ReconcileItems


async def reconciled(house: House, *item_ids: str, **fields) -> pb.ReconcileItemsResponse:
    fields.setdefault("complete", True)
    request = pb.ReconcileItemsRequest(shop_id=house.shop_id, item_ids=item_ids, **fields)
    return await house.catalogue.ReconcileItems(iter([request]))


@covers("CatalogueService.ReconcileItems")
async def test_what_a_whole_catalogue_no_longer_names_is_retired_and_can_be_revived(house):
    await upsert(house, item("a"), item("b", drawn()), item("c"))
    await house.work()
    (before,) = await read(watching(house, stop_at_end=True))

    async def messages():
        yield pb.ReconcileItemsRequest(shop_id=house.shop_id, item_ids=["a", "never there"])
        yield pb.ReconcileItemsRequest(item_ids=["c", "a"], complete=True)

    answer = await house.catalogue.ReconcileItems(messages())
    assert (answer.retired_count, answer.present_count) == (1, 2)
    assert [each.item_id for each in await listed(house)] == ["a", "c"]
    (gone,) = await read(watching(house, before.cursor, stop_at_end=True))
    assert (list(gone.items), list(gone.deleted_item_ids)) == ([], ["b"])
    assert list((await got(house, "b")).missing_item_ids) == ["b"]
    assert (await image(house, "b")).content
    again = await reconciled(house, "a", "c")
    assert (again.retired_count, again.present_count) == (0, 2)
    revived = await upsert(house, item("a"), item("b", drawn()))
    assert (revived.created_count, revived.updated_count, revived.revived_count, revived.unchanged_count) == (
        0,
        1,
        1,
        1,
    )
    (back,) = await read(watching(house, gone.cursor, stop_at_end=True))
    assert [each.item_id for each in back.items] == ["b"]
    progress = await house.catalogue.GetFeatureProgress(pb.GetFeatureProgressRequest(shop_id=house.shop_id))
    assert (progress.waiting_count, progress.done_count) == (0, 3)


@covers("CatalogueService.GetItems")
@covers("CatalogueService.ListItems")
async def test_retired_items_are_answered_to_whoever_asks_for_them(house):
    await upsert(house, item("a"), item("b"))
    await reconciled(house, "a")
    answer = await got(house, "b", "a", "nobody", include_retired=True)
    assert [(each.item_id, each.retired) for each in answer.items] == [("b", True), ("a", False)]
    assert list(answer.missing_item_ids) == ["nobody"]
    everything = await listed(house, include_retired=True)
    assert [(each.item_id, each.retired) for each in everything] == [("a", False), ("b", True)]
    deleted = await house.catalogue.DeleteItems(pb.DeleteItemsRequest(shop_id=house.shop_id, item_ids=["b"]))
    assert deleted.deleted_count == 1
    assert [each.item_id for each in await listed(house, include_retired=True)] == ["a"]


@covers("CatalogueService.ReconcileItems", "FAILED_PRECONDITION LOSSES_IMPLAUSIBLE")
async def test_an_implausible_loss_is_refused_until_it_is_allowed(house):
    await upsert(house, *[item(f"i{number:02}") for number in range(20)])
    kept = [f"i{number:02}" for number in range(9)]
    error = await refused(reconciled(house, *kept), (grpc.StatusCode.FAILED_PRECONDITION, "LOSSES_IMPLAUSIBLE"))
    assert (error.metadata["lost_count"], error.metadata["present_count"]) == ("11", "20")
    assert "--allow-losses" in error.message
    assert len(await listed(house)) == 20
    assert (await reconciled(house, *kept, "i09")).retired_count == 10
    assert (await reconciled(house, "i00")).retired_count == 9
    await upsert(house, *[item(f"i{number:02}") for number in range(20)])
    assert (await reconciled(house, *kept, allow_losses=True)).retired_count == 11


@covers("CatalogueService.ReconcileItems", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_a_reconciliation_that_is_not_completed_retires_nothing(house):
    await upsert(house, item("a"), item("b"))
    await refused(reconciled(house, "a", complete=False), INVALID, "complete")
    await refused(house.catalogue.ReconcileItems(iter([])), INVALID, "complete")
    await refused(reconciled(house, "a", ""), INVALID, "item_ids[1]")
    await refused(reconciled(house, *["a"] * 10_001), INVALID, "item_ids")
    twice = [pb.ReconcileItemsRequest(shop_id=house.shop_id, complete=True) for _ in range(2)]
    await refused(house.catalogue.ReconcileItems(iter(twice)), INVALID, "complete")
    nameless = [pb.ReconcileItemsRequest(shop_id=BAD_SHOP, complete=True)]
    await refused(house.catalogue.ReconcileItems(iter(nameless)), INVALID, "shop_id")
    assert len(await listed(house)) == 2


# ResolveVariants


async def resolved(house: House, *variant_ids: str) -> list[str]:
    request = pb.ResolveVariantsRequest(shop_id=house.shop_id, variant_ids=variant_ids)
    return list((await house.catalogue.ResolveVariants(request)).item_ids)


@covers("CatalogueService.ResolveVariants")
async def test_a_variant_is_answered_with_its_item(house):
    await upsert(
        house,
        item("shirt", variant_ids=["shirt-s", "shirt-m", "cap"]),
        item("cap"),
        item("old shirt", variant_ids=["shirt-s", "only old"]),
    )
    await reconciled(house, "shirt", "cap")
    asked = ["shirt-m", "nobody", "shirt-s", "cap", "only old", "shirt-m", "old shirt"]
    assert await resolved(house, *asked) == ["shirt", "", "shirt", "cap", "old shirt", "shirt", "old shirt"]
    assert list((await facts(house, "shirt")).variant_ids) == ["shirt-s", "shirt-m", "cap"]
    assert list((await got(house, "shirt", full=True)).items[0].variant_ids) == ["shirt-s", "shirt-m", "cap"]
    assert (await upsert(house, item("shirt", variant_ids=["shirt-s"]))).updated_count == 1
    assert await resolved(house, "shirt-m") == [""]


@covers("CatalogueService.ResolveVariants")
async def test_a_size_that_was_an_item_once_is_answered_with_the_item_that_names_it_now(house):
    await upsert(house, item("shirt-m"), item("old shirt", variant_ids=["old shirt-m"]), item("old shirt-m"))
    await upsert(house, item("shirt", variant_ids=["shirt-m"]))
    assert await resolved(house, "shirt-m") == ["shirt-m"]
    await reconciled(house, "shirt")
    assert await resolved(house, "shirt-m", "old shirt-m") == ["shirt", "old shirt-m"]
    await upsert(house, item("shirt-m"))
    assert await resolved(house, "shirt-m") == ["shirt-m"]


@covers("CatalogueService.ResolveVariants", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_malformed_variants_are_refused_by_field(house):
    await refused(resolved(house), INVALID, "variant_ids")
    await refused(resolved(house, "a", ""), INVALID, "variant_ids[1]")
    answer = await upsert(house, item("a", variant_ids=["b", "b"]), item("c", variant_ids=["c"]))
    assert [(each.item_id, each.field) for each in answer.errors] == [("a", "variant_ids"), ("c", "variant_ids")]


# PutLinks

RELATED, CROSS_SELL = pb.LINK_KIND_RELATED, pb.LINK_KIND_CROSS_SELL


async def put_links(house: House, item_id: str, *links: tuple[int, str], **fields) -> pb.PutLinksResponse:
    messages = [pb.ItemLink(kind=kind, item_id=linked) for kind, linked in links]
    entry = pb.ItemLinks(item_id=item_id, links=messages, **fields)
    request = pb.PutLinksRequest(shop_id=house.shop_id, items=[entry])
    return await house.catalogue.PutLinks(iter([request]))


def pairs(message: pb.ItemFacts | pb.Item) -> list[tuple[int, str]]:
    return [(link.kind, link.item_id) for link in message.links]


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


# GetItems


@covers("CatalogueService.GetItems")
async def test_items_come_in_the_order_asked_in_the_language_asked(house):
    await upsert(
        house,
        item("a", drawn(), titles={"en": "Hat", "es": "Sombrero"}, descriptions={"en": "Warm."}),
        item("b", stock=0, list_price=common_pb2.Money(amount_minor=1_500, currency="EUR")),
    )
    answer = await got(house, "b", "nobody", "a", "b", locale="es-MX")
    assert [each.item_id for each in answer.items] == ["b", "a", "b"]
    assert list(answer.missing_item_ids) == ["nobody"]
    assert [(each.title, each.title_locale) for each in answer.items[:2]] == [("Item b", "en"), ("Sombrero", "es")]
    assert (answer.items[0].in_stock, answer.items[0].list_price.amount_minor) == (False, 1_500)
    assert (answer.items[1].image_count, answer.items[1].link, dict(answer.items[1].titles)) == (1, "/items/a", {})
    full = (await got(house, "a", full=True)).items[0]
    assert (dict(full.titles), dict(full.descriptions)) == ({"en": "Hat", "es": "Sombrero"}, {"en": "Warm."})


@covers("CatalogueService.GetItems")
async def test_what_is_still_at_the_revision_held_is_not_answered_again(house):
    await upsert(house, item("same"), item("dearer"), item("gone"), item("new"))
    held = {each.item_id: each.revision for each in await listed(house)} | {"new": 0}
    assert held["same"] > 0
    await upsert(house, item("same"), item("dearer", price=common_pb2.Money(amount_minor=2_000, currency="EUR")))
    await house.catalogue.DeleteItems(pb.DeleteItemsRequest(shop_id=house.shop_id, item_ids=["gone"]))
    answer = await got(house, *held, known_revisions=held.values())
    assert sorted((each.item_id, each.price.amount_minor) for each in answer.items) == [
        ("dearer", 2_000),
        ("new", 1_000),
    ]
    assert list(answer.missing_item_ids) == ["gone"]
    now = {each.item_id: each.revision for each in await listed(house)}
    assert {each.item_id: each.revision for each in answer.items} == {each: now[each] for each in ("dearer", "new")}
    assert not (await got(house, *now, known_revisions=now.values())).items


async def test_vectors_come_in_the_spaces_of_the_release_beside_the_shops_own(house):
    sound = common_pb2.ModalityVector(modality="sound", space_id="wave", values=[1.0, 2.0])
    await upsert(house, item("a", drawn(), vectors=[sound]), item("wordy"))
    await house.work()
    answer = await got(house, "a", "wordy", vector_release_id=house.release_id)
    seen = [{vector.modality: len(vector.values) for vector in each.vectors} for each in answer.items]
    assert seen == [{"image": 64, "text": 64, "sound": 2}, {"text": 64}]
    assert all(vector.space_id for each in answer.items for vector in each.vectors)
    assert not (await got(house, "a")).items[0].vectors


@covers("CatalogueService.GetItems", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_malformed_lookups_are_refused_by_field(house):
    await refused(house.catalogue.GetItems(pb.GetItemsRequest(shop_id=BAD_SHOP)), INVALID, "shop_id", "item_ids")
    await refused(got(house, *["a"] * 1_001), INVALID, "item_ids")
    await refused(got(house, "a", "b", known_revisions=[1]), INVALID, "known_revisions")
    await refused(
        got(house, "a", "", locale="no such", vector_release_id="1"),
        INVALID,
        "item_ids[1]",
        "locale",
        "vector_release_id",
    )


@covers("CatalogueService.GetItems", "FAILED_PRECONDITION RELEASE_NOT_READY")
@covers("CatalogueService.ListItems", "FAILED_PRECONDITION RELEASE_NOT_READY")
@covers("CatalogueService.WatchItems", "FAILED_PRECONDITION RELEASE_NOT_READY")
async def test_vectors_of_a_release_that_is_not_loaded_are_refused(house):
    await refused(got(house, "a", vector_release_id=UNREADY), NOT_READY)
    await refused(listed(house, vector_release_id=UNREADY), NOT_READY)
    await refused(watching(house, vector_release_id=UNREADY), NOT_READY)


# ListItems


@covers("CatalogueService.ListItems")
async def test_the_catalogue_is_paged_by_id_and_nothing_is_missed_by_watching_from_the_first_page(house):
    await upsert(
        house, *[item(f"i{number}", category="Women/Hats", attributes={"colour": "red"}) for number in range(5)]
    )
    first = await house.catalogue.ListItems(pb.ListItemsRequest(shop_id=house.shop_id, page_size=3))
    await upsert(house, item("i0", brand="Aria"))
    second = await house.catalogue.ListItems(
        pb.ListItemsRequest(shop_id=house.shop_id, page_size=3, page_token=first.next_page_token)
    )
    assert [each.item_id for each in [*first.items, *second.items]] == ["i0", "i1", "i2", "i3", "i4"]
    assert (second.next_page_token, first.items[0].colour, first.items[0].family_id) == ("", "red", "i0")
    later = await read(watching(house, first.watch_cursor, stop_at_end=True))
    assert "Aria" in [each.brand for message in later for each in message.items if each.item_id == "i0"]


async def test_whoever_holds_the_catalogue_is_told_everything_that_is_known_of_an_item(house):
    sound = common_pb2.ModalityVector(modality="sound", space_id="wave", values=[1.0, 2.0])
    sent = item(
        "hat", drawn(), drawn("frame"), family_id="hats", brand="Aster", category="Women/Hats", seller="Aster & Sons",
        titles={"en": "Hat", "es": "Sombrero “añil”"}, attributes={"colour": "red", "size": "\\ \"L\""}, stock=7,
        price=common_pb2.Money(amount_minor=900, currency="EUR"), margin_ratio=0.25, regions=["AT", "DE"],
        list_price=common_pb2.Money(amount_minor=1_500, currency="EUR"), minimum_age=18, vectors=[sound],
        link="https://shop.example/hat", variant_ids=["hat-s", "hat-m"],
    )  # fmt: skip
    sent.created_at.FromNanoseconds(1_600_000_000_123_456_000)
    await upsert(house, sent, item("plain", stock=None))
    await put_links(house, "hat", (CROSS_SELL, "coat"), (RELATED, "plain"))
    told = {each.item_id: each for message in await read(watching(house, stop_at_end=True)) for each in message.items}
    assert [told["hat"], told["plain"]] == await listed(house)
    hat, plain = told["hat"], told["plain"]
    for name in (
        "family_id", "brand", "category", "seller", "titles", "attributes", "stock", "price", "list_price",
        "margin_ratio", "regions", "minimum_age", "link", "variant_ids", "created_at",
    ):  # fmt: skip
        assert getattr(hat, name) == getattr(sent, name), name
    assert (hat.colour, hat.image_count, len(hat.image_etag), pairs(hat)) == (
        "red", 2, 16, [(CROSS_SELL, "coat"), (RELATED, "plain")],
    )  # fmt: skip
    assert hat.revision > 0
    absent = ("list_price", "margin_ratio", "stock", "restocked_at", "price_dropped_at", "previous_price")
    assert not [name for name in absent if plain.HasField(name)]
    assert (plain.image_count, plain.image_etag, list(plain.links), list(plain.vectors)) == (0, "", [], [])
    assert not hat.vectors  # unless asked for
    with_vectors = await facts(house, "hat", vector_release_id=house.release_id)
    assert [(each.modality, each.values) for each in with_vectors.vectors] == [("sound", [1.0, 2.0])]


async def test_only_items_created_since_a_time_are_listed(house):
    old, new = item("old"), item("new")
    old.created_at.FromSeconds(1_600_000_000)
    new.created_at.FromSeconds(1_700_000_000)
    await upsert(house, old, new)
    request = pb.ListItemsRequest(shop_id=house.shop_id)
    request.created_from.FromSeconds(1_650_000_000)
    assert [each.item_id for each in (await house.catalogue.ListItems(request)).items] == ["new"]


@covers("CatalogueService.ListItems", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_malformed_pages_are_refused_by_field(house):
    await refused(listed(house, page_size=-1), INVALID, "page_size")
    await refused(listed(house, page_size=5_001), INVALID, "page_size")
    await refused(listed(house, page_token="next please"), INVALID, "page_token")


# WatchItems


@covers("CatalogueService.WatchItems")
async def test_a_watch_starts_with_everything_and_goes_on_with_changes_and_deletions(house):
    await upsert(house, item("a"), item("b"))
    watch = watching(house)
    first = await watch.read()
    assert (sorted(each.item_id for each in first.items), first.up_to_date) == (["a", "b"], True)
    await upsert(house, item("b", brand="Aria"))
    second = await watch.read()
    assert [(each.item_id, each.brand) for each in second.items] == [("b", "Aria")]
    await house.catalogue.DeleteItems(pb.DeleteItemsRequest(shop_id=house.shop_id, item_ids=["a"]))
    third = await watch.read()
    assert list(third.deleted_item_ids) == ["a"]
    watch.cancel()
    resumed = await read(watching(house, first.cursor, stop_at_end=True))
    assert [each.item_id for message in resumed for each in message.items] == ["b"]
    assert [gone for message in resumed for gone in message.deleted_item_ids] == ["a"]
    assert not [
        each for message in await read(watching(house, third.cursor, stop_at_end=True)) for each in message.items
    ]


async def test_a_watch_says_when_everything_is_told_even_where_the_last_page_is_full(house, monkeypatch):
    monkeypatch.setattr("services.item_vision.catalogue_servicer.WATCH_PAGE", 2)
    await upsert(house, *[item(f"i{number}") for number in range(4)])
    told = await read(watching(house, stop_at_end=True))
    assert sorted(each.item_id for message in told for each in message.items) == ["i0", "i1", "i2", "i3"]
    assert [message.up_to_date for message in told][-1] is True


async def test_the_first_message_of_a_quiet_watch_carries_a_cursor(house):
    (message,) = await read(watching(house, stop_at_end=True))
    assert (list(message.items), message.up_to_date) == ([], True)
    assert message.cursor


async def test_watchers_are_told_when_features_are_there(house):
    await upsert(house, item("a", drawn()))
    (before,) = await read(watching(house, stop_at_end=True))
    await house.work()
    (after,) = await read(watching(house, before.cursor, stop_at_end=True, vector_release_id=house.release_id))
    assert [vector.modality for vector in after.items[0].vectors] == ["image", "text"]


@covers("CatalogueService.WatchItems", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_an_unreadable_cursor_is_refused(house):
    await refused(watching(house, "where I was"), INVALID, "cursor")
    await refused(house.catalogue.WatchItems(pb.WatchItemsRequest()), INVALID, "shop_id")


# DeleteItems


@covers("CatalogueService.DeleteItems")
async def test_deleted_items_are_gone_and_may_come_back(house):
    await upsert(house, item("a", drawn()), item("b"))
    await house.work()
    asked = pb.DeleteItemsRequest(shop_id=house.shop_id, item_ids=["a", "nobody", "a"])
    answer = await house.catalogue.DeleteItems(asked)
    assert (answer.deleted_count, list(answer.missing_item_ids)) == (1, ["nobody"])
    assert (await house.catalogue.DeleteItems(asked)).deleted_count == 0
    assert [each.item_id for each in await listed(house)] == ["b"]
    assert (await upsert(house, item("a", drawn()))).created_count == 1


@covers("CatalogueService.DeleteItems", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_deleting_nothing_is_refused(house):
    await refused(house.catalogue.DeleteItems(pb.DeleteItemsRequest(shop_id=house.shop_id)), INVALID, "item_ids")


# GetFeatureProgress and ExportFeatures


@covers("CatalogueService.GetFeatureProgress")
async def test_progress_says_what_waits_what_is_done_and_what_failed(house):
    async def progress() -> pb.GetFeatureProgressResponse:
        return await house.catalogue.GetFeatureProgress(pb.GetFeatureProgressRequest(shop_id=house.shop_id))

    await upsert(house, item("a", drawn()), item("b"))
    assert ((await progress()).waiting_count, (await progress()).done_count) == (2, 0)
    await house.work()
    assert ((await progress()).waiting_count, (await progress()).done_count) == (0, 2)
    house.encoder.broken = True
    await upsert(house, item("c", drawn("bar")), item("d"))
    await house.work()
    failed = await progress()
    assert (failed.waiting_count, failed.done_count, failed.failed_count) == (0, 3, 1)
    (failure,) = failed.failures
    assert (failure.item_id, failure.reason) == ("c", "FEATURES_FAILED")
    assert "out of memory" in failure.description
    house.encoder.broken = False
    await upsert(house, item("c", drawn("frame")))
    await house.work()
    assert (await progress()).failed_count == 0


@covers("CatalogueService.GetFeatureProgress", "INVALID_ARGUMENT INVALID_REQUEST")
@covers("CatalogueService.ExportFeatures", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_features_are_of_a_shop(house):
    await refused(
        house.catalogue.GetFeatureProgress(pb.GetFeatureProgressRequest(shop_id=BAD_SHOP)), INVALID, "shop_id"
    )
    await refused(house.catalogue.ExportFeatures(pb.ExportFeaturesRequest(shop_id=BAD_SHOP)), INVALID, "shop_id")


@covers("CatalogueService.ExportFeatures")
async def test_raw_features_are_exported_in_columns(house):
    await upsert(house, item("a", drawn()), item("b", titles={"en": "plain words"}))
    await house.work()
    messages = await read(house.catalogue.ExportFeatures(pb.ExportFeaturesRequest(shop_id=house.shop_id)))
    assert {(each.image_width, each.text_width) for each in messages} == {(IMAGE_WIDTH, TEXT_WIDTH)}
    assert {(each.image_backbone, each.text_encoder) for each in messages} == {(f"small/{IMAGE_WIDTH}", "small-words")}
    ids = [item_id for each in messages for item_id in each.item_ids]
    image = np.concatenate([np.frombuffer(each.image_features, "<f2") for each in messages]).reshape(-1, IMAGE_WIDTH)
    text = np.concatenate([np.frombuffer(each.text_features, "<f2") for each in messages]).reshape(-1, TEXT_WIDTH)
    hashes = [number for each in messages for number in each.image_hashes]
    rows = {item_id: row for row, item_id in enumerate(ids)}
    assert sorted(rows) == ["a", "b"]
    assert image[rows["a"]].any() and hashes[rows["a"]]
    assert not image[rows["b"]].any() and not hashes[rows["b"]]
    np.testing.assert_allclose(np.linalg.norm(text.astype(np.float32), axis=1), 1, atol=1e-2)


# DescribeImage


def described(house: House, picture: pb.Picture, **fields):
    return house.vision.DescribeImage(pb.DescribeImageRequest(shop_id=house.shop_id, picture=picture, **fields))


@covers("ItemVisionService.DescribeImage")
async def test_a_picture_is_described_or_abstained_from(house):
    answer = await described(house, drawn("disc", "red"))
    assert (answer.release_id, answer.width, answer.height) == (house.release_id, 96, 96)
    (colour,) = answer.attributes
    assert (colour.name, colour.value, colour.abstained) == ("colour", "red", False)
    assert 0.6 <= colour.confidence <= 1
    assert len(answer.embedding.values) == 64
    grey = pb.Picture(content=encoded(np.full((50, 50, 3), 128, np.uint8)))
    (unsure,) = (await described(house, grey)).attributes
    assert (unsure.value, unsure.abstained) == ("", True)


@covers("ItemVisionService.DescribeImage", "INVALID_ARGUMENT INVALID_REQUEST")
@pytest.mark.parametrize(
    ("picture", "field", "said"),
    [
        (pb.Picture(), "picture", "required"),
        (pb.Picture(content=b""), "picture.content", "nothing"),
        (pb.Picture(content=b"hello"), "picture.content", "PICTURE_TYPE_UNSUPPORTED"),
        (pb.Picture(content=bytes(10 * 2**20 + 1)), "picture.content", "10 MiB"),
        (pb.Picture(content=drawn().content[:200]), "picture.content", "PICTURE_UNREADABLE"),
        (pb.Picture(url="http://localhost/a.jpg"), "picture.url", "PICTURE_ADDRESS_REFUSED"),
        (pb.Picture(url="http://169.254.169.254/a.jpg"), "picture.url", "PICTURE_ADDRESS_REFUSED"),
        (pb.Picture(url="file:///etc/passwd"), "picture.url", "PICTURE_ADDRESS_REFUSED"),
        (pb.Picture(path="../../etc/passwd"), "picture.path", "PICTURE_ADDRESS_REFUSED"),
    ],
)
async def test_a_picture_that_cannot_be_seen_is_refused_with_what_to_do(house, picture, field, said):
    error = await refused(described(house, picture), INVALID, field)
    assert said in error.violations[0].description


@covers("ItemVisionService.DescribeImage", "FAILED_PRECONDITION RELEASE_NOT_READY")
@covers("ItemVisionService.FindSimilarItems", "FAILED_PRECONDITION RELEASE_NOT_READY")
async def test_seeing_needs_a_loaded_release(house):
    await refused(described(house, drawn(), release_id=UNREADY), NOT_READY)
    await refused(similar(house, item_id="a", release_id=UNREADY), NOT_READY)


# FindSimilarItems


def similar(house: House, **fields):
    return house.vision.FindSimilarItems(pb.FindSimilarItemsRequest(shop_id=house.shop_id, **fields))


async def shelf_of_discs(house: House) -> None:
    await upsert(
        house,
        item("red", drawn("disc", "red", 1), family_id="f1", category="Women/Hats"),
        item("red copy", drawn("disc", "red", 1), category="Women/Hats"),
        item("red variant", drawn("disc", "red", 2), family_id="f1", category="Women/Hats"),
        item("other red", drawn("disc", "red", 5), category="Women/Hats"),
        item("sold out", drawn("disc", "red", 6), category="Women/Hats", stock=0),
        item("blue", drawn("disc", "blue", 1), category="Men/Hats"),
        item("wordy"),
    )
    await house.work()


@covers("ItemVisionService.FindSimilarItems")
async def test_look_alikes_come_nearest_first_without_variants_and_copies(house):
    await shelf_of_discs(house)
    answer = await similar(house, item_id="red")
    assert [each.item_id for each in answer.items] == ["other red", "blue"]
    assert 1 >= answer.items[0].similarity > answer.items[1].similarity
    assert list(answer.near_duplicate_item_ids) == ["red copy"]
    assert answer.release_id == house.release_id
    assert [each.item_id for each in (await similar(house, item_id="red", limit=1)).items] == ["other red"]
    assert [each.item_id for each in (await similar(house, item_id="red", category="Men")).items] == ["blue"]
    everything = await similar(house, item_id="red", include_out_of_stock=True)
    assert "sold out" in [each.item_id for each in everything.items]


async def test_an_uploaded_picture_finds_its_look_alikes_each_product_once(house):
    await shelf_of_discs(house)
    answer = await similar(house, picture=drawn("disc", "red", 1))
    found = [each.item_id for each in answer.items]
    assert found[0] in {"red", "red copy"}
    assert found[-1] == "blue"
    assert len({"red", "red copy", "red variant"} & set(found)) <= 2


async def test_near_identical_pictures_share_a_cluster(house):
    await shelf_of_discs(house)
    clusters = {each.item_id: each.near_duplicate_cluster for each in await listed(house)}
    assert clusters["red"] == clusters["red copy"] != 0
    assert clusters["blue"] == clusters["wordy"] == 0


@covers("ItemVisionService.FindSimilarItems", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_malformed_searches_are_refused_by_field(house):
    await refused(similar(house), INVALID, "query")
    await refused(similar(house, item_id="a", limit=201), INVALID, "limit")
    await refused(similar(house, picture=pb.Picture(content=b"hello")), INVALID, "picture.content")


@covers("ItemVisionService.FindSimilarItems", "NOT_FOUND ITEM_UNKNOWN")
@covers("ItemVisionService.FindSimilarItems", "FAILED_PRECONDITION FEATURES_NOT_READY")
async def test_the_item_asked_about_must_exist_and_have_been_seen(house):
    await upsert(house, item("a", drawn()))
    await refused(similar(house, item_id="nobody"), (grpc.StatusCode.NOT_FOUND, "ITEM_UNKNOWN"))
    await refused(similar(house, item_id="a"), (grpc.StatusCode.FAILED_PRECONDITION, "FEATURES_NOT_READY"))


# GetImage


def image(house: House, item_id: str, **fields):
    return house.vision.GetImage(pb.GetImageRequest(shop_id=house.shop_id, item_id=item_id, **fields))


@covers("ItemVisionService.GetImage")
async def test_pictures_come_as_stored_or_scaled_down(house):
    first, second = drawn("disc", "red", 1), drawn("bar", "blue", 2)
    await upsert(house, item("a", first, second))
    whole = await image(house, "a")
    assert (whole.content, whole.media_type) == (first.content, "image/jpeg")
    assert (await image(house, "a", index=1)).content == second.content
    small = await image(house, "a", width=32)
    assert 0 < len(small.content) < len(whole.content)
    assert len({whole.etag, small.etag, (await image(house, "a", index=1)).etag}) == 3
    assert (await image(house, "a", width=1_600)).content == first.content
    assert whole.etag.startswith((await got(house, "a")).items[0].image_etag)


@covers("ItemVisionService.GetImage", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_malformed_pictures_wishes_are_refused_by_field(house):
    await refused(image(house, "", width=5), INVALID, "item_id", "width")
    await refused(image(house, "a", index=-1), INVALID, "index")


@covers("ItemVisionService.GetImage", "NOT_FOUND IMAGE_UNKNOWN")
async def test_a_picture_that_is_not_there_is_not_found(house):
    await upsert(house, item("a", drawn()), item("b"))
    for item_id, index in (("nobody", 0), ("b", 0), ("a", 1)):
        await refused(image(house, item_id, index=index), (grpc.StatusCode.NOT_FOUND, "IMAGE_UNKNOWN"))
