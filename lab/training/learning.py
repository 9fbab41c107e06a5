"""What is learnt of a shop, stage by stage; each stage's result is one field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lab.training.candidate_sources import SourcePlan, Tables, calibrate_sources, interactions_of, train_sources
from lab.training.content import Content
from lab.training.export import Progress
from lab.training.fusion_size import sized
from lab.training.logged_pages import LoggedPage
from lab.training.popularity import Popularity
from lab.training.request_rows import Requests, ServingParts, impression_rows
from lab.training.sampled_rows import sampled_rows
from lab.training.shop_data import DAY_US, ShopData
from lab.training.source_choice import DEFAULT_SOURCES
from lab.training.source_figures import SourceReport, judged_pages, measure_sources
from lab.training.user_vectors import user_vectors
from services.ranker.catalogue import Catalogue
from services.ranker.catalogue_watch import catalogue_item
from services.ranker.fresh_items import FreshItems
from services.ranker.items import Items
from services.ranker.model.choices import Compression
from services.ranker.model.configuration import FusionConfig, ItemTable
from services.ranker.model.features import FEATURE_NAMES
from services.ranker.model.normalisation import Normalisation, priced
from services.ranker.price_bands import PriceBands
from services.ranker.ranker_release import RankerRelease
from services.ranker.row_map import RowMap
from services.ranker.sources import load_source
from services.ranker.training.compression import CompressedFusion, compress
from services.ranker.training.fusion import TrainedFusion, TrainingConfig, train_fusion
from services.ranker.training.metrics import area_under_curve, area_under_curve_by_user
from services.ranker.training.rows import ImpressionRows
from services.ranker.training.together import Job, train_together
from services.ranker.vocabulary import Vocabulary, codes
from services.user_profile.facets import Facets
from services.user_profile.model.encoder import Encoder
from services.user_profile.model.interactions import Weighting
from services.user_profile.training import autoencoder
from services.user_profile.training.autoencoder import TrainedAutoencoder
from services.user_profile.training.configuration import AutoencoderConfig

LEAST_PAGES = 200
"""With fewer logged pages the fusion model learns from sampled negatives instead."""

WARM_ACTIONS = 5
"""Items with fewer actions have no embedding of their own in the fusion model."""


@dataclass(frozen=True)
class TrainingOptions:
    """How much is trained, and how."""

    most_pages: int = 12_000
    """The newest logged pages are learnt from, at most so many."""
    autoencoder: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    fusion: FusionConfig = field(default_factory=FusionConfig)
    """Its width is at most what the impressions can fill (`fusion_size.sized`)."""
    fusion_training: TrainingConfig = field(
        default_factory=lambda: TrainingConfig(validation_share=0.07, held_out_share=0.07)
    )
    compression: Compression = "none"
    """What is served instead of the fusion model as trained."""
    workers: int = 1
    """Processes that train the fusion model together."""
    sources: Sequence[str] = DEFAULT_SOURCES
    """Candidate sources that are shipped, as `chosen_sources` gives them."""

    @property
    def choices(self) -> dict[str, str]:
        """What of these a release states, by name."""
        return {
            "history_encoder": self.fusion.history_encoder,
            "compression": self.compression,
            "sources": ", ".join(self.sources),
        }


@dataclass(frozen=True)
class Cut:
    """Where the past that everything is learnt from ends, and what is judged on begins."""

    pages: Sequence[LoggedPage]
    """The pages that are learnt from and judged on, in time order."""
    at_us: int


def cut_of(data: ShopData, pages: Sequence[LoggedPage], options: TrainingOptions) -> Cut:
    """The cut lies where the fusion model's validation pages begin."""
    newest = pages[-options.most_pages :]
    if len(newest) < LEAST_PAGES:
        return Cut(newest, data.now_us)
    training = options.fusion_training
    share = 1.0 - training.validation_share - training.held_out_share
    return Cut(newest, newest[min(round(len(newest) * share), len(newest) - 1)].occurred_us)


