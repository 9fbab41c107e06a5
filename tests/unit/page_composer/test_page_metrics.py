"""What operators see of pages."""

from dataclasses import replace

from services.kit.telemetry import metrics
from services.page_composer.page import BANNERS, SHELVES, Page, Section, Versions
from services.page_composer.page_metrics import PageMetrics
from services.page_composer.proposal import Evidence
from services.page_composer.visit import Device


def section(kind: str) -> Section:
    return Section("s", kind, "popular", "Popular", "", Evidence("popular"), 1, "row", 4, 1)


def page(*kinds: str) -> Page:
    sections = [section(kind) for kind in kinds]
    return Page("counted", "p", sections, "en", Device.DESKTOP, "home_desktop", Versions(), 0.0)


def short_pages() -> float:
    labels = {"shop": "counted", "template": "home_desktop"}
    return metrics().registry.get_sample_value("vitrine_pages_short_total", labels) or 0.0


def test_a_page_with_fewer_than_three_shelves_is_short():
    counted, before = PageMetrics(), short_pages()
    counted.count(page(SHELVES, SHELVES, SHELVES))
    assert short_pages() == before
    counted.count(page(SHELVES, BANNERS, SHELVES))
    counted.count(replace(page(), page_id="empty"))
    assert short_pages() == before + 2
