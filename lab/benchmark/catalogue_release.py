"""A release over a synthetic catalogue: every file that serving needs, with plausible content and untrained models."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.benchmark.catalogue import data_hash
from lab.benchmark.catalogue_items import COLOURS, VECTOR_SIZE, SyntheticItems
from lab.benchmark.catalogue_rows import IMAGE_BACKBONE, text_encoder_name
from lab.benchmark.catalogue_sources import Actions, source_tables
from lab.benchmark.catalogue_static import static_page
from services.item_vision.model.heads import Heads
from services.item_vision.model.text_projection import TextProjection
from services.kit.release import Labels, ReleaseDirectory
from services.kit.release_writer import ReleaseWriter
from services.ranker.item_facts import ItemFacts
from services.ranker.model.features import raw_candidate_features, request_tensors
from services.ranker.model.normalisation import fit_normalisation, priced
from services.ranker.model_client import model_name
from services.ranker.price_bands import PriceBands
from services.ranker.training.examination import Examination
from services.ranker.visitor import RecentAction, Visitor
from services.ranker.vocabulary import Vocabulary, codes
from services.user_profile.model.encoder import EMBEDDING_SIZE, Encoder
from services.user_profile.model.interactions import Weighting

HIDDEN = 64
"""Of the profile encoder; its first layer has a row for every item."""
WARM_UP_CANDIDATES = 300
CLICK_SHIFT, PURCHASE_SHIFT = -2.5, -1.5
"""Make clicks about as rare as they are."""


def publish(releases: Path, shop_id: str, items: SyntheticItems) -> str:
    """Write, gate and publish the release, label it stable; answers its id.

    Raises: ExportRefused when the C++ runtime does not run the model as Python does.
    """
    bands, actions = _bands(items), Actions.draw(items)
    vocabulary = _vocabulary(items, bands)
    heads, projection, encoder = _heads(), _projection(), _encoder(items)
    popularity = actions.popularity()
    with ReleaseWriter(releases, shop_id, datetime.now(UTC)) as writer:
        vocabulary.save(writer.path("vocabulary.npz"))
        writer.write_arrays("items.npz", {"content": items.vectors, "popularity": popularity})
        writer.write_json("price_bands.json", bands.to_json())
        encoder.save(writer.folder)
        heads.save(writer.path("vision/heads.npz").parent)
        projection.save(writer.path("text/projection.npz").parent)
        for name, table in source_tables(items, vocabulary, actions):
            writer.write_arrays(f"sources/{name}.npz", table)
        _write_page(writer, items, popularity)
        _write_fusion(writer, items, vocabulary, popularity)
        writer.write_text("model_card.md", "A synthetic release for measuring speed. Its models are not trained.\n")
        writer.publish(
            data_sha256=data_hash(len(items), items.seed),
            spaces={"image": heads.space_id, "text": projection.space_id, "user": encoder.space_id},
            calibrated=False,
            metrics={"purchase_share_of_clicks": 0.1},
        )
    ReleaseDirectory(releases, shop_id).write_labels(Labels(stable=writer.release_id))
    return writer.release_id


def _bands(items: SyntheticItems) -> PriceBands:
    return PriceBands.fit(items.price_minor, [items.categories[code] for code in items.category.tolist()])


def _vocabulary(items: SyntheticItems, bands: PriceBands) -> Vocabulary:
    categories = [items.categories[code] for code in items.category.tolist()]
    return Vocabulary(
        item_ids=items.item_ids(),
        family_ids=[f"f{number}" for number in items.family.tolist()],
        brands=[items.brands[code] for code in items.brand.tolist()],
        categories=categories,
        colours=[COLOURS[code] for code in items.colour.tolist()],
        price_bands=[
            bands.band(price, category) for price, category in zip(items.price_minor.tolist(), categories, strict=True)
        ],
    )


def _heads() -> Heads:
    """Raw features are the vectors already."""
    return Heads(IMAGE_BACKBONE, (), np.eye(VECTOR_SIZE, dtype=np.float32), np.zeros(VECTOR_SIZE, np.float32))


def _projection() -> TextProjection:
    return TextProjection(text_encoder_name(), np.zeros(VECTOR_SIZE, np.float32), np.eye(VECTOR_SIZE, dtype=np.float32))


def _encoder(items: SyntheticItems) -> Encoder:
    """Untrained: items that are alike have rows that are alike."""
    random = np.random.default_rng([items.seed, 2])
    project = random.standard_normal((items.vectors.shape[1], HIDDEN), np.float32)
    out = random.standard_normal((HIDDEN, EMBEDDING_SIZE), np.float32) / np.float32(HIDDEN**0.5)
    layers = [
        (items.vectors @ project, np.zeros(HIDDEN, np.float32)),
        (out, np.zeros(EMBEDDING_SIZE, np.float32)),
    ]
    return Encoder(layers, "tanh", "dae", Weighting())


def _write_page(writer: ReleaseWriter, items: SyntheticItems, popularity: NDArray[np.float32]) -> None:
    rows, columns = np.arange(6)[:, None], np.arange(8)[None, :]
    curve = 1.0 / ((1.0 + 0.2 * rows) * (1.0 + 0.1 * columns))
    Examination({1: curve, 2: curve, 3: curve}).save(writer.path("page/examination.json"))
    writer.write_json("page/fallback.json", static_page(items, popularity[:, 2]))


def _write_fusion(
    writer: ReleaseWriter, items: SyntheticItems, vocabulary: Vocabulary, popularity: NDArray[np.float32]
) -> None:
    """The model with the default sizes, untrained, exported and gated like every other."""
    from services.ranker.model.configuration import FusionConfig, ItemTable
    from services.ranker.model.export import export_fusion
    from services.ranker.model.fusion import build_fusion
    from services.ranker.model.gate import check_export

    facts = _facts(items, vocabulary, popularity)
    visitor = Visitor(
        np.ones(EMBEDDING_SIZE, np.float32), tuple(RecentAction(facts.item_ids[row], 4, 1.0) for row in (0, 5, 9))
    )
    prices = priced(facts.categories, facts.price_minor)
    raw = raw_candidate_features(visitor, facts, prices)
    normalisation = fit_normalisation(prices, raw, ["DE", "ES", "GB"], ["en", "es"])
    normalisation.save(writer.path("fusion/features.json"))
    writer.write_json("fusion/calibration.json", {"click_scale": 1.0, "click_shift": CLICK_SHIFT})
    table = ItemTable(
        items.vectors,
        categories=codes(vocabulary.categories)[0],
        brands=codes(vocabulary.brands)[0],
        colours=codes(vocabulary.colours)[0],
        warm=np.ones(len(vocabulary), np.bool_),
    )
    model = build_fusion(table, FusionConfig())
    model.calibration.shift.assign([CLICK_SHIFT, PURCHASE_SHIFT])
    warm_up = request_tensors(visitor, facts, vocabulary, normalisation)
    export_fusion(model, writer.fusion_folder, [warm_up], model_name(writer.shop_id))
    check_export(writer.fusion_folder, model.serve, len(items))


def _facts(items: SyntheticItems, vocabulary: Vocabulary, popularity: NDArray[np.float32]) -> ItemFacts:
    """Of as many items as a page has candidates: what normalisation and the warm-up are made from."""
    rows = np.random.default_rng([items.seed, 4]).permutation(len(items))[:WARM_UP_CANDIDATES].astype(np.int32)

    def chosen(column: Any) -> list[Any]:
        return [column[row] for row in rows.tolist()]

    return ItemFacts(
        item_ids=chosen(vocabulary.item_ids),
        rows=rows,
        price_minor=items.price_minor[rows],
        list_price_minor=items.list_price_minor[rows],
        brands=chosen(vocabulary.brands),
        categories=chosen(vocabulary.categories),
        price_bands=chosen(vocabulary.price_bands),
        popularity_1d=popularity[rows, 0],
        popularity_7d=popularity[rows, 1],
        popularity_30d=popularity[rows, 2],
        stock=np.full(len(rows), -1, np.int32),
        age_days=items.age_days[rows],
        new_vectors=np.zeros((0, items.vectors.shape[1]), np.float32),
    )
