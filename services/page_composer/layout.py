"""From a draft to a page: rows and columns, titles and reasons in the visitor's language, banners and coupons in
place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from services.page_composer.arrays import Bools
from services.page_composer.assignment import Stock
from services.page_composer.candidates import FilledPool
from services.page_composer.draft import STATIC, Draft, PlacedShelf
from services.page_composer.hydrate import Displays
from services.page_composer.page import BANNERS, COUPONS, SHELVES, BannerSlot, CouponSlot, ItemSlot, Section
from services.page_composer.promote import Promoted
from services.page_composer.proposal import Evidence
from services.page_composer.reasons import Reasons
from services.page_composer.wording import in_language


@dataclass(frozen=True)
class Material:
    """What a page is laid out from."""

    draft: Draft
    promoted: Sequence[Promoted]
    stock: Stock
    displays: Displays
    reasons: Reasons
    locale: str

    @cached_property
    def free(self) -> Bools:
        """`[n]` candidates that could still be added to the page."""
        return self.draft.ledger.free()

    @cached_property
    def filled(self) -> Mapping[str, FilledPool]:
        """By section id: the pool as the ranker filled it."""
        pools = zip(self.stock.proposals, self.stock.scored.pools, strict=True)
        return {proposal.section_id: pool for proposal, pool in pools}


def lay_out(material: Material) -> list[Section]:
    """The sections from top to bottom, in the order of their places in the template."""
    standing: list[tuple[int, Promoted | PlacedShelf]] = [(each.number, each) for each in material.promoted]
    standing += [(shelf.number, shelf) for shelf in material.draft.shelves]
    sections: list[Section] = []
    row = 0
    for _, each in sorted(standing, key=lambda pair: pair[0]):
        if isinstance(each, Promoted):
            section = _banners(each, row, material) if each.banners else _coupons(each, row, material)
        else:
            section = _shelf(each, row, material)
        sections.append(section)
        row += section.rows
    return sections


def _shelf(shelf: PlacedShelf, row: int, material: Material) -> Section:
    proposal, place = shelf.proposal, shelf.place
    return Section(
        section_id=proposal.section_id,
        kind=SHELVES,
        shelf=proposal.shelf,
        title=material.reasons.title(proposal),
        reason=material.reasons.section_reason(proposal.shelf, proposal.evidence),
        evidence=proposal.evidence,
        row=row,
        style=place.style,
        columns=place.columns,
        rows=place.rows_taken(len(shelf.slots)),
        slots=_item_slots(shelf, row, material),
        reserve_count=int(np.count_nonzero(material.free[shelf.pool])),
        more_link=proposal.more_link,
    )


def _item_slots(shelf: PlacedShelf, row: int, material: Material) -> list[ItemSlot]:
    filled = material.filled.get(shelf.proposal.section_id)
    speakers = dict(zip(filled.positions.tolist(), filled.speakers, strict=False)) if filled else {}
    scored, positions = material.stock.scored, shelf.positions()
    p_click, p_purchase = scored.candidates.p_click[positions], scored.candidates.p_purchase[positions]
    columns = (*shelf.place.coordinates(len(shelf.slots)), p_click, p_purchase)
    slots = []
    for slot, down, across, clicked, bought in zip(shelf.slots, *(each.tolist() for each in columns), strict=True):
        facts, display = material.displays.facts(slot.position), material.displays.of(slot.position)
        reason, evidence = material.reasons.item(facts, shelf.proposal.shelf, speakers.get(slot.position, ""))
        slots.append(
            ItemSlot(
                row=row + down,
                column=across,
                display=display,
                reason=reason,
                evidence=evidence,
                origin=STATIC if scored.static else slot.origin,
                propensity=slot.propensity,
                rule_ids=(*slot.rule_ids, *material.stock.boosted.rule_ids(slot.position)),
                badges=material.reasons.badges(facts, display),
                p_click=clicked,
                p_purchase=bought,
            )
        )
    return slots


def _banners(promoted: Promoted, row: int, material: Material) -> Section:
    slots = [
        BannerSlot(row, column, campaign.campaign_id, in_language(banner.titles, material.locale), banner)
        for column, (campaign, banner) in enumerate(promoted.banners)
    ]
    evidence = Evidence("campaign", rule_id=slots[0].campaign_id)
    empty = _promotion(promoted, BANNERS, row, evidence, material.reasons)
    return replace(empty, title=slots[0].title, banners=slots)


def _coupons(promoted: Promoted, row: int, material: Material) -> Section:
    slots = [
        CouponSlot(row, column, campaign.campaign_id, in_language(coupon.titles, material.locale), coupon, ends_s)
        for column, (campaign, coupon) in enumerate(promoted.coupons)
        for ends_s in [campaign.period.ends_s]
    ]
    evidence = Evidence("campaign", rule_id=slots[0].campaign_id)
    empty = _promotion(promoted, COUPONS, row, evidence, material.reasons)
    return replace(empty, title=material.reasons.section_title(COUPONS, evidence), coupons=slots)


def _promotion(promoted: Promoted, kind: str, row: int, evidence: Evidence, reasons: Reasons) -> Section:
    return Section(
        section_id=f"{kind}:{promoted.number}",
        kind=kind,
        shelf=kind,
        title="",
        reason=reasons.section_reason(kind, evidence),
        evidence=evidence,
        row=row,
        style=promoted.place.style,
        columns=promoted.place.columns,
        rows=promoted.place.rows,
    )
