"""Where a call's work on items is done."""

import threading
from contextlib import AbstractContextManager
from types import SimpleNamespace

from services.kit.executor import BoundedExecutor
from services.ranker import wiring
from services.ranker.catalogue import Catalogue
from services.ranker.wiring import Holdings


def holdings_of(catalogue: Catalogue, executor: BoundedExecutor) -> Holdings:
    return Holdings(
        settings=None, releases=None, catalogues=SimpleNamespace(catalogue=lambda _: catalogue), model=None,
        executor=executor,
    )  # fmt: skip


def release_of(*item_ids: str) -> SimpleNamespace:
    return SimpleNamespace(shop_id="shop", vocabulary=item_ids, items=lambda catalogue: catalogue)


async def in_this_thread(holdings: Holdings, release: SimpleNamespace) -> bool:
    return await holdings.on_items(release, lambda _: threading.current_thread() is threading.main_thread())


async def test_few_items_are_worked_on_at_once_and_more_in_a_thread(monkeypatch):
    catalogue, executor = Catalogue(), BoundedExecutor("unit_ranker")
    holdings = holdings_of(catalogue, executor)
    monkeypatch.setattr(wiring, "FEW_ITEMS", 2)
    assert await in_this_thread(holdings, release_of("a", "b"))
    assert not await in_this_thread(holdings, release_of("a", "b", "c"))
    assert not catalogue.lock.locked()
    executor.close()


class Busy(AbstractContextManager):
    """A lock that is taken whenever somebody looks, and free as soon as somebody waits."""

    def acquire(self, *, blocking: bool) -> bool:
        assert not blocking
        return False

    def __exit__(self, *_: object) -> None:
        return None


async def test_nobody_waits_in_the_event_loop_for_items_that_are_being_changed():
    catalogue, executor = Catalogue(), BoundedExecutor("unit_ranker")
    catalogue.lock = Busy()
    assert not await in_this_thread(holdings_of(catalogue, executor), release_of("a"))
    executor.close()
