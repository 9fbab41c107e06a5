"""Merchandisers' decisions between contract and domain."""

from collections.abc import Mapping

from services.page_composer.experiments import Arm, Experiment
from services.page_composer.reading import seconds
from services.page_composer.rules.boost import Boost
from services.page_composer.rules.campaign import Banner, Campaign, Coupon
from services.page_composer.rules.cap import Cap
from services.page_composer.rules.exclude import Exclude
from services.page_composer.rules.item_filter import ItemFilter
from services.page_composer.rules.pin import Pin
from services.page_composer.rules.rule import Rule
from services.page_composer.rules.segment import Period, Segment
from services.page_composer.template import Place, Template
from services.page_composer.visit import Device
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import experiment_pb2, merchandising_pb2


def rule_of(message: merchandising_pb2.Rule) -> Rule:
    """A rule; the message has been checked."""
    return Rule(
        rule_id=message.rule_id,
        effect=_effect_of(message),
        period=Period(seconds(message.starts_at), seconds(message.ends_at)),
        segment=_segment_of(message.segment),
    )


def campaign_of(message: merchandising_pb2.Campaign) -> Campaign:
    """A campaign; the message has been checked."""
    return Campaign(
        campaign_id=message.campaign_id,
        name=message.name,
        period=Period(seconds(message.starts_at), seconds(message.ends_at)),
        segment=_segment_of(message.segment),
        items=_filter_of(message.item_filter),
        banners=tuple(Banner(each.banner_id, dict(each.titles), each.link, each.image) for each in message.banners),
        coupons=tuple(
            Coupon(each.coupon_id, dict(each.titles), each.code, each.percent, each.amount.amount_minor)
            for each in message.coupons
        ),
        frequency_cap=message.frequency_cap,
        budget_minor=message.budget_minor,
        priority=message.priority,
    )


def template_of(message: merchandising_pb2.Template) -> Template:
    """A template; the message has been checked."""
    places = tuple(
        Place(
            kind=slot.kind,
            style=slot.style,
            columns=slot.columns,
            rows=slot.rows,
            capacity=slot.capacity,
            minimum_fill=slot.minimum_fill,
            exploration_count=slot.exploration_count,
            shelves=tuple(slot.shelves),
        )
        for slot in message.slots
    )
    return Template(message.template_id, message.page, Device(message.device), places)


def template_message(template: Template) -> merchandising_pb2.Template:
    """A template as the contract carries it."""
    return merchandising_pb2.Template(
        template_id=template.template_id,
        page=template.page,
        device=common_pb2.Device.ValueType(template.device),
        slots=[
            merchandising_pb2.TemplateSlot(
                kind=place.kind,
                shelves=place.shelves,
                style=place.style,
                columns=place.columns,
                rows=place.rows,
                capacity=place.capacity,
                minimum_fill=place.minimum_fill,
                exploration_count=place.exploration_count,
            )
            for place in template.places
        ],
    )


def experiment_of(message: experiment_pb2.Experiment) -> Experiment:
    """An experiment; the message has been checked."""
    return Experiment(
        experiment_id=message.experiment_id,
        arms=tuple(
            Arm(each.arm_id, each.share, each.release_id, dict(each.weights), each.template_id) for each in message.arms
        ),
        period=Period(seconds(message.starts_at), seconds(message.ends_at)),
        salt=message.salt,
    )


def _effect_of(message: merchandising_pb2.Rule) -> object:
    kind = message.WhichOneof("effect")
    effects: Mapping[str | None, object] = {
        "pin": Pin(message.pin.item_id, message.pin.shelf, message.pin.position),
        "boost": Boost(_filter_of(message.boost.items), message.boost.factor),
        "exclude": Exclude(_filter_of(message.exclude.items)),
        "cap": Cap(message.cap.facet, message.cap.item_count, message.cap.value),
    }
    return effects[kind]


def _segment_of(message: merchandising_pb2.Segment) -> Segment:
    return Segment(
        regions=tuple(message.regions),
        locales=tuple(message.locales),
        devices=tuple(Device(device) for device in message.devices if device),
        channels=tuple(message.channels),
    )


def _filter_of(message: merchandising_pb2.ItemFilter) -> ItemFilter:
    return ItemFilter(
        categories=tuple(message.categories),
        brands=tuple(message.brands),
        sellers=tuple(message.sellers),
        item_ids=tuple(message.item_ids),
    )