def learn_users(data: ShopData, cut: Cut, options: TrainingOptions, progress: Progress) -> TrainedAutoencoder:
    """The user autoencoder, from what happened before the cut."""
    weighting = Weighting()
    vectors = user_vectors(data.events, cut.at_us, weighting)

    def show(epoch: int, most: int, ndcg: float) -> None:
        progress(f"user autoencoder, held-out NDCG@100 {ndcg:.3f}", epoch, most)

    categories, _ = codes([item.category for item in data.items])
    return autoencoder.train(vectors, len(data.items), options.autoencoder, weighting, show, categories)


def serving_parts(
    data: ShopData, vocabulary: Vocabulary, bands: PriceBands, content: Content, encoder: Encoder
) -> ServingParts:
    """The release in the making, as serving would hold it: position and row of an item are its number."""
    popularity = Popularity.of(data.events, len(data.items))
    catalogue = Catalogue()
    catalogue.put([catalogue_item(item) for item in data.items])
    rows = RowMap(vocabulary)
    rows.update(catalogue)
    spaces = {**content.spaces, "user": encoder.space_id}
    release = RankerRelease(
        shop_id=data.shop_id,
        release_id="",
        version=0,
        created_s=data.now_us / 1e6,
        calibrated=False,
        spaces=spaces,
        vocabulary=vocabulary,
        normalisation=priced(vocabulary.categories, data.prices_minor),
        price_bands=bands,
        sources={},
        content=content.vectors,
        row_popularity=data.popularity,
        purchase_share=0.0,
        rows=rows,
        fresh=FreshItems(data.shop_id, "", spaces),
    )
    columns = {
        "brands": vocabulary.brands,
        "categories": vocabulary.categories,
        "colours": vocabulary.colours,
        "price_bands": vocabulary.price_bands,
    }
    facets = Facets.of(vocabulary.item_ids, columns)
    return ServingParts(release, Items(catalogue, rows), facets, encoder, popularity)


@dataclass(frozen=True)
class LearntFusion:
    """The fusion model with what it was trained from."""

    trained: TrainedFusion
    rows: ImpressionRows
    normalisation: Normalisation
    calibrated: bool
    popularity: Mapping[str, float]
    """What ordering the held-out rows by 30 days' popularity alone is worth: `click_auc`, `click_user_auc`."""
    compressed: CompressedFusion | None = None
    """What is served instead of `trained`, and what that costs; None: `trained` itself is served."""


def learn_fusion(
    data: ShopData, cut: Cut, requests: Requests, content: Content, options: TrainingOptions, progress: Progress
) -> LearntFusion:
    """The fusion model, from logged pages, or from sampled negatives where there are too few."""
    vocabulary = requests.vocabulary
    prices = priced(vocabulary.categories, data.prices_minor)
    impressions = len(cut.pages) >= LEAST_PAGES
    build = impression_rows if impressions else sampled_rows
    rows, normalisation = build(data, cut.pages, requests, prices, progress)
    table = item_table(data, vocabulary, content, cut)
    config, training = sized(options.fusion, rows), options.fusion_training
    if options.workers > 1:
        trained = train_together(Job(rows, table, config, training), options.workers, progress)
    else:
        trained = train_fusion(rows, table, config, training, progress)
    compressed = None
    if options.compression != "none":
        compressed = compress(trained, rows, table, options.compression, training, progress)
        trained = compressed.trained
    popularity = _popularity_order(rows, training)
    return LearntFusion(trained, rows, normalisation, impressions, popularity, compressed)


def _popularity_order(rows: ImpressionRows, training: TrainingConfig) -> dict[str, float]:
    """How well the most popular of each request come first among the held-out rows."""
    _, _, held_out = rows.split_by_time(training.validation_share, training.held_out_share)
    popularity = held_out.candidate_features[:, FEATURE_NAMES.index("popularity_30d")]
    users = held_out.users[held_out.request_of_row]
    return {
        "click_auc": area_under_curve(popularity, held_out.clicked),
        "click_user_auc": area_under_curve_by_user(popularity, held_out.clicked, users),
    }


