"""From a shop's data to a published release: the stages of training, in order."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isnan
from pathlib import Path

from lab.training.bounds import bounds_reached
from lab.training.content import Content, learn_content
from lab.training.export import Progress, export_shop
from lab.training.learning import (
    LearntFusion,
    LearntSources,
    TrainingOptions,
    cut_of,
    learn_fusion,
    learn_sources,
    learn_users,
    serving_parts,
    source_plan,
)
from lab.training.logged_pages import logged_pages
from lab.training.publishing import Parts, publish
from lab.training.request_rows import Requests
from lab.training.shop_data import ShopData
from lab.training.vocabulary import build_vocabulary, fit_price_bands
from services.user_profile.training.autoencoder import TrainedAutoencoder

__all__ = ["TrainingOptions", "TrainingReport", "train", "train_on"]


@dataclass(frozen=True)
class TrainingReport:
    """What training made and measured."""

    release_id: str
    seconds: Mapping[str, float]
    """Wall time of each stage."""
    metrics: Mapping[str, float]


def train(
    shop_id: str,
    work: Path,
    addresses: Mapping[str, Sequence[str]],
    options: TrainingOptions,
    progress: Progress,
) -> TrainingReport:
    """Train on what the services hold of a shop, and publish a release. Nobody is served by it before a promotion.

    Raises: NothingToLearnError; ExportRefused when the C++ runtime does not run the model.
    """
    clock = _Clock()
    with clock.stage("export and preparation"):
        data = export_shop(shop_id, work, addresses, progress)
    return train_on(data, work / "releases", options, progress, clock)


def train_on(
    data: ShopData, releases: Path, options: TrainingOptions, progress: Progress, clock: "_Clock | None" = None
) -> TrainingReport:
    """Train on data that is read already."""
    clock = clock or _Clock()
    with clock.stage("pages"):
        pages = logged_pages(data.events)
        cut = cut_of(data, pages, options)
        bands = fit_price_bands(data)
        vocabulary = build_vocabulary(data, bands)
    with clock.stage("pictures and texts"):
        content = learn_content(data, pages, cut.at_us)
    with clock.stage("users"):
        users = learn_users(data, cut, options, progress)
    with clock.stage("fusion"):
        parts = serving_parts(data, vocabulary, bands, content, users.encoder)
        requests = Requests(data, parts)
        fusion = learn_fusion(data, cut, requests, content, options, progress)
    with clock.stage("sources"):
        plan = source_plan(data, vocabulary, content, options)
        sources = learn_sources(data, cut, requests, plan, fusion, progress)
    metrics = _metrics(content, users, fusion, sources)
    with clock.stage("publishing"):
        bounds = bounds_reached(data, options, fusion.calibrated)
        choices = options.choices | {"width": str(fusion.trained.model.config.width)}
        made = Parts(data, releases, cut, parts, bands, content, users, fusion, sources, requests, bounds, choices)
        release_id = publish(made, metrics)
    return TrainingReport(release_id, clock.seconds, metrics)


def _metrics(
    content: Content, users: TrainedAutoencoder, fusion: LearntFusion, sources: LearntSources
) -> dict[str, float]:
    metrics = {f"users.{name}": value for name, value in users.metrics.items()}
    metrics |= {f"fusion.{name}": value for name, value in fusion.trained.metrics.items()}
    metrics |= {
        f"fusion.held_out.popularity_{name}": value for name, value in fusion.popularity.items() if not isnan(value)
    }
    if sources.report is not None:
        metrics |= {f"sources.{name}": value for name, value in sources.report.metrics().items()}
    if content.report is not None:
        for name, report in content.report.attributes.items():
            metrics[f"pictures.{name}.accuracy"] = report.held_out_accuracy
        for name, value in content.report.map_at_10_embedding.items():
            metrics[f"pictures.{name}.map_at_10"] = value
    return metrics


class _Clock:
    """Wall time by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started_s = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - started_s, 1)
