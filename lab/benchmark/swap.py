"""A release is swapped under load: a copy of the one in force is published and promoted while pages are asked for."""

import asyncio
import shutil
import time
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np

from lab.benchmark.loading import timeline
from lab.benchmark.machine import usage
from lab.benchmark.open_loop import LoadResult, open_loop
from lab.benchmark.pages import Pages
from lab.benchmark.rig import Rig
from lab.benchmark.settling import whole_pages
from lab.evaluation.statistics import RESAMPLES, percentiles
from lab.releases import promote_release
from services.kit.label_moves import move_labels
from services.kit.release import MANIFEST_FILE, Labels, relative_files
from services.kit.release_writer import FUSION, SERVING_FOLDER, ReleaseWriter
from vitrine.page_composer.v1 import page_composer_pb2

PROMOTION_S = 200.0
LONGEST_S = 2 * PROMOTION_S + 300.0
"""Of the load: longer than the promotion and the first page are waited for, with the copying and what is measured."""


@dataclass(frozen=True)
class SwapPlan:
    """How long the load runs beside the swap itself."""

    warm_up_s: float = 3.0
    before_s: float = 30.0
    after_s: float = 15.0
    """After pages are made with the new release; counts as during: caches are new."""

    @classmethod
    def quick(cls) -> "SwapPlan":
        """Long enough to see that it works."""
        return cls(warm_up_s=0.5, before_s=3.0, after_s=2.0)


class _Watched:
    """Pages that remember which releases made them."""

    def __init__(self, pages: Pages, new: "asyncio.Future[str]") -> None:
        self._pages = pages
        self._new = new
        self.releases: set[str] = set()
        self.arrived = asyncio.Event()

    async def send(self, number: int, _due_s: float) -> bool:
        page: page_composer_pb2.Page = await self._pages.compose(number)
        self.releases.add(page.versions.release_id)
        if self._new.done() and page.versions.release_id == self._new.result():
            self.arrived.set()
        return bool(page.degraded)


async def swapped(rig: Rig, rate: float, plan: SwapPlan) -> dict[str, Any]:
    """p99 while a release is published, loaded by everybody and promoted, against p99 before. Everything is put back.

    Raises: grpc.RpcError when the promotion is refused.
    """
    loop = asyncio.get_running_loop()
    old, labels, release_id = rig.stable, rig.releases.labels(), None
    new: asyncio.Future[str] = loop.create_future()
    watched, enough = _Watched(rig.pages("swap"), new), asyncio.Event()
    before = usage(rig.work)
    began_s = loop.time()
    load = asyncio.create_task(open_loop(watched.send, rate, LONGEST_S, until=enough))
    marks: dict[str, float] = {}
    try:
        await asyncio.sleep(plan.warm_up_s + plan.before_s)
        marks["copied"] = loop.time() - began_s
        release_id = await asyncio.to_thread(_copied, rig, old)
        new.set_result(release_id)
        marks["published"] = loop.time() - began_s
        await asyncio.to_thread(_promoted, rig, release_id)
        marks["promoted"] = loop.time() - began_s
        await asyncio.wait_for(watched.arrived.wait(), PROMOTION_S)
        marks["first_page"] = loop.time() - began_s
        await asyncio.sleep(plan.after_s)
    finally:
        enough.set()
        result = await load
        if release_id is not None:
            await _put_back(rig, labels, release_id)
    spent = usage(rig.work).since(before)
    return {**_figures(result, marks, plan), "releases": len(watched.releases), "rate": round(rate, 2), **spent.noise()}


def _figures(result: LoadResult, marks: dict[str, float], plan: SwapPlan) -> dict[str, Any]:
    calm = result.latencies_between(plan.warm_up_s, marks["copied"])
    during = result.latencies_between(marks["published"], result.seconds + 1.0)
    ratio, low, high = p99_ratio(during, calm)
    return {
        "before_ms": percentiles(calm),
        "during_ms": percentiles(during),
        "pages": [len(calm), len(during)],
        "p99_ratio": round(ratio, 2),
        "p99_ratio_interval": [round(low, 2), round(high, 2)],
        "errors": dict(result.errors),
        "degraded": result.degraded,
        "marks_s": {name: round(at, 1) for name, at in marks.items()},
        "timeline": timeline(result),
    }


def p99_ratio(during: list[float], before: list[float], seed: int = 1) -> tuple[float, float, float]:
    """p99 of the one over p99 of the other, with its 95 % bootstrap interval.

    Raises: ValueError without values.
    """
    if not during or not before:
        raise ValueError("there are no pages before or during the swap")
    random = np.random.default_rng(seed)

    def p99s(values: list[float]) -> Any:
        drawn = random.choice(np.asarray(values), (RESAMPLES, len(values)))
        return np.quantile(drawn, 0.99, axis=1)

    ratio = float(np.quantile(during, 0.99) / np.quantile(before, 0.99))
    low, high = np.quantile(p99s(during) / p99s(before), (0.025, 0.975))
    return ratio, float(low), float(high)


def _copied(rig: Rig, release_id: str) -> str:
    """Publish the content of a release under a new id, its model under a new version."""
    old = rig.releases.open(release_id)
    with ReleaseWriter(rig.work / "releases", rig.shop.shop_id) as writer:
        for relative in sorted(relative_files(old.path) - {MANIFEST_FILE}):
            renamed = relative.replace(f"fusion/{old.manifest.version}/", f"fusion/{writer.version}/", 1)
            writer.copy_file(renamed, old.path / relative)
        facts = old.manifest
        writer.publish(
            data_sha256=facts.data_sha256, spaces=facts.spaces, calibrated=facts.calibrated, metrics=facts.metrics
        )
    return writer.release_id


def _promoted(rig: Rig, release_id: str) -> None:
    """Promote, and ask again while a service is still loading: a release of a million items takes its time."""
    ends_s = time.monotonic() + PROMOTION_S
    while True:
        try:
            promote_release(rig.ensemble.address("ranker"), rig.shop.shop_id, release_id)
        except grpc.RpcError as error:
            loading = error.code() in (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.DEADLINE_EXCEEDED)
            if not loading or time.monotonic() > ends_s:
                raise
        else:
            return


async def _put_back(rig: Rig, labels: Labels, copy: str) -> None:
    """Make the old release stable again unless somebody promoted another, and remove the copy, which nothing names."""
    if rig.stable == copy and labels.stable:
        await asyncio.to_thread(_promoted, rig, labels.stable)
        await whole_pages(rig.pages("swapped-back").compose, labels.stable, PROMOTION_S)
    now = rig.releases.labels()
    move_labels(rig.releases, now, without(copy, now, labels))
    link = rig.releases.path / SERVING_FOLDER / FUSION / copy.removeprefix("r")
    link.unlink(missing_ok=True)
    shutil.rmtree(rig.releases.path / copy, ignore_errors=True)


def without(copy: str, now: Labels, before: Labels) -> Labels:
    """The labels with those that name the copy put back; what others moved meanwhile stays where they moved it."""
    # Who promoted another release over the copy would have had the old stable one to go back to.
    previous = before.previous if now.stable in (copy, before.stable) else before.stable
    instead = {"stable": before.stable, "canary": before.canary, "previous": previous}
    return now.model_copy(update={name: instead[name] for name, named in now if named == copy})
