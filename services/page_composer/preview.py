"""What a merchandiser's changes move on a page."""

from dataclasses import dataclass

from services.page_composer.page import Page


@dataclass(frozen=True)
class Change:
    """A slot that differs between two pages."""

    section_id: str
    """Of the page with the changes; where nothing stands there any more, of the one without."""
    row: int
    column: int
    before_item_id: str
    """Empty when there was none."""
    after_item_id: str
    """Empty when there is none."""


def changes(before: Page, after: Page) -> list[Change]:
    """The slots that differ, in page order: items, banners and coupons."""
    old, new = _slots(before), _slots(after)
    different = []
    for row, column in sorted(old.keys() | new.keys()):
        was, stands = old.get((row, column), ("", "")), new.get((row, column), ("", ""))
        if was[1] != stands[1]:
            different.append(Change(stands[0] or was[0], row, column, was[1], stands[1]))
    return different


def _slots(page: Page) -> dict[tuple[int, int], tuple[str, str]]:
    """By row and column: the section and what stands there."""
    slots: dict[tuple[int, int], tuple[str, str]] = {}
    for section in page.sections:
        for item in section.slots:
            slots[item.row, item.column] = (section.section_id, item.display.item_id)
        for banner in section.banners:
            slots[banner.row, banner.column] = (section.section_id, banner.banner.banner_id)
        for coupon in section.coupons:
            slots[coupon.row, coupon.column] = (section.section_id, coupon.coupon.coupon_id)
    return slots
