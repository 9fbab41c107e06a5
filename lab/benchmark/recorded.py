"""A few pages with all their messages, recorded by proxies between the services: what the floor repeats."""

import asyncio

from lab.benchmark.failures import BenchmarkFailed
from lab.benchmark.messages import CALLS, COMPOSE, RecordedPage
from lab.benchmark.recording import Recorder
from lab.benchmark.rig import Rig
from lab.benchmark.settling import patience_s, whole_pages
from lab.benchmark.showing import Show

RECORDED_PAGES = 40
RECORDED_SERVICES = ("user_profile", "item_vision", "ranker", "model_server")
INNER_PATHS = [call.path for call in CALLS if call is not COMPOSE]
CALLERS = ("ranker", "page_composer")
"""Who calls the recorded services; started anew once that is done, without proxies."""
_PATIENT = {"VITRINE_MODEL_TIMEOUT_MS": "2000"}
# Proxies take their time; what is recorded is the messages, however late they are.


def new_recorder() -> Recorder:
    """Proxies in front of every service that a page needs."""
    return Recorder(RECORDED_SERVICES, INNER_PATHS)


def proxied(recorder: Recorder) -> dict[str, str]:
    """The environment in which an ensemble's services call each other through the proxies."""
    addresses = {f"VITRINE_{name.upper()}_ADDRESSES": address for name, address in recorder.addresses.items()}
    return {**addresses, **_PATIENT}


async def record_pages(rig: Rig, recorder: Recorder, environment: dict[str, str], show: Show) -> list[RecordedPage]:
    """Start a `proxied` ensemble, record pages, and start the callers anew without proxies.

    `environment` is the ensemble's own, which it reads whenever a process starts; it is emptied here, so that what
    took long to start (an index of a million items) is started no oftener than need be.

    Raises: BenchmarkFailed when too few pages were made by all services.
    """
    ensemble = rig.ensemble
    for service in RECORDED_SERVICES:
        recorder.forward_to(service, ensemble.address(service)[0])
    names = [spec.name for spec in ensemble.topology.process if spec.name != "storefront"]
    await asyncio.to_thread(ensemble.start, names)
    asked = await _compose(rig, show)
    environment.clear()
    await asyncio.gather(
        *(asyncio.to_thread(ensemble.restart, name, 0, patience_s(rig.shop.item_count)) for name in CALLERS)
    )
    complete = recorder.complete(INNER_PATHS)
    pages: list[RecordedPage] = [
        {**complete[page_id], COMPOSE.path: pair} for page_id, pair in asked.items() if page_id in complete
    ]
    if len(pages) < RECORDED_PAGES // 2:
        raise BenchmarkFailed(f"only {len(pages)} of {len(asked)} pages were made by all services; see the logs")
    return pages


async def _compose(rig: Rig, show: Show) -> dict[str, tuple[bytes, bytes]]:
    found: dict[str, tuple[bytes, bytes]] = {}
    async with rig:
        pages = rig.pages("recorded")
        await whole_pages(pages.compose, rig.stable, patience_s(rig.shop.item_count))
        for number in range(RECORDED_PAGES):
            show(f"{rig.shop.item_count:,} items: messages recorded", number + 1, RECORDED_PAGES)
            request, page = await pages.compose_with_request(number)
            answer = COMPOSE.response(page=page)
            found[page.page_id] = (request.SerializeToString(), answer.SerializeToString())
    return found
