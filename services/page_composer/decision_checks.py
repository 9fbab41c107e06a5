"""What a rule, campaign, template or experiment must be: their contracts' comments, executable."""

import re
from collections.abc import Mapping

from services.kit.checks import Checks
from services.page_composer.rules.cap import FACETS
from services.page_composer.shelves.registry import GENERATORS
from services.page_composer.template import BANNER, COUPON, GRID, SHELF
from services.page_composer.weighing import weight_names
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import experiment_pb2
from vitrine.page_composer.v1 import merchandising_pb2 as pb

DECISION_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
ARM_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
LINK = re.compile(r"(/|https?://).{0,2047}", re.DOTALL)

KINDS = (SHELF, BANNER, COUPON)
STYLES = ("row", GRID, "banner", "coupon_strip")
PAGES = ("home", "category", "item")

MOST_LISTED = 1_000


def check_decision_id(checks: Checks, field: str, value: str) -> bool:
    """Check the id of a decision."""
    return checks.that(
        DECISION_ID.fullmatch(value) is not None,
        field,
        "required: 1 to 64 characters of a-z, A-Z, 0-9, '-', '_' and '.'",
    )


def check_rule(checks: Checks, field: str, rule: pb.Rule) -> None:
    """Check a rule."""
    check_decision_id(checks, f"{field}.rule_id", rule.rule_id)
    checks.text(f"{field}.note", rule.note, max_length=1_000)
    _check_period(checks, field, rule, required=False)
    _check_segment(checks, f"{field}.segment", rule.segment)
    kind = rule.WhichOneof("effect")
    if not checks.that(kind is not None, f"{field}.effect", "required: set pin, boost, exclude or cap"):
        return
    if kind == "pin":
        checks.identifier(f"{field}.pin.item_id", rule.pin.item_id, required=True)
        _check_shelf(checks, f"{field}.pin.shelf", rule.pin.shelf)
        checks.number(f"{field}.pin.position", rule.pin.position, 0, 99)
    elif kind == "boost":
        _check_filter(checks, f"{field}.boost.items", rule.boost.items, required=True)
        checks.number(f"{field}.boost.factor", round(rule.boost.factor, 6), 0.1, 10.0)
    elif kind == "exclude":
        _check_filter(checks, f"{field}.exclude.items", rule.exclude.items, required=True)
    else:
        checks.that(rule.cap.facet in FACETS, f"{field}.cap.facet", f"send one of {', '.join(FACETS)}")
        checks.text(f"{field}.cap.value", rule.cap.value, max_length=500)
        checks.number(f"{field}.cap.item_count", rule.cap.item_count, 1, 1_000)


def check_campaign(checks: Checks, field: str, campaign: pb.Campaign) -> None:
    """Check a campaign."""
    check_decision_id(checks, f"{field}.campaign_id", campaign.campaign_id)
    checks.text(f"{field}.name", campaign.name, max_length=200, required=True)
    _check_period(checks, field, campaign, required=True)
    _check_segment(checks, f"{field}.segment", campaign.segment)
    _check_filter(checks, f"{field}.item_filter", campaign.item_filter, required=False)
    checks.count(f"{field}.banners", campaign.banners, 0, 20)
    checks.count(f"{field}.coupons", campaign.coupons, 0, 20)
    for number, banner in enumerate(campaign.banners[:20]):
        _check_banner(checks, f"{field}.banners[{number}]", banner)
    for number, coupon in enumerate(campaign.coupons[:20]):
        _check_coupon(checks, f"{field}.coupons[{number}]", coupon)
    checks.number(f"{field}.frequency_cap", campaign.frequency_cap, 0, 1_000)
    checks.that(campaign.budget_minor >= 0, f"{field}.budget_minor", "send 0 (no limit) or more")
    checks.number(f"{field}.priority", campaign.priority, -100, 100)


def check_template(checks: Checks, field: str, template: pb.Template) -> None:
    """Check a template."""
    check_decision_id(checks, f"{field}.template_id", template.template_id)
    checks.that(template.page in PAGES, f"{field}.page", f"send one of {', '.join(PAGES)}")
    checks.known_enum(f"{field}.device", template.device, common_pb2.Device, required=True)
    checks.count(f"{field}.slots", template.slots, 3, 40)
    shelves = sum(slot.kind == SHELF for slot in template.slots)
    checks.that(shelves >= 3, f"{field}.slots", "send at least three slots of kind shelf: a page has three sections")
    for number, slot in enumerate(template.slots[:40]):
        _check_slot(checks, f"{field}.slots[{number}]", slot)


def check_experiment(checks: Checks, field: str, experiment: experiment_pb2.Experiment) -> None:
    """Check an experiment."""
    check_decision_id(checks, f"{field}.experiment_id", experiment.experiment_id)
    _check_period(checks, field, experiment, required=False)
    checks.count(f"{field}.arms", experiment.arms, 2, 10)
    names = [arm.arm_id for arm in experiment.arms]
    checks.that(len(set(names)) == len(names), f"{field}.arms", "give every arm an id of its own")
    total = sum(arm.share for arm in experiment.arms)
    checks.that(total <= 1.0 + 1e-5, f"{field}.arms", f"let the shares add up to at most 1; they make {total:.3f}")
    checks.text(f"{field}.salt", experiment.salt, max_length=128)
    for number, arm in enumerate(experiment.arms[:10]):
        _check_arm(checks, f"{field}.arms[{number}]", arm)


