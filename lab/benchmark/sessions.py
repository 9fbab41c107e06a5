"""Browse sessions as an open loop: a page, what was seen of it recorded, a click, the item's page, and home again.

Sessions begin at random times whether or not earlier ones have ended; within one, each step comes some time after the
answer to the one before. Latency counts from when a step was due.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp

from lab.benchmark.machine import usage
from lab.benchmark.open_loop import LoadResult, open_loop
from lab.benchmark.rig import Rig
from lab.evaluation.composing import page_request
from lab.evaluation.statistics import percentiles
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import page_composer_pb2, page_composer_pb2_grpc
from vitrine.user_profile.v1 import user_profile_pb2, user_profile_pb2_grpc

TIMEOUT_S = 5.0
THINK_S = 0.4
"""Mean time between an answer and the next step; people take longer, which would only make the run longer."""
SHELVES_SEEN = 3
PAGE_STEPS = ("page", "item page", "next page")
PAGES_A_SESSION = len(PAGE_STEPS)


@dataclass
class SessionCounts:
    """What became of all sessions of a run."""

    took_ms: dict[str, list[float]] = field(default_factory=dict)
    """By step."""
    events: int = 0
    degraded: int = 0
    stale: int = 0
    """Pages older than the profile version that they were asked for: must be none."""
    visitors: list[str] = field(default_factory=list)

    @property
    def pages(self) -> int:
        """Pages that were answered."""
        return sum(len(self.took_ms.get(name, ())) for name in PAGE_STEPS)

    def as_dict(self, result: LoadResult) -> dict[str, Any]:
        """Return figures for a report."""
        lasted_s = max(result.lasted_s, 1e-9)
        return {
            "sessions": len(result.latencies_ms),
            "pages": self.pages,
            "pages_a_second": round(self.pages / lasted_s, 2),
            "events": self.events,
            "events_a_second": round(self.events / lasted_s, 1),
            "errors": dict(result.errors),
            "degraded": self.degraded,
            "stale": self.stale,
            "latency_ms": {name: percentiles(took) for name, took in self.took_ms.items()},
        }


class EmptyPage(Exception):  # noqa: N818  its name is what a report counts
    """A page without a slot: nobody can click on it, so its session ends."""


class Sessions:
    """Sessions of one rig's shop."""

    def __init__(self, rig: Rig, visitors: Sequence[str]) -> None:
        self._rig = rig
        self._visitors = visitors
        self._composer = page_composer_pb2_grpc.PageComposerServiceStub(rig.composer)
        self._profiles = user_profile_pb2_grpc.UserProfileServiceStub(rig.profiles)
        self._random = np.random.default_rng(1)
        self.counts = SessionCounts()

    async def session(self, number: int, due_s: float) -> bool:
        """Go through one session, due at a moment of the loop's clock; say whether any of its pages was degraded.

        Raises: AioRpcError; EmptyPage.
        """
        visit = _Visit(f"{self._rig.run_id}-session-{number}", self._visitors[number % len(self._visitors)])
        degraded = self.counts.degraded
        self.counts.visitors.append(visit.user_id)
        home = await self._step("page", lambda: self._page(visit), due_s)
        version = await self._step("record", lambda: self._seen(visit, home))
        slots = _shown(home)
        if not slots:
            raise EmptyPage(f"the first page of {visit.session_id} has no slots")
        clicked = slots[int(self._random.integers(len(slots)))]
        version = await self._step("click", lambda: self._clicked(visit, clicked)) or version
        item = await self._step("item page", lambda: self._page(visit, f"item:{clicked.item_id}", version))
        await self._step("record", lambda: self._seen(visit, item))
        await self._step("next page", lambda: self._page(visit, "", version))
        return self.counts.degraded > degraded

    async def _step(self, name: str, call: Callable[[], Awaitable[Any]], from_s: float | None = None) -> Any:
        """Think, counted from the answer before (now) or from when the session was due, then make the call."""
        loop = asyncio.get_running_loop()
        due_s = (loop.time() if from_s is None else from_s) + float(self._random.exponential(THINK_S))
        await asyncio.sleep(max(due_s - loop.time(), 0.0))
        answer = await call()
        self.counts.took_ms.setdefault(name, []).append((loop.time() - due_s) * 1_000.0)
        return answer

    async def _page(self, visit: "_Visit", what: str = "", version: int = 0) -> page_composer_pb2.Page:
        request = page_request(self._rig.shop.shop_id, visit.user_id, f"{visit.session_id}-{next(visit.numbers)}")
        request.visit.session_id, request.visit.page = visit.session_id, what
        request.min_profile_version = version
        page: page_composer_pb2.Page = (await self._composer.ComposePage(request, timeout=TIMEOUT_S)).page
        self.counts.degraded += bool(page.degraded)
        self.counts.stale += page.versions.profile_version < version
        return page

    async def _seen(self, visit: "_Visit", page: page_composer_pb2.Page) -> int:
        return await self._record([visit.event(common_pb2.ACTION_IMPRESSION, slot) for slot in _shown(page)])

    async def _clicked(self, visit: "_Visit", slot: page_composer_pb2.Slot) -> int:
        actions = (common_pb2.ACTION_CLICK, common_pb2.ACTION_VIEW)
        return await self._record([visit.event(action, slot) for action in actions])

    async def _record(self, events: Sequence[user_profile_pb2.Event]) -> int:
        request = user_profile_pb2.RecordEventsRequest(shop_id=self._rig.shop.shop_id, events=events)
        answer = await self._profiles.RecordEvents(request, timeout=TIMEOUT_S)
        self.counts.events += answer.recorded_count
        return max((each.profile_version for each in answer.versions), default=0)


