"""A shop's index follows its catalogue: one thread at a time in the builder, whatever is cut, fails or is cancelled."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import grpc
import pytest

from services.kit.errors import DependencyDown
from services.kit.status import RemoteError
from services.page_composer import catalogue_feed
from services.page_composer.catalogue_feed import CatalogueFeed
from services.page_composer.index_builder import EMPTY_INDEX, IndexBuilder
from services.page_composer.merchandise import Merchandise
from services.page_composer.shops import Shop
from services.page_composer.template import read_templates
from vitrine.item_vision.v1 import item_vision_pb2 as pb

CUT = DependencyDown("item_vision")
REFUSED = RemoteError(grpc.StatusCode.INVALID_ARGUMENT, "too old", "CURSOR_UNKNOWN")
LOST_TURNS = 300
"""Turns of the loop in which whatever is wrongly free to go on would have gone on."""


class Work:
    """What goes on in all builders of a test: how many threads at once, what is held up, what fails next."""

    def __init__(self) -> None:
        self.threads = self.threads_at_most = 0
        self.begun = {"put": 0, "snapshot": 0}
        self.fails: set[str] = set()
        self._free = {"put": threading.Event(), "snapshot": threading.Event()}
        self.let_go()
        self._lock = threading.Lock()

    def hold(self, name: str) -> None:
        self._free[name].clear()

    def let_go(self) -> None:
        for each in self._free.values():
            each.set()

    @contextmanager
    def one(self, name: str) -> Iterator[None]:
        with self._lock:
            self.begun[name] += 1
            self.threads += 1
            self.threads_at_most = max(self.threads_at_most, self.threads)
        try:
            assert self._free[name].wait(30)
            if name in self.fails:
                self.fails.remove(name)
                raise MemoryError(f"no room for the {name}")
            yield
        finally:
            with self._lock:
                self.threads -= 1


class Watches:
    """Watches of one catalogue; what is put in comes out of them, an error ends one."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.cursors: list[str] = []
        self._said: asyncio.Queue[pb.WatchItemsResponse | Exception] = asyncio.Queue()

    def say(self, *said: pb.WatchItemsResponse | Exception) -> None:
        for each in said:
            self._said.put_nowait(each)

    @property
    def all_heard(self) -> bool:
        return self._said.empty()

    async def stream(self, method: object, request: pb.WatchItemsRequest) -> AsyncIterator[pb.WatchItemsResponse]:
        self.cursors.append(request.cursor)
        while True:
            said = await self._said.get()
            if isinstance(said, Exception):
                raise said
            yield said


@pytest.fixture
def work(monkeypatch) -> Iterator[Work]:
    made = Work()

    class Watched(IndexBuilder):
        def put(self, items) -> None:
            with made.one("put"):
                super().put(items)

        def snapshot(self):
            with made.one("snapshot"):
                return super().snapshot()

    monkeypatch.setattr(catalogue_feed, "IndexBuilder", Watched)
    for pause in ("RETRY_S", "ERROR_PAUSE_S", "PUBLISH_EVERY_S", "REST_FOR_WORK"):
        monkeypatch.setattr(catalogue_feed, pause, 0.0)
    yield made
    made.let_go()


@pytest.fixture
async def watches() -> AsyncIterator[Watches]:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:  # never called
        yield Watches(channel)


@pytest.fixture
def shop() -> Shop:
    return Shop("boutique", Merchandise(read_templates()))


@asynccontextmanager
async def followed(shop: Shop, watches: Watches) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(CatalogueFeed(watches).follow(shop))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.001)


async def some_turns() -> None:
    for _ in range(LOST_TURNS):
        await asyncio.sleep(0)


def change(cursor: str, *item_ids: str, up_to_date: bool = True, gone: tuple[str, ...] = ()) -> pb.WatchItemsResponse:
    items = [pb.ItemFacts(item_id=each) for each in item_ids]
    return pb.WatchItemsResponse(cursor=cursor, items=items, deleted_item_ids=gone, up_to_date=up_to_date)


async def test_nothing_is_given_out_before_the_whole_catalogue_is_read(work, watches, shop):
    async with followed(shop, watches):
        watches.say(change("1", "a", up_to_date=False), CUT, change("2", "b", up_to_date=False))
        await until(lambda: work.begun["put"] == 2)
        await some_turns()
        assert (shop.index, shop.index_read.is_set()) == (EMPTY_INDEX, False)
        watches.say(change("3", "c"))
        await until(shop.index_read.is_set)
        assert (shop.index.cursor, len(shop.index)) == ("3", 3)
        assert watches.cursors == ["", "1"]


