"""The picture worker: takes feature jobs from PostgreSQL and computes features in batches, on a GPU if there is one."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.item_vision.model.encoders import ImageEncoder, TextEncoder
from services.item_vision.model.near_duplicates import NearDuplicateRule
from services.item_vision.model.pictures import PictureError, decode_picture, network_input, perceptual_hash
from services.item_vision.model.text import encode_items
from services.item_vision.sql.feature_jobs import FeatureJobs, Job
from services.item_vision.sql.feature_store import ItemFeatures
from services.kit.errors import DependencyDown
from services.kit.telemetry import metrics

LOG = logging.getLogger(__name__)

DATABASE_RETRY_S = 1.0
QUEUE_LOOK_S = 10.0


@dataclass(frozen=True)
class Encoders:
    """What features are computed with."""

    image: ImageEncoder
    text: TextEncoder


@dataclass(frozen=True)
class Computed:
    """What became of some jobs."""

    features: Sequence[tuple[Job, ItemFeatures]]
    failures: Sequence[tuple[Job, str]]
    """(job, reason and message)."""


@dataclass(frozen=True)
class WorkerSettings:
    """How a worker works."""

    batch_items: int
    idle_s: float
    attempts: int
    wordy_batch_items: int | None = None
    """Items without pictures taken beside them; None: as many."""


class Worker:
    """One worker. Several may run beside one another: a job is with one of them at a time."""

    def __init__(
        self,
        jobs: FeatureJobs,
        encoders: Encoders,
        settings: WorkerSettings,
        rule_of: Callable[[str], NearDuplicateRule],
    ) -> None:
        self._jobs = jobs
        self._encoders = encoders
        self._settings = settings
        self._rule_of = rule_of
        self._waiting = metrics().gauge("vitrine_feature_jobs_waiting", "Feature jobs to be done, of all shops.")
        self._done = metrics().counter("vitrine_feature_jobs", "Feature jobs, by outcome.", ["outcome"])
        for outcome in ("done", "failed"):
            self._done.labels(outcome)  # a counter that begins at nought shows that nothing was done

    async def run(self) -> None:
        """Work until cancelled. Features of other encoders than ours are renewed."""
        renewed = False
        while True:
            try:
                if not renewed:
                    await self._jobs.renew(self._encoders.image.backbone_name, self._encoders.text.encoder_name)
                    renewed = True
                worked = await self.work_once()
            except DependencyDown as error:
                LOG.warning("the database is away: %s", error.message)
                await asyncio.sleep(DATABASE_RETRY_S)
                continue
            if not worked:
                await asyncio.sleep(self._settings.idle_s)

    async def watch_queue(self) -> None:
        """Keep the length of the queue in view until cancelled; workers see the same queue."""
        while True:
            try:
                self._waiting.set(await self._jobs.waiting())
            except DependencyDown:
                LOG.info("the length of the queue is not known: the database is away")
            await asyncio.sleep(QUEUE_LOOK_S)

    async def work_once(self) -> int:
        """Take a batch and finish it; returns how many jobs there were."""
        jobs = await self._jobs.take(self._settings.batch_items, self._settings.wordy_batch_items)
        if jobs:
            computed = await asyncio.to_thread(compute_safely, jobs, self._encoders)
            await self._write(computed)
        return len(jobs)

    async def _write(self, computed: Computed) -> None:
        by_shop: dict[str, list[tuple[Job, ItemFeatures]]] = {}
        for job, features in computed.features:
            by_shop.setdefault(job.shop_id, []).append((job, features))
        for shop_id, done in by_shop.items():
            await self._jobs.finish(shop_id, done, self._rule_of(shop_id))
        for job, failure in computed.failures:
            await self._jobs.put_off(job, failure, give_up=job.attempts >= self._settings.attempts)
            LOG.warning("features failed", extra={"fields": {"item_id": job.item.item_id, "failure": failure}})
        self._done.labels("done").inc(len(computed.features))
        self._done.labels("failed").inc(len(computed.failures))


def compute_safely(jobs: Sequence[Job], encoders: Encoders) -> Computed:
    """`compute`, and when it fails as a whole each job alone: one bad picture costs only its own item."""
    try:
        return compute(jobs, encoders)
    except Exception as error:
        LOG.exception("a batch of features failed", extra={"fields": {"jobs": len(jobs)}})
        if len(jobs) == 1:
            return Computed([], [(jobs[0], f"FEATURES_FAILED: {type(error).__name__}: {error}")])
    alone = [compute_safely([job], encoders) for job in jobs]
    return Computed(
        [each for computed in alone for each in computed.features],
        [each for computed in alone for each in computed.failures],
    )


def compute(jobs: Sequence[Job], encoders: Encoders) -> Computed:
    """Features of a batch: pictures decoded, encoded together; texts encoded together."""
    inputs: list[NDArray[np.uint8]] = []
    hashes: dict[int, int] = {}
    usable: list[Job] = []
    failures: list[tuple[Job, str]] = []
    for job in jobs:
        if job.picture is not None:
            try:
                picture = decode_picture(job.picture)
            except PictureError as error:
                failures.append((job, f"{error.reason}: {error}"))
                continue
            hashes[len(usable)] = perceptual_hash(picture)
            inputs.append(network_input(picture))
        usable.append(job)
    encoded = iter(encoders.image.encode(np.stack(inputs)) if inputs else ())
    texts = encode_items(encoders.text, [job.item.text for job in usable])
    features = [
        ItemFeatures(
            item_id=job.item.item_id,
            image=next(encoded).astype(np.float16) if place in hashes else None,
            image_hash=hashes.get(place, 0),
            text=texts[place].astype(np.float16),
            image_backbone=encoders.image.backbone_name,
            text_encoder=encoders.text.encoder_name,
            feature_hash=job.item.feature_hash,
        )
        for place, job in enumerate(usable)
    ]
    return Computed(list(zip(usable, features, strict=True)), failures)
