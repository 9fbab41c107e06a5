"""The steps of the demo, each callable by itself."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.channels import open_channel
from lab.importing.importer import ImportJob, Kind, run_import
from lab.importing.reading.lines import LineFile
from lab.importing.report import ImportReport
from lab.importing.sending import Services
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2
from vitrine.page_composer.v1 import page_composer_pb2, page_composer_pb2_grpc

SHOP = "boutique"
FILES: Mapping[Kind, str] = {
    "changes": "item_changes.jsonl.gz",
    "items": "items.jsonl.gz",
    "events": "events.jsonl.gz",
    "campaigns": "campaigns.jsonl",
}
Show = Callable[[str, int, int], None]
"""(what is under way, done, of how many)."""

PAGE_TIMEOUT_S = 5.0
FEATURE_LOOK_EVERY_S = 0.5
RELEASE_LOOK_EVERY_S = 0.3
RELEASE_WAIT_S = 30.0
_VARIETY = (
    (common_pb2.DEVICE_DESKTOP, "en", "DE"),
    (common_pb2.DEVICE_PHONE, "zh", "CN"),
    (common_pb2.DEVICE_DESKTOP, "es", "ES"),
    (common_pb2.DEVICE_TABLET, "en", "US"),
)


class DemoFailed(Exception):  # noqa: N818  named like the errors of kit
    """A step of the demo that cannot be believed; the message says which and why."""


class Stopwatch:
    """Seconds by phase. Phases overlap, so they add up to more than the total."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._began = time.monotonic()
        self._lock = threading.Lock()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure one phase."""
        began = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began

    def report(self) -> dict[str, float]:
        """Return seconds by phase and in total, rounded."""
        total = time.monotonic() - self._began
        return {name: round(value, 2) for name, value in {**self.seconds, "total": total}.items()}


def import_file(kind: Kind, boutique: Path, services: Services, show: Show) -> ImportReport:
    """Import one of the boutique's files. Raises: DemoFailed when rows were lost on the way."""
    job = ImportJob(kind, boutique / FILES[kind], SHOP)
    report = run_import(
        job,
        services,
        datetime.now(UTC),
        lambda behind, total, _rows: show(f"import {kind}", behind // 1024, total // 1024),
    )
    if report.problems or report.rejected:
        raise DemoFailed(
            f"the import of {kind} rejected {report.rejected} rows: {dict(report.reasons)} {report.problems}"
        )
    return report


def wait_for_features(services: Services, show: Show, pause: threading.Event) -> None:
    """Wait until every item's picture and text features are computed. Raises: DemoFailed when some failed for good."""
    request = item_vision_pb2.GetFeatureProgressRequest(shop_id=SHOP)
    while True:
        progress = services.catalogue.GetFeatureProgress(request, timeout=PAGE_TIMEOUT_S)
        total = progress.waiting_count + progress.done_count + progress.failed_count
        show("picture and text features", progress.done_count, total)
        if progress.failed_count:
            first = progress.failures[0]
            which = f"{progress.failed_count} items, the first {first.item_id}: {first.description}"
            raise DemoFailed(f"features could not be computed for {which}")
        if progress.waiting_count == 0 and progress.done_count:
            return
        pause.wait(FEATURE_LOOK_EVERY_S)


def users_with_events(boutique: Path, count: int) -> list[str]:
    """Return the users who come first in the boutique's events, spread over the first ten thousand lines."""
    file = LineFile(boutique / FILES["events"])
    try:
        heads = (json.loads(line) for line in itertools.islice(file.lines(), 10_000))
        found = list(dict.fromkeys(head["user_id"] for head in heads if head.get("user_id")))
    finally:
        file.close()
    step = max(1, len(found) // count)
    return found[::step][:count]


def wait_for_release(address: Sequence[str], release_id: str, pause: threading.Event) -> None:
    """Wait until pages are made with a release by everybody: the composer looks once a second who is ready.

    Previews write nothing. Raises: DemoFailed when it does not come about in RELEASE_WAIT_S.
    """
    deadline_s = time.monotonic() + RELEASE_WAIT_S
    visit = common_pb2.VisitContext(session_id="demo-preview", locale="en", device=common_pb2.DEVICE_DESKTOP)
    request = page_composer_pb2.PreviewPageRequest(shop_id=SHOP, visit=visit)
    with open_channel(address, "vitrine.page_composer.v1") as channel:
        composer = page_composer_pb2_grpc.PageComposerServiceStub(channel)
        while True:
            page = composer.PreviewPage(request, timeout=PAGE_TIMEOUT_S).page
            if page.versions.release_id == release_id and not page.degraded:
                return
            if time.monotonic() > deadline_s:
                missing = ", ".join(f"{each.dependency} ({each.cause})" for each in page.degraded)
                raise DemoFailed(f"pages are made with {page.versions.release_id or 'no release'}; missing: {missing}")
            pause.wait(RELEASE_LOOK_EVERY_S)


def compose_pages(address: Sequence[str], users: Sequence[str], prefix: str) -> list[page_composer_pb2.Page]:
    """Compose a page for each user, over devices and languages; `prefix` keeps the page ids of runs apart."""
    pages = []
    with open_channel(address, "vitrine.page_composer.v1") as channel:
        composer = page_composer_pb2_grpc.PageComposerServiceStub(channel)
        for user, (device, locale, region) in zip(users, itertools.cycle(_VARIETY), strict=False):
            visit = common_pb2.VisitContext(user_id=user, device=device, locale=locale, region=region)
            request = page_composer_pb2.ComposePageRequest(shop_id=SHOP, request_id=f"{prefix}-{user}", visit=visit)
            pages.append(composer.ComposePage(request, timeout=PAGE_TIMEOUT_S).page)
    return pages


def facts_by_id(services: Services) -> dict[str, Any]:
    """Return the facts of every item of the boutique."""
    return {facts.item_id: facts for facts in services.item_facts(SHOP)}
