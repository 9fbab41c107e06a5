"""A complete small release, made of the services' own parts and seeded, for every test that needs one.

Ask for the session's fixture `small_release` to read one, and for `copied` to have releases of one's own to publish and
promote. `republish` makes a further release of a shop in milliseconds.
"""

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from services.item_vision.model.heads import AttributeHead, Heads
from services.item_vision.model.text_projection import TextProjection
from services.kit.release import Labels, Release, ReleaseDirectory, relative_files
from services.kit.release_writer import ReleaseWriter
from services.ranker.item_facts import ItemFacts
from services.ranker.model.features import raw_candidate_features, request_tensors
from services.ranker.model.normalisation import Normalisation, fit_normalisation, priced
from services.ranker.model.signature import EXPLAIN, Tensors
from services.ranker.predict_protocol import saved_model_pb2
from services.ranker.price_bands import PriceBands
from services.ranker.training.examination import Examination
from services.ranker.training.interactions import Interactions
from services.ranker.training.sources import als, item_cf, knowledge_graph, new, popular, user_cf, visual
from services.ranker.training.sources import content as by_content
from services.ranker.visitor import RecentAction, Visitor
from services.ranker.vocabulary import Vocabulary, codes
from services.user_profile.model.encoder import Encoder
from services.user_profile.model.interactions import Weighting
from tests.small_shop import IMAGE_WIDTH, NOW, TEXT_WIDTH, SmallItem, small_items

PUBLISHED_AT = NOW - timedelta(hours=12)
BACKBONE, TEXT_ENCODER = "small-backbone", "small-encoder"
USERS, ACTIONS_A_USER = 40, 12


@dataclass(frozen=True)
class SmallRelease:
    """Where a small release is."""

    releases_dir: Path
    shop_id: str
    release_id: str
    """Labelled stable."""

    @property
    def release(self) -> Release:
        return ReleaseDirectory(self.releases_dir, self.shop_id).open(self.release_id)


def copied(release: SmallRelease, releases_dir: Path) -> SmallRelease:
    """The same release below another folder, to publish and promote in."""
    shutil.copytree(release.releases_dir / release.shop_id, releases_dir / release.shop_id, symlinks=True)
    return SmallRelease(releases_dir, release.shop_id, release.release_id)


def republish(
    release: SmallRelease, later: timedelta = timedelta(hours=1), shop_id: str = "", without: Collection[str] = ()
) -> str:
    """Publish the same content as a newer release, or for another shop, without a label; answers its id. Sources named
    in `without` are not shipped.
    """
    old = release.release
    now = old.manifest.created_at + later
    with ReleaseWriter(release.releases_dir, shop_id or release.shop_id, now) as writer:
        _copy_files(writer, old, {f"sources/{name}.npz" for name in without})
        facts = old.manifest
        writer.publish(
            data_sha256=facts.data_sha256, spaces=facts.spaces, calibrated=facts.calibrated, metrics=facts.metrics
        )
    return writer.release_id


def republish_unexplained(release: SmallRelease, later: timedelta, shop_id: str) -> str:
    """The same with the model as it was exported before it could explain itself: without that signature."""
    old = release.release
    with ReleaseWriter(release.releases_dir, shop_id, old.manifest.created_at + later) as writer:
        _copy_files(writer, old)
        path = writer.fusion_folder / "saved_model.pb"
        model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
        del model.meta_graphs[0].signature_def[EXPLAIN]
        path.write_bytes(model.SerializeToString())
        # Warm-up requests of that signature would fail.
        (writer.fusion_folder / "assets.extra" / "tf_serving_warmup_requests").unlink()
        writer.publish(data_sha256=old.manifest.data_sha256, spaces=old.manifest.spaces, calibrated=True)
    return writer.release_id