def _check_arm(checks: Checks, field: str, arm: experiment_pb2.Arm) -> None:
    valid = ARM_ID.fullmatch(arm.arm_id) is not None
    checks.that(valid, f"{field}.arm_id", "required: 1 to 32 characters of a-z, A-Z, 0-9, '-' and '_'")
    checks.that(0.0 < arm.share <= 1.0, f"{field}.share", "send a share above 0 and at most 1")
    checks.release_id(arm.release_id, f"{field}.release_id")
    if arm.template_id:
        check_decision_id(checks, f"{field}.template_id", arm.template_id)
    known = weight_names()
    for name, value in sorted(arm.weights.items()):
        place = f"{field}.weights[{name}]"
        if checks.that(name in known, place, f"unknown; the weights are {', '.join(known)}"):
            checks.number(place, value, 0.0, 1e6)


def _check_slot(checks: Checks, field: str, slot: pb.TemplateSlot) -> None:
    checks.that(slot.kind in KINDS, f"{field}.kind", f"send one of {', '.join(KINDS)}")
    checks.that(slot.style in STYLES, f"{field}.style", f"send one of {', '.join(STYLES)}")
    for number, shelf in enumerate(slot.shelves):
        _check_shelf(checks, f"{field}.shelves[{number}]", shelf)
    checks.number(f"{field}.columns", slot.columns, 1, 12)
    checks.number(f"{field}.rows", slot.rows, 1, 10)
    if checks.number(f"{field}.capacity", slot.capacity, 1, 100):
        checks.number(f"{field}.minimum_fill", slot.minimum_fill, 1, slot.capacity)
        checks.number(f"{field}.exploration_count", slot.exploration_count, 0, slot.capacity)
        room = slot.columns * slot.rows
        checks.that(
            slot.style != GRID or slot.capacity <= room, f"{field}.capacity", f"a grid of this size holds {room}"
        )


def _check_banner(checks: Checks, field: str, banner: pb.Banner) -> None:
    checks.identifier(f"{field}.banner_id", banner.banner_id, required=True, max_length=64)
    _check_titles(checks, f"{field}.titles", banner.titles)
    _check_link(checks, f"{field}.link", banner.link, required=True)
    _check_link(checks, f"{field}.image", banner.image, required=False)


def _check_coupon(checks: Checks, field: str, coupon: pb.Coupon) -> None:
    checks.identifier(f"{field}.coupon_id", coupon.coupon_id, required=True, max_length=64)
    _check_titles(checks, f"{field}.titles", coupon.titles)
    checks.identifier(f"{field}.code", coupon.code, required=True, max_length=64)
    kind = coupon.WhichOneof("discount")
    if kind == "percent":
        checks.number(f"{field}.percent", coupon.percent, 1, 100)
    elif checks.that(kind is not None, f"{field}.discount", "required: set percent or amount"):
        checks.that(coupon.amount.amount_minor > 0, f"{field}.amount.amount_minor", "send an amount above 0")
        checks.currency(f"{field}.amount.currency", coupon.amount.currency, required=True)


def _check_titles(checks: Checks, field: str, titles: Mapping[str, str]) -> None:
    checks.that(bool(titles), field, "required: a title in at least one language")
    for language, title in sorted(titles.items()):
        checks.locale(f"{field}[{language}]", language)
        checks.text(f"{field}[{language}]", title, max_length=500, required=True)


def _check_link(checks: Checks, field: str, value: str, *, required: bool) -> None:
    fits = LINK.fullmatch(value) is not None if value else not required
    checks.that(fits, field, "send a path that starts with '/', or an http(s) address; at most 2,048 characters")


def _check_shelf(checks: Checks, field: str, shelf: str) -> None:
    checks.that(not shelf or shelf in GENERATORS, field, f"unknown shelf; there are {', '.join(GENERATORS)}")


def _check_period(
    checks: Checks, field: str, message: pb.Rule | pb.Campaign | experiment_pb2.Experiment, *, required: bool
) -> None:
    starts = checks.timestamp(f"{field}.starts_at", message.starts_at, required=required)
    ends = checks.timestamp(f"{field}.ends_at", message.ends_at, required=required)
    if starts and ends and message.HasField("ends_at"):
        later = message.ends_at.ToNanoseconds() > message.starts_at.ToNanoseconds()
        checks.that(later, f"{field}.ends_at", "send a time after starts_at")


def _check_segment(checks: Checks, field: str, segment: pb.Segment) -> None:
    for number, region in enumerate(segment.regions):
        checks.that(
            bool(region) and checks.region(f"{field}.regions[{number}]", region), f"{field}.regions", "not empty"
        )
    for number, locale in enumerate(segment.locales):
        checks.locale(f"{field}.locales[{number}]", locale)
    for number, device in enumerate(segment.devices):
        checks.known_enum(f"{field}.devices[{number}]", device, common_pb2.Device, required=True)
    for number, channel in enumerate(segment.channels):
        checks.identifier(f"{field}.channels[{number}]", channel, required=True, max_length=32)


def _check_filter(checks: Checks, field: str, items: pb.ItemFilter, *, required: bool) -> None:
    listed = (items.categories, items.brands, items.sellers, items.item_ids)
    checks.that(not required or any(listed), field, "required: list categories, brands, sellers or item_ids")
    for name, values in zip(("categories", "brands", "sellers", "item_ids"), listed, strict=True):
        checks.count(f"{field}.{name}", values, 0, MOST_LISTED)
        for number, value in enumerate(values[:MOST_LISTED]):
            checks.text(f"{field}.{name}[{number}]", value, max_length=500, required=True)
