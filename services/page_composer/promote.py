"""Banners and coupons: which campaigns stand in the template's places for them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.page_composer.rules.campaign import Banner, Campaign, Coupon, may_show_coupons
from services.page_composer.template import BANNER, COUPON, Place
from services.page_composer.visit import Visit

Piece = TypeVar("Piece", Banner, Coupon)


@dataclass(frozen=True)
class Promoted:
    """A banner or coupon section: one of the two lists is filled."""

    number: int
    """Of its place in the template."""
    place: Place
    banners: tuple[tuple[Campaign, Banner], ...] = ()
    coupons: tuple[tuple[Campaign, Coupon], ...] = ()


def promote(places: Sequence[Place], campaigns: Sequence[Campaign], visit: Visit) -> list[Promoted]:
    """Fill the places from top to bottom, by the campaigns' priority; nothing comes twice, and each campaign leads
    before any follows.

    A place that cannot be filled to its minimum is left out.
    """
    banners = _in_turn(campaigns, lambda campaign: campaign.banners)
    coupons = _in_turn(
        [campaign for campaign in campaigns if may_show_coupons(campaign, visit)], lambda campaign: campaign.coupons
    )
    promoted = []
    for number, place in enumerate(places):
        if place.kind == BANNER and len(banners) >= place.minimum_fill:
            promoted.append(Promoted(number, place, banners=tuple(banners[: place.capacity])))
            del banners[: place.capacity]
        elif place.kind == COUPON and len(coupons) >= place.minimum_fill:
            promoted.append(Promoted(number, place, coupons=tuple(coupons[: place.capacity])))
            del coupons[: place.capacity]
    return promoted


def _in_turn(
    campaigns: Iterable[Campaign], pieces_of: Callable[[Campaign], Sequence[Piece]]
) -> list[tuple[Campaign, Piece]]:
    """The first piece of every campaign, then the second of every one, and so on."""
    ranked = [(turn, campaign, piece) for campaign in campaigns for turn, piece in enumerate(pieces_of(campaign))]
    return [(campaign, piece) for _, campaign, piece in sorted(ranked, key=lambda each: each[0])]