def item_table(data: ShopData, vocabulary: Vocabulary, content: Content, cut: Cut) -> ItemTable:
    """What the model's graph holds of each item."""
    interactions = interactions_of(data, cut.at_us)
    actions = np.bincount(interactions.rows, minlength=len(data.items))
    return ItemTable(
        content=content.vectors,
        categories=codes(vocabulary.categories)[0],
        brands=codes(vocabulary.brands)[0],
        colours=codes(vocabulary.colours)[0],
        warm=actions >= WARM_ACTIONS,
    )


def source_plan(data: ShopData, vocabulary: Vocabulary, content: Content, options: TrainingOptions) -> SourcePlan:
    """The chosen sources, with what they read beside interactions."""
    ages = ((data.now_us - data.created_us) / DAY_US).astype(np.float32)
    return SourcePlan(options.sources, content.vectors, vocabulary, ages)


@dataclass(frozen=True)
class LearntSources:
    """The candidate sources."""

    tables: Tables
    """Of all events."""
    report: SourceReport | None
    """How good they are when made before the latest pages; None where there are too few logged pages to say."""


def learn_sources(
    data: ShopData, cut: Cut, requests: Requests, plan: SourcePlan, fusion: LearntFusion, progress: Progress
) -> LearntSources:
    """Every source's table from all events; what it finds, and what its scores are worth, is measured after the cut
    with tables from before.
    """
    tables = train_sources(interactions_of(data, data.now_us), plan, progress)
    judged = [page for page in cut.pages if page.occurred_us >= cut.at_us]
    if not judged:
        return LearntSources(tables, None)
    past = train_sources(interactions_of(data, cut.at_us), plan, lambda *_: None)
    seen = [(page, requests.visitor(page)) for page in judged]
    sources = {name: load_source(name, plan.vocabulary, table) for name, table in past.items()}
    report = measure_sources(sources, judged_pages(seen, plan.vocabulary, data.created_us), data.created_us)
    examination = fusion.trained.examination
    if examination is None:
        return LearntSources(tables, report)
    devices = data.events.device
    examined = {
        page.event: examination.probability(
            np.full(len(page.items), devices[page.event], np.int32), page.rows, page.columns
        )
        for page in judged
    }
    calibrate_sources(past, plan.vocabulary, seen, examined)
    worth = ("calibration_scores", "calibration_p_click")
    calibrated = {
        name: table | {key: past[name][key] for key in worth if key in past[name]} for name, table in tables.items()
    }
    return LearntSources(calibrated, report)


def purchase_share(pages: Sequence[LoggedPage]) -> float:
    """Share of clicks that led to a purchase; half a purchase is added so that it is never 0."""
    clicks = sum(int(page.clicked.sum()) for page in pages)
    bought = sum(int((page.clicked & page.purchased).sum()) for page in pages)
    return (bought + 0.5) / (clicks + 10.0)


def popular_p_click(pages: Sequence[LoggedPage], popularity: NDArray[np.float32]) -> NDArray[np.float32]:
    """`[items]` click rate where logged, drawn to the shop's own by how little is known."""
    shown = np.zeros(len(popularity))
    clicked = np.zeros(len(popularity))
    for page in pages:
        np.add.at(shown, page.items, 1.0)
        np.add.at(clicked, page.items, page.clicked.astype(np.float64))
    usual = float(clicked.sum() + 1.0) / float(shown.sum() + 50.0)
    return ((clicked + 20.0 * usual) / (shown + 20.0)).astype(np.float32)


def with_normalisation(parts: ServingParts, normalisation: Normalisation) -> RankerRelease:
    """The release as it will be served."""
    return replace(parts.release, normalisation=normalisation)
