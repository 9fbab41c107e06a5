"""What operators see of pages: how many, how long each stage took, what was missing."""

from services.kit.telemetry import metrics
from services.page_composer.page import SHELVES, Page

LEAST_SHELVES = 3
"""A page with fewer is as good as empty."""


class PageMetrics:
    """Counts pages."""

    def __init__(self) -> None:
        known = metrics()
        self._pages = known.counter("vitrine_pages", "Pages composed.", ["shop", "template"])
        self._missing = known.counter(
            "vitrine_pages_degraded", "Pages that did without something.", ["shop", "dependency", "stand_in"]
        )
        self._short = known.counter(
            "vitrine_pages_short", f"Pages with fewer than {LEAST_SHELVES} shelves.", ["shop", "template"]
        )
        self._stages = known.histogram("vitrine_page_stage_seconds", "Duration of a page's stages.", ["stage"])

    def count(self, page: Page) -> None:
        """Count one page."""
        self._pages.labels(page.shop_id, page.template_id).inc()
        if sum(section.kind == SHELVES for section in page.sections) < LEAST_SHELVES:
            self._short.labels(page.shop_id, page.template_id).inc()
        for each in page.degraded:
            self._missing.labels(page.shop_id, each.dependency, each.stand_in).inc()
        for timing in page.timings:
            self._stages.labels(timing.stage).observe(timing.duration_us / 1e6)