def _copy_files(writer: ReleaseWriter, old: Release, but: Collection[str] = ()) -> None:
    for relative in relative_files(old.path) - {"release.json", *but}:
        renamed = relative.replace(f"fusion/{old.manifest.version}/", f"fusion/{writer.version}/", 1)
        writer.copy_file(renamed, old.path / relative)


def write_small_release(
    releases_dir: Path,
    shop_id: str = "boutique",
    items: int = 60,
    now: datetime = PUBLISHED_AT,
    seed: int = 5,
    with_model: bool = True,
) -> str:
    """Publish a release of the first `items` small items and label it stable; answers its id.

    Exporting the fusion model takes ten seconds; without it the rest is there in a tenth of one.
    """
    shop = small_items(items, seed)
    vectors = SmallVectors(seed)
    content = vectors.content(shop)
    interactions = _interactions(shop, seed)
    bands = PriceBands.fit(_prices(shop), [item.category for item in shop])
    vocabulary = _vocabulary(shop, bands)
    encoder = _encoder(items, seed)
    with ReleaseWriter(releases_dir, shop_id, now) as writer:
        vocabulary.save(writer.path("vocabulary.npz"))
        popularity = _popularity(interactions)
        writer.write_arrays("items.npz", {"content": content, "popularity": popularity})
        writer.write_json("price_bands.json", bands.to_json())
        encoder.save(writer.folder)
        vectors.heads.save(writer.path("vision/heads.npz").parent)
        vectors.projection.save(writer.path("text/projection.npz").parent)
        for name, arrays in _sources(interactions, content, vocabulary, _ages(shop, now)).items():
            writer.write_arrays(f"sources/{name}.npz", arrays)
        _write_fusion(writer, vocabulary, content, _facts(shop, vocabulary, popularity, now), with_model)
        _write_page(writer, shop, popularity)
        writer.write_text("model_card.md", "A release for tests.\n")
        writer.publish(
            data_sha256="0" * 64,
            spaces={**vectors.spaces, "user": encoder.space_id},
            calibrated=True,
            metrics={"purchase_share_of_clicks": 0.1},
        )
    ReleaseDirectory(releases_dir, shop_id).write_labels(Labels(stable=writer.release_id))
    return writer.release_id


class SmallVectors:
    """The vision heads and the text projection of the small release: what turns raw features into its spaces."""

    def __init__(self, seed: int = 5) -> None:
        random = np.random.default_rng([seed, 1])
        self.heads = Heads(
            BACKBONE,
            (_attribute_head(random, "colour", ("black", "blue", "green", "red")),),
            _normal(random, IMAGE_WIDTH, 64),
            np.zeros(64, np.float32),
        )
        self.projection = TextProjection(
            TEXT_ENCODER, np.zeros(TEXT_WIDTH, np.float32), _normal(random, TEXT_WIDTH, 64)
        )

    @property
    def spaces(self) -> dict[str, str]:
        """Vector space by modality."""
        return {"image": self.heads.space_id, "text": self.projection.space_id}

    def content(self, items: Sequence[SmallItem]) -> np.ndarray:
        """`[items, 128]` image 64 + text 64."""
        image = self.heads.embed(np.stack([item.image for item in items]))
        return np.concatenate([image, self.projection.project(np.stack([item.text for item in items]))], axis=1)


