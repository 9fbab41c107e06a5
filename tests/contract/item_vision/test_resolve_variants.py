"""What CatalogueService.ResolveVariants promises."""

from tests.contract.coverage import covers
from tests.contract.item_vision.calls import facts, got, item, reconciled, resolved, upsert
from tests.contract.refusals import INVALID, refused


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
