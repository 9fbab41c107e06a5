"""What MerchandisingService.PutTemplate, ListTemplates and DeleteTemplate promise."""

from tests.contract.coverage import covers
from tests.contract.page_composer.calls import TEMPLATE_UNKNOWN, compose
from tests.contract.page_composer.decisions import fields_of, put_template, template, templates
from tests.contract.refusals import INVALID, failure, refused
from vitrine.page_composer.v1 import merchandising_pb2 as pb


@covers("MerchandisingService.PutTemplate")
async def test_a_template_of_the_shops_own_lays_out_its_pages(house):
    await put_template(house, template())
    page = await compose(house)
    assert page.template_id == "mine"
    assert {section.layout.columns for section in page.sections} == {4}
    assert max(len(section.slots) for section in page.sections) <= 8


@covers("MerchandisingService.PutTemplate", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_a_broken_template_is_refused_by_field(house):
    broken = template()
    broken.page, broken.device = "attic", 0
    broken.slots[0].capacity = 0
    broken.slots[1].minimum_fill = 9
    broken.slots[2].shelves.append("cellar")
    del broken.slots[3:]
    error = await failure(put_template(house, broken))
    assert (error.code, error.reason) == INVALID
    assert fields_of(error) == {
        "template.page",
        "template.device",
        "template.slots[0].capacity",
        "template.slots[1].minimum_fill",
        "template.slots[2].shelves[0]",
    }


@covers("MerchandisingService.ListTemplates")
async def test_built_in_templates_are_listed_with_the_shops_own(house):
    changed = template("home_desktop")
    await put_template(house, changed)
    listed = await templates(house)
    assert list(listed) == sorted(listed)
    assert {"home_phone", "home_tablet", "category_desktop", "item_phone"} <= listed.keys()
    assert listed["home_desktop"] == changed


@covers("MerchandisingService.DeleteTemplate")
async def test_without_the_shops_own_template_the_built_in_one_is_in_force_again(house):
    built_in = (await templates(house))["home_desktop"]
    await put_template(house, template("home_desktop"))
    await house.merchandising.DeleteTemplate(
        pb.DeleteTemplateRequest(shop_id=house.shop_id, template_id="home_desktop")
    )
    assert (await templates(house))["home_desktop"] == built_in


@covers("MerchandisingService.DeleteTemplate", "NOT_FOUND TEMPLATE_UNKNOWN")
async def test_a_built_in_template_cannot_be_deleted(house):
    asked = pb.DeleteTemplateRequest(shop_id=house.shop_id, template_id="home_desktop")
    await refused(house.merchandising.DeleteTemplate(asked), TEMPLATE_UNKNOWN)
