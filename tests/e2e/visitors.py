"""Visitors who keep asking for pages, and what they got; the load under which tests break and promote things."""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import grpc

from services.kit.channels import open_channel
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import page_composer_pb2 as pb
from vitrine.page_composer.v1 import page_composer_pb2_grpc

PAUSE_S = 0.02
"""Between two pages of one visitor."""
PATIENCE_S = 180.0
"""How long anything is waited for, at most."""
POLL_S = 0.05

DEVICES = (common_pb2.DEVICE_DESKTOP, common_pb2.DEVICE_PHONE)
LOCALES = ("en", "zh", "es")


@dataclass(frozen=True)
class Asked:
    """One request and its answer."""

    phase: str
    """What the test was doing when the request was sent."""
    took_ms: float
    page: pb.Page | None
    problem: str = ""
    """Status and message, where there is no page."""

    @property
    def degraded(self) -> dict[str, str]:
        """What stood in, by what was missing."""
        return {each.dependency: each.stand_in for each in self.page.degraded} if self.page else {}


class Visitors:
    """Use as a context; `phase` labels the requests sent from now on, `asked` holds every answer."""

    def __init__(
        self, addresses: Sequence[str], shop_id: str, users: Sequence[str], *, deadline_s: float = 1.0, count: int = 2
    ) -> None:
        self._addresses = addresses
        self._shop_id = shop_id
        self._users = itertools.cycle(users)
        self._deadline_s = deadline_s
        self._count = count
        self._number = itertools.count()
        self._run = time.time_ns()
        self.asked: list[Asked] = []
        self.phase = "before"

    async def __aenter__(self) -> "Visitors":
        self._channel = open_channel(self._addresses, {})
        self._stub = page_composer_pb2_grpc.PageComposerServiceStub(self._channel)
        self._tasks = [asyncio.create_task(self._visit_again_and_again()) for _ in range(self._count)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._channel.close()

    async def many(self, phase: str, count: int) -> list[Asked]:
        """Begin a phase, wait until `count` of its requests are answered, and return them."""
        self.phase = phase
        await eventually(lambda: len(self.of(phase)) >= count, f"{count} pages of {phase!r}")
        return self.of(phase)

    async def settle(self, phase: str, good: Callable[[Asked], bool], in_a_row: int = 10) -> float:
        """Begin a phase and wait until so many answers in a row are good; returns the seconds that took."""
        self.phase = phase
        began_s = time.monotonic()

        def settled() -> bool:
            last = self.of(phase)[-in_a_row:]
            return len(last) == in_a_row and all(good(each) for each in last)

        try:
            await eventually(settled, f"{in_a_row} good pages in a row")
        except TimeoutError as late:
            seen = [each.problem or each.degraded for each in self.of(phase)[-in_a_row:]]
            raise AssertionError(f"{late}; the last were {seen}") from late
        return time.monotonic() - began_s

    def of(self, phase: str) -> list[Asked]:
        """The answers to requests of a phase."""
        return [each for each in self.asked if each.phase == phase]

    async def _visit_again_and_again(self) -> None:
        while True:
            self.asked.append(await self._ask(next(self._number)))
            await asyncio.sleep(PAUSE_S)

    async def _ask(self, number: int) -> Asked:
        phase, began_s = self.phase, time.perf_counter()
        request = page_request(
            self._shop_id, next(self._users), f"visit-{self._run}-{number}", DEVICES[number % 2], LOCALES[number % 3]
        )
        try:
            answer = await self._stub.ComposePage(request, timeout=self._deadline_s)
        except grpc.RpcError as error:
            problem = f"{error.code().name}: {error.details()}"
            return Asked(phase, (time.perf_counter() - began_s) * 1000.0, None, problem)
        return Asked(phase, (time.perf_counter() - began_s) * 1000.0, answer.page)


def page_request(
    shop_id: str, user_id: str, page_id: str, device: common_pb2.Device = DEVICES[0], locale: str = "en"
) -> pb.ComposePageRequest:
    """A visit of the home page."""
    visit = common_pb2.VisitContext(user_id=user_id, device=device, locale=locale, region="DE")
    return pb.ComposePageRequest(shop_id=shop_id, request_id=page_id, visit=visit)


def is_whole(asked: Asked) -> bool:
    """Say whether a page was answered with nothing missing."""
    return asked.page is not None and not asked.page.degraded


def emptiness(asked: Asked) -> str:
    """Say why an answer is not a non-empty page as the design defines it; empty when it is one."""
    if asked.page is None:
        return asked.problem
    if len(asked.page.sections) < 3:
        return f"{len(asked.page.sections)} sections"
    for section in asked.page.sections:
        if not (section.slots or section.banners or section.coupons):
            return f"{section.section_id} is empty"
        for slot in section.slots:
            if not (slot.title and slot.link and slot.price.amount_minor > 0 and slot.price.currency):
                return f"{slot.item_id} lacks title, price or link"
    return ""


async def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds. Raises: TimeoutError after PATIENCE_S."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise TimeoutError(f"waited {PATIENCE_S:.0f} s for {what}") from None
