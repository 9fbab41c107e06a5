"""Checks composed pages as a critical visitor would, from the catalogue's facts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vitrine.page_composer.v1 import page_composer_pb2 as pb

LEAST_SECTIONS = 3


@dataclass
class PageFindings:
    """What was wrong with some pages; all zero when nothing was."""

    pages: int = 0
    duplicates: int = 0
    """Slots that repeat a product, a variant of it or a near-identical picture."""
    out_of_stock: int = 0
    short_rows: int = 0
    """Sections with a gap although more items were eligible."""
    thin_pages: int = 0
    """Pages with fewer than three sections, or an item without title, price or link."""
    degraded: int = 0
    """Pages that were composed with something missing."""
    shelves: Counter[str] = field(default_factory=Counter)
    """How often each shelf appeared."""

    def problems(self) -> list[str]:
        """Return what was wrong, in words."""
        named = {
            "slots repeat a product": self.duplicates,
            "slots show something sold out": self.out_of_stock,
            "sections have gaps although there is more": self.short_rows,
            "pages have fewer than three sections or unfinished items": self.thin_pages,
            "pages were composed with something missing": self.degraded,
        }
        return [f"{count} {words}" for words, count in named.items() if count]


def check_pages(pages: Sequence[pb.Page], facts: Mapping[str, Any]) -> PageFindings:
    """Check pages against the catalogue's ItemFacts by item id."""
    findings = PageFindings(pages=len(pages))
    for page in pages:
        _check_page(page, facts, findings)
    return findings


def _check_page(page: pb.Page, facts: Mapping[str, Any], findings: PageFindings) -> None:
    findings.degraded += bool(page.degraded)
    slots = [slot for section in page.sections for slot in section.slots]
    unfinished = any(not (slot.title and slot.link and slot.price.currency) for slot in slots)
    findings.thin_pages += len(page.sections) < LEAST_SECTIONS or unfinished
    findings.duplicates += repeated_slots([slot.item_id for slot in slots], facts)
    findings.out_of_stock += sum(_sold_out(facts.get(slot.item_id)) for slot in slots)
    for section in page.sections:
        if section.kind == pb.SECTION_KIND_SHELF:
            findings.shelves[section.shelf] += 1
            findings.short_rows += is_short(section)


def repeated_slots(item_ids: Sequence[str], facts: Mapping[str, Any]) -> int:
    """Count slots whose item, family or near-duplicate cluster stood earlier on the page."""
    seen: set[tuple[str, object]] = set()
    repeated = 0
    for item_id in item_ids:
        keys: set[tuple[str, object]] = {("item", item_id)}
        fact = facts.get(item_id)
        if fact is not None:
            keys.add(("family", fact.family_id))
            if fact.near_duplicate_cluster:
                keys.add(("cluster", fact.near_duplicate_cluster))
        repeated += bool(keys & seen)
        seen |= keys
    return repeated


def is_short(section: pb.Section) -> bool:
    """Say whether a section has a gap in a row while more items were eligible."""
    columns = max(section.layout.columns, 1)
    count = len(section.slots)
    # A row that scrolls sideways may hold any number beyond what is visible at once; a grid must fill its lines.
    gap = count < columns if section.layout.style == "row" else count % columns != 0
    return gap and section.reserve_count > 0


def _sold_out(fact: Any) -> bool:
    return fact is not None and fact.HasField("stock") and fact.stock == 0