def _normal(random: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    return (random.standard_normal((rows, columns)) / np.sqrt(rows)).astype(np.float32)


def _attribute_head(random: np.random.Generator, name: str, classes: tuple[str, ...]) -> AttributeHead:
    return AttributeHead(
        name, classes, _normal(random, IMAGE_WIDTH, len(classes)), np.zeros(len(classes), np.float32), 1.5, 0.4
    )


def _encoder(items: int, seed: int) -> Encoder:
    random = np.random.default_rng([seed, 2])
    layers = [
        (_normal(random, items, 32) * np.float32(items**0.5), np.zeros(32, np.float32)),
        (_normal(random, 32, 64), np.zeros(64, np.float32)),
    ]
    return Encoder(layers, "tanh", "dae", Weighting())


def _interactions(shop: Sequence[SmallItem], seed: int) -> Interactions:
    """Each user keeps to two categories and acts on popular items more often."""
    random = np.random.default_rng([seed, 3])
    categories = np.array([item.category for item in shop])
    draw = random.pareto(1.5, len(shop)) + 0.1
    names = np.unique(categories)
    rows = []
    for _ in range(USERS):
        weights = draw * np.isin(categories, random.choice(names, 2, replace=False))
        rows.append(random.choice(len(shop), ACTIONS_A_USER, p=weights / weights.sum()))
    count = USERS * ACTIONS_A_USER
    return Interactions(
        users=np.repeat(np.arange(USERS, dtype=np.int32), ACTIONS_A_USER),
        rows=np.concatenate(rows).astype(np.int32),
        actions=random.choice(np.array([2, 4, 5, 6, 7], np.int32), count),
        age_days=random.uniform(0.0, 30.0, count).astype(np.float32),
        segments=np.stack([random.choice(["region:DE", "region:ES"], count), np.full(count, "device:1")], axis=1),
        user_count=USERS,
        item_count=len(shop),
    )


def _prices(shop: Sequence[SmallItem]) -> np.ndarray:
    return np.array([item.price_minor for item in shop], np.int64)


def _ages(shop: Sequence[SmallItem], now: datetime) -> np.ndarray:
    return np.array([(now - item.created_at).total_seconds() / 86_400.0 for item in shop], np.float32)


def _vocabulary(shop: Sequence[SmallItem], bands: PriceBands) -> Vocabulary:
    return Vocabulary(
        item_ids=[item.item_id for item in shop],
        family_ids=[item.family_id for item in shop],
        brands=[item.brand for item in shop],
        categories=[item.category for item in shop],
        colours=[item.colour for item in shop],
        price_bands=[bands.band(item.price_minor, item.category) for item in shop],
    )


def _popularity(interactions: Interactions) -> np.ndarray:
    windows = [interactions.age_days < days for days in (1, 7, 30)]
    counts = [np.bincount(interactions.rows[window], minlength=interactions.item_count) for window in windows]
    return np.stack(counts, axis=1).astype(np.float32)


def _sources(
    interactions: Interactions, content: np.ndarray, vocabulary: Vocabulary, age_days: np.ndarray
) -> dict[str, dict[str, Any]]:
    factors = als.train(interactions, als.AlsConfig(factors=8, sweeps=3))
    tables = {
        "item_cf": item_cf.train(interactions),
        "user_cf": user_cf.train(interactions, factors=factors["item_factors"]),
        "als": factors,
        "two_tower": _two_tower(content),
        "visual": visual.train(content),
        "content": by_content.train(content, vocabulary),
        "knowledge_graph": knowledge_graph.train(interactions, vocabulary),
        "popular": popular.train(interactions, popular.PopularConfig(least_actions=20)),
        "new": new.train(age_days),
    }
    for table in tables.values():
        table["calibration_scores"] = np.array([0.0, 1.0, 4.0], np.float32)
        table["calibration_p_click"] = np.array([0.01, 0.05, 0.2], np.float32)
    return tables


def _two_tower(content: np.ndarray) -> dict[str, Any]:
    """Towers that were never trained: both see an item's content. (Training them would need TensorFlow.)"""
    return {
        "item_vectors": content / np.maximum(np.linalg.norm(content, axis=1, keepdims=True), 1e-9),
        "history_vectors": content,
        "user_kernel": np.zeros((content.shape[1], content.shape[1]), np.float32),
        "user_bias": np.zeros(content.shape[1], np.float32),
        "temperature": np.array(0.1, np.float32),
    }


def _facts(shop: Sequence[SmallItem], vocabulary: Vocabulary, popularity: np.ndarray, now: datetime) -> ItemFacts:
    return ItemFacts(
        item_ids=vocabulary.item_ids,
        rows=np.arange(len(shop), dtype=np.int32),
        price_minor=_prices(shop),
        list_price_minor=np.array([item.list_price_minor for item in shop], np.int64),
        brands=vocabulary.brands,
        categories=vocabulary.categories,
        price_bands=vocabulary.price_bands,
        popularity_1d=popularity[:, 0],
        popularity_7d=popularity[:, 1],
        popularity_30d=popularity[:, 2],
        stock=np.full(len(shop), -1, np.int32),
        age_days=_ages(shop, now),
        new_vectors=np.zeros((0, 128), np.float32),
    )


def _normalisation(facts: ItemFacts, visitor: Visitor) -> Normalisation:
    prices = priced(facts.categories, facts.price_minor)
    return fit_normalisation(prices, raw_candidate_features(visitor, facts, prices), ["DE", "ES", "DE"], ["en", "es"])


def _write_fusion(
    writer: ReleaseWriter, vocabulary: Vocabulary, content: np.ndarray, facts: ItemFacts, with_model: bool
) -> None:
    visitor = Visitor(np.ones(64, np.float32), tuple(RecentAction(facts.item_ids[row], 4, 1.0) for row in (0, 5, 9)))
    normalisation = _normalisation(facts, visitor)
    normalisation.save(writer.path("fusion/features.json"))
    writer.write_json("fusion/calibration.json", {"click_scale": 1.0, "click_shift": -2.5})
    if with_model:
        _export(writer, vocabulary, content, request_tensors(visitor, facts, vocabulary, normalisation))


def _export(writer: ReleaseWriter, vocabulary: Vocabulary, content: np.ndarray, warm_up: Tensors) -> None:
    """An untrained model, calibrated so that clicks are about as rare as they are."""
    from services.ranker.model.configuration import FusionConfig, ItemTable
    from services.ranker.model.export import export_fusion
    from services.ranker.model.fusion import build_fusion

    columns = [codes(column)[0] for column in (vocabulary.categories, vocabulary.brands, vocabulary.colours)]
    table = ItemTable(content, *columns, warm=np.ones(len(vocabulary), np.bool_))
    model = build_fusion(table, FusionConfig(width=16, interests=4, id_size=4, attribute_size=4, hidden=(16,)))
    model.calibration.shift.assign([-2.5, -1.5])
    export_fusion(model, writer.fusion_folder, [warm_up], f"fusion-{writer.shop_id}")


def _write_page(writer: ReleaseWriter, shop: Sequence[SmallItem], popularity: np.ndarray) -> None:
    rows, columns = np.arange(6)[:, None], np.arange(8)[None, :]
    curve = 1.0 / ((1.0 + 0.2 * rows) * (1.0 + 0.1 * columns))
    Examination({1: curve, 2: curve, 3: curve}).save(writer.path("page/examination.json"))
    order = np.argsort(-popularity[:, 2], kind="stable").tolist()
    writer.write_json(
        "page/fallback.json",
        {
            "items": [_displayed(shop[row], float(popularity[row, 2])) for row in order],
            "segments": {"all": list(range(len(order))), "region:DE": list(range(len(order) - 1, -1, -1))},
        },
    )


def _displayed(item: SmallItem, popularity: float) -> dict[str, Any]:
    return {
        "item_id": item.item_id,
        "family_id": item.family_id,
        "near_duplicate_cluster": 0,
        "titles": item.titles,
        "link": f"https://shop.example/{item.item_id}",
        "price_minor": item.price_minor,
        "list_price_minor": item.list_price_minor,
        "currency": "EUR",
        "brand": item.brand,
        "category": item.category,
        "image_count": 1,
        "image_etag": f"etag-{item.number}",
        "regions": [],
        "minimum_age": 0,
        "p_click_if_seen": round(0.01 + 0.005 * min(popularity, 20.0), 6),
    }
