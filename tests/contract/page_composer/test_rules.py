"""What MerchandisingService.PutRule, ListRules and DeleteRule promise."""

import grpc

from tests.contract.coverage import covers
from tests.contract.page_composer.calls import compose, slots
from tests.contract.page_composer.decisions import fields_of, put_rule, rule, rules
from tests.contract.refusals import INVALID, failure, refused
from vitrine.page_composer.v1 import merchandising_pb2 as pb


@covers("MerchandisingService.PutRule")
async def test_rules_exclude_cap_boost_and_pin(house):
    await put_rule(house, rule())
    await put_rule(house, rule("cap", cap=pb.CapEffect(facet="category", item_count=5)))
    boost = pb.BoostEffect(items=pb.ItemFilter(brands=["Birch"]), factor=4.0)
    await put_rule(house, rule("boost", boost=boost))
    kept = await put_rule(house, rule("pin", pin=pb.PinEffect(item_id="item-033", position=1)))
    page = await compose(house, explain=True)
    shown = slots(page)
    assert page.versions.rules_version == kept.rules_version
    assert "Aster" not in {slot.brand for slot in shown}
    assert max(sum(slot.category == each for slot in shown) for each in {slot.category for slot in shown}) <= 5
    assert {slot.item_id: list(slot.rule_ids) for slot in shown}["item-033"][0] == "pin"
    assert all("boost" in slot.rule_ids for slot in shown if slot.brand == "Birch")
    assert {"away"} == {each.rule_id for each in page.dropped if each.reason == "rule" and each.rule_id}
    assert await rules(house) == [
        rule(),
        rule("boost", boost=boost),
        rule("cap", cap=pb.CapEffect(facet="category", item_count=5)),
        rule("pin", pin=pb.PinEffect(item_id="item-033", position=1)),
    ]


@covers("MerchandisingService.PutRule", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_a_broken_rule_is_refused_by_field(house):
    broken = [
        (rule("x", boost=pb.BoostEffect(factor=0.0)), {"rule.boost.items", "rule.boost.factor"}),
        (rule("x", exclude=pb.ExcludeEffect()), {"rule.exclude.items"}),
        (rule("x", cap=pb.CapEffect(facet="shape")), {"rule.cap.facet", "rule.cap.item_count"}),
        (
            rule("x", pin=pb.PinEffect(shelf="cellar", position=-1)),
            {"rule.pin.item_id", "rule.pin.shelf", "rule.pin.position"},
        ),
        (pb.Rule(rule_id="x"), {"rule.effect"}),
        (pb.Rule(exclude=rule().exclude, segment=pb.Segment(devices=[0])), {"rule.rule_id", "rule.segment.devices[0]"}),
    ]
    for made, fields in broken:
        error = await failure(put_rule(house, made))
        assert (error.code, error.reason) == INVALID
        assert fields_of(error) == fields


@covers("MerchandisingService.ListRules")
async def test_rules_of_other_shops_are_not_listed(house):
    await put_rule(house, rule())
    listed = await house.merchandising.ListRules(pb.ListRulesRequest(shop_id="another-shop"))
    assert list(listed.rules) == []
    assert await rules(house) == [rule()]


@covers("MerchandisingService.DeleteRule")
async def test_a_deleted_rule_is_no_longer_in_force(house):
    await put_rule(house, rule())
    await house.merchandising.DeleteRule(pb.DeleteRuleRequest(shop_id=house.shop_id, rule_id="away"))
    assert await rules(house) == []
    assert "Aster" in {slot.brand for slot in slots(await compose(house))}


@covers("MerchandisingService.DeleteRule", "NOT_FOUND RULE_UNKNOWN")
async def test_an_unknown_rule_cannot_be_deleted(house):
    asked = pb.DeleteRuleRequest(shop_id=house.shop_id, rule_id="none")
    await refused(house.merchandising.DeleteRule(asked), (grpc.StatusCode.NOT_FOUND, "RULE_UNKNOWN"))
