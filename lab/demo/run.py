"""The demo from beginning to end."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from lab.background import Task
from lab.boutique.generation import generate
from lab.demo.checks import PageFindings, check_pages
from lab.demo.phases import (
    FILES,
    SHOP,
    Show,
    Stopwatch,
    compose_pages,
    facts_by_id,
    import_file,
    users_with_events,
    wait_for_features,
    wait_for_release,
)
from lab.demo.state import read_state, write_state
from lab.importing.sending import Addresses, Services
from lab.native_noise import native_noise_into
from lab.releases import promote_release
from lab.supervisor.ensemble import Ensemble
from vitrine.page_composer.v1 import page_composer_pb2

PAGES = 20
DATA_SERVICES = ("user_profile", "item_vision", "item_vision_worker")
"""What an import needs; the rest is started while it runs."""


@dataclass(frozen=True)
class DemoSize:
    """How large the boutique is."""

    items: int
    users: int


SIZES = {"small": DemoSize(400, 500), "full": DemoSize(2400, 3200)}


@dataclass(frozen=True)
class DemoResult:
    """What the demo has to show."""

    release_id: str
    findings: PageFindings
    page: page_composer_pb2.Page
    """One of the pages, to print."""
    user_id: str
    """Whose page it is."""
    seconds: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Return the report."""
        found = self.findings
        return {
            "seconds": self.seconds,
            "pages": found.pages,
            "duplicates": found.duplicates,
            "short_rows": found.short_rows,
            "out_of_stock": found.out_of_stock,
            "thin_pages": found.thin_pages,
            "degraded": found.degraded,
            "shelves": dict(found.shelves.most_common()),
            "release_id": self.release_id,
            "passed": not found.problems(),
            "details": found.details,
        }


class Demo:
    """One run over one work folder. What an earlier run made is used again."""

    def __init__(self, ensemble: Ensemble, seed: int, size: DemoSize, show: Show) -> None:
        self._ensemble = ensemble
        self._work = ensemble.work
        self._boutique = self._work / SHOP
        self._size = size
        self._show = show
        self._watch = Stopwatch()
        self._pause = threading.Event()
        self._state = read_state(self._work, seed, size.items, size.users)
        self._services: Services | None = None

    def run(self) -> DemoResult:
        """Do what is not done yet, then compose pages and check them.

        Raises: DemoFailed, ProcessFailed, ServiceRefused and what training raises.
        """
        # With nothing to bring in, everything may start at once.
        first = None if self._state.imported else DATA_SERVICES
        starting = self._beside("start", lambda: self._ensemble.start(first))
        self._make_boutique()
        starting.result()
        self._services = self._connect()
        try:
            rest = self._bring_in()
            self._train(rest)
            return self._look_at_pages()
        finally:
            self._services.close()

    def _make_boutique(self) -> None:
        if (self._boutique / FILES["items"]).exists() and self._state.boutique_end:
            return
        # Made anew after its files were lost, it must be the same: the database knows its events already.
        end = date.fromisoformat(self._state.boutique_end or datetime.now(UTC).date().isoformat())
        with self._watch.phase("boutique"):
            generate(
                self._boutique,
                seed=self._state.seed,
                end=end,
                items=self._size.items,
                users=self._size.users,
                progress=lambda phase, done, total: self._show(f"boutique: {phase}", done, total),
            )
        self._remember(boutique_end=end.isoformat())

    def _bring_in(self) -> Task[None]:
        """Import what is not there; return the task that starts the other processes."""
        users = users_with_events(self._boutique, PAGES)
        (self._work / "demo-users.txt").write_text("\n".join(users) + "\n", encoding="utf-8")
        if self._state.imported and self._catalogue_is_there():
            return self._start_rest()
        self._remember(imported=False, release_id="")
        events = self._beside("import events", lambda: self._import("events"))
        # The states an item went through come first: its last one is in the item file.
        with self._watch.phase("import items"):
            self._import("changes")
            self._import("items")
        features = self._beside("features", self._wait_for_features)
        events.result()
        rest = self._start_rest()
        features.result()
        rest.result()
        with self._watch.phase("import campaigns"):
            self._import("campaigns")
        self._remember(imported=True)
        return rest

    def _train(self, rest: Task[None]) -> None:
        if self._state.release_id:
            rest.result()
            return
        log = self._work / "logs" / "training.log"
        with native_noise_into(log), self._watch.phase("training"):
            from lab.training.pipeline import TrainingOptions, train

            addresses = self._ensemble.addresses()
            report = train(SHOP, self._work, addresses, TrainingOptions(), self._show)
        self._watch.seconds |= {f"training: {stage}": seconds for stage, seconds in report.seconds.items()}
        rest.result()
        with self._watch.phase("promotion"):
            self._promote(report.release_id)
        self._remember(release_id=report.release_id)

    def _promote(self, release_id: str) -> None:
        self._show("promotion", 0, 1)
        promote_release(self._ensemble.address("ranker"), SHOP, release_id)
        self._show("promotion", 1, 1)

    def _look_at_pages(self) -> DemoResult:
        services = self._connected()
        users = users_with_events(self._boutique, PAGES)
        address = self._ensemble.address("page_composer")
        with self._watch.phase("wait for the release"):
            wait_for_release(address, self._state.release_id, self._pause)
        with self._watch.phase("pages"):
            pages = compose_pages(address, users, f"demo-{time.time_ns() // 1_000_000}")
            findings = check_pages(pages, facts_by_id(services))
        self._show("pages", len(pages), PAGES)
        return DemoResult(self._state.release_id, findings, pages[0], users[0], self._watch.report())

    def _start_rest(self) -> Task[None]:
        return self._beside("start of the rest", self._ensemble.start)

    def _beside(self, name: str, work: Callable[[], None]) -> Task[None]:
        def measured() -> None:
            with self._watch.phase(name):
                work()

        return Task(name, measured)

    def _import(self, kind: Any) -> None:
        import_file(kind, self._boutique, self._connected(), self._show)

    def _wait_for_features(self) -> None:
        wait_for_features(self._connected(), self._show, self._pause)

    def _catalogue_is_there(self) -> bool:
        """The database may have been removed since; then everything is brought in again."""
        return len(self._connected().item_facts(SHOP)) >= self._size.items

    def _connect(self) -> Services:
        found = self._ensemble.addresses()
        return Services(Addresses(found["user_profile"], found["item_vision"], found["page_composer"]))

    def _connected(self) -> Services:
        if self._services is None:
            raise RuntimeError("the data services have not been started")
        return self._services

    def _remember(self, **changes: Any) -> None:
        self._state = replace(self._state, **changes)
        write_state(self._work, self._state)
