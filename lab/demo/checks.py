"""Checks composed pages as a critical visitor would, from the catalogue's facts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vitrine.page_composer.v1 import page_composer_pb2 as pb

LEAST_SECTIONS = 3
MOST_DETAILS = 100


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
    details: list[str] = field(default_factory=list)
    """Where something was wrong, in words; at most a hundred."""

    def note(self, page: pb.Page, words: str) -> None:
        """Say where something was wrong."""
        if len(self.details) < MOST_DETAILS:
            self.details.append(f"page {page.page_id}: {words}")

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
    for each in page.degraded:
        findings.note(page, f"{each.dependency} was missing ({each.cause}), {each.stand_in} stood in")
    findings.degraded += bool(page.degraded)
    slots = [slot for section in page.sections for slot in section.slots]
    unfinished = [slot.item_id for slot in slots if not (slot.title and slot.link and slot.price.currency)]
    if len(page.sections) < LEAST_SECTIONS or unfinished:
        findings.thin_pages += 1
        findings.note(page, f"{len(page.sections)} sections, unfinished items: {', '.join(unfinished) or 'none'}")
    repeated = repeated_slots([slot.item_id for slot in slots], facts)
    sold_out = [slot.item_id for slot in slots if _sold_out(facts.get(slot.item_id))]
    findings.duplicates += len(repeated)
    findings.out_of_stock += len(sold_out)
    for words, items in (("repeats", repeated), ("shows sold out", sold_out)):
        if items:
            findings.note(page, f"{words} {', '.join(items)}")
    _check_rows(page, findings)


def _check_rows(page: pb.Page, findings: PageFindings) -> None:
    for section in page.sections:
        if section.kind != pb.SECTION_KIND_SHELF:
            continue
        findings.shelves[section.shelf] += 1
        if is_short(section):
            findings.short_rows += 1
            size = f"{len(section.slots)} items in {section.layout.columns} columns"
            findings.note(page, f"{section.section_id} has {size} and {section.reserve_count} more in reserve")


def repeated_slots(item_ids: Sequence[str], facts: Mapping[str, Any]) -> list[str]:
    """Return the items whose own id, family or near-duplicate cluster stood earlier on the page."""
    seen: set[tuple[str, object]] = set()
    repeated = []
    for item_id in item_ids:
        keys: set[tuple[str, object]] = {("item", item_id)}
        fact = facts.get(item_id)
        if fact is not None:
            keys.add(("family", fact.family_id))
            if fact.near_duplicate_cluster:
                keys.add(("cluster", fact.near_duplicate_cluster))
        if keys & seen:
            repeated.append(item_id)
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