def _shown(page: page_composer_pb2.Page) -> list[page_composer_pb2.Slot]:
    """The slots of the first shelves; banners and coupons have none."""
    shelves = [section for section in page.sections if section.slots]
    return [slot for shelf in shelves[:SHELVES_SEEN] for slot in shelf.slots]


@dataclass
class _Visit:
    session_id: str
    user_id: str
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def event(self, action: int, slot: page_composer_pb2.Slot) -> user_profile_pb2.Event:
        now = Timestamp()
        now.GetCurrentTime()
        return user_profile_pb2.Event(
            event_id=f"{self.session_id}-event-{next(self.numbers)}",
            action=common_pb2.Action.ValueType(action),
            occurred_at=now,
            user_id=self.user_id,
            session_id=self.session_id,
            item_id=slot.item_id,
            device=common_pb2.DEVICE_DESKTOP,
            tracking_token=slot.tracking_token,
        )


async def browse(rig: Rig, pages_a_second: float, seconds: float) -> dict[str, Any]:
    """Run the session mix so that so many pages a second are asked for."""
    rate = pages_a_second / PAGES_A_SESSION
    async with visiting(rig, round(rate * seconds)) as sessions:
        before = usage(rig.work)
        result = await open_loop(sessions.session, rate, seconds)
        spent = usage(rig.work).since(before)
    counts = sessions.counts
    return {
        "sessions_a_second": round(rate, 2),
        **counts.as_dict(result),
        **spent.as_dict(max(counts.pages, 1)),
    }


@asynccontextmanager
async def visiting(rig: Rig, count: int) -> AsyncIterator[Sessions]:
    """Sessions of the shop's users.

    In a shop that is not synthetic they are those of `count` new visitors, who are deleted afterwards: what they did
    must not be learnt from.
    """
    visitors = rig.shop.users
    if not rig.shop.synthetic:
        visitors = [f"{rig.run_id}-visitor-{number}" for number in range(max(count, 1))]
    sessions = Sessions(rig, visitors)
    try:
        yield sessions
    finally:
        if not rig.shop.synthetic:
            await _forget(rig, sorted(set(sessions.counts.visitors)))


async def _forget(rig: Rig, visitors: Sequence[str]) -> None:
    stub = user_profile_pb2_grpc.UserProfileServiceStub(rig.profiles)
    for visitor in visitors:
        request = user_profile_pb2.DeleteUserRequest(shop_id=rig.shop.shop_id, user_id=visitor)
        try:
            await stub.DeleteUser(request, timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:  # who failed at once left nothing
                raise