@pytest.mark.parametrize("end", [(), (CUT,), (CUT, CUT, CUT)])
async def test_a_change_during_a_snapshot_waits_for_it_and_is_given_out_after_it(work, watches, shop, end):
    async with followed(shop, watches):
        work.hold("snapshot")
        watches.say(change("1", "a"))
        await until(lambda: work.begun["snapshot"] == 1)
        watches.say(*end, change("2", "b", gone=("a",)))
        await until(lambda: watches.all_heard)
        await some_turns()
        assert work.begun == {"put": 1, "snapshot": 1}
        work.let_go()
        await until(lambda: shop.index.cursor == "2")
        assert [item_id for item_id in "ab" if shop.index.get(item_id)] == ["b"]
        assert watches.cursors[-1] == ("1" if end else "")
    assert work.threads_at_most == 1


async def test_a_snapshot_that_fails_is_logged_and_made_again(work, watches, shop, caplog):
    async with followed(shop, watches):
        watches.say(change("1", "a"))
        await until(lambda: shop.index.cursor == "1")
        work.fails.add("snapshot")
        watches.say(change("2", "b"))
        await until(lambda: shop.index.cursor == "2")
        assert "no room for the snapshot" in caplog.text
        assert watches.cursors == [""]


async def test_after_a_change_that_cannot_be_taken_in_the_whole_catalogue_is_read_again(work, watches, shop, caplog):
    async with followed(shop, watches):
        watches.say(change("1", "a", "b"))
        await until(lambda: shop.index.cursor == "1")
        work.fails.add("put")
        watches.say(change("2", "c"), change("2", "c"))
        await until(lambda: shop.index.cursor == "2")
        assert "no room for the put" in caplog.text
        assert watches.cursors == ["", ""]
        assert len(shop.index) == 1


async def test_after_a_refused_cursor_the_old_index_stays_until_the_new_one_is_complete(work, watches, shop):
    async with followed(shop, watches):
        work.hold("snapshot")
        watches.say(change("1", "a"))
        await until(lambda: work.begun["snapshot"] == 1)
        watches.say(change("2", "a", "b"), REFUSED, change("1", "c", up_to_date=False))
        work.let_go()
        await until(lambda: work.begun["put"] == 3)
        await some_turns()
        assert shop.index.get("c") is None
        watches.say(change("2", "d"))
        await until(lambda: shop.index.get("d") is not None)
        assert (len(shop.index), watches.cursors) == (2, ["", ""])
    assert work.threads_at_most == 1


async def test_a_watch_that_opens_again_without_news_leaves_the_index_alone(work, watches, shop):
    async with followed(shop, watches):
        watches.say(change("1", "a"))
        await until(lambda: shop.index.get("a") is not None)
        index = shop.index
        watches.say(CUT, change("2"), change("3", up_to_date=False))
        await until(lambda: work.begun["put"] == 3)
        await some_turns()
        assert (shop.index is index, work.begun["snapshot"]) == (True, 1)
        watches.say(CUT, change("4", gone=("a",), up_to_date=False), change("5"))
        await until(lambda: shop.index.get("a") is None)
        assert (shop.index.cursor, watches.cursors) == ("5", ["", "1", "3"])


async def test_a_catalogue_without_items_is_given_out_too(work, watches, shop):
    async with followed(shop, watches):
        watches.say(change("1"))
        await until(shop.index_read.is_set)
        assert (shop.index.cursor, len(shop.index)) == ("1", 0)


@pytest.mark.parametrize("held", ["put", "snapshot"])
async def test_a_cancelled_feed_ends_with_its_thread(work, watches, shop, held):
    before = set(threading.enumerate())
    async with followed(shop, watches) as task:
        work.hold(held)
        watches.say(change("1", "a"))
        await until(lambda: work.begun[held] == 1)
        task.cancel()
        await some_turns()
        assert not task.done()
        work.let_go()
        await asyncio.wait([task])
        assert task.cancelled()
        assert work.threads == 0
        began = set(threading.enumerate()) - before
        assert not [each for each in began if each.name.startswith("catalogue_feed")]
        assert shop.index is EMPTY_INDEX
