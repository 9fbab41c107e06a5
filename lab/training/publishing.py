"""Writes everything serving needs into one release, gates the model, and publishes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lab.training.content import Content
from lab.training.fusion_export import write_fusion
from lab.training.learning import Cut, LearntFusion, LearntSources, popular_p_click, purchase_share, with_normalisation
from lab.training.model_card import CardNotes, model_card
from lab.training.request_rows import Requests, ServingParts
from lab.training.shop_data import ShopData
from lab.training.static_page import static_page
from lab.training.vocabulary import item_of_variant
from services.kit.release_writer import ReleaseWriter
from services.kit.texts import pack_texts
from services.ranker.model.features import request_tensors
from services.ranker.model.signature import Tensors
from services.ranker.price_bands import PriceBands
from services.user_profile.training.autoencoder import TrainedAutoencoder

WARM_UP_REQUESTS = 8
WARM_UP_CANDIDATES = 300


@dataclass(frozen=True)
class Parts:
    """What has been learnt."""

    data: ShopData
    releases: Path
    cut: Cut
    serving: ServingParts
    bands: PriceBands
    content: Content
    users: TrainedAutoencoder
    fusion: LearntFusion
    sources: LearntSources
    requests: Requests
    bounds: Sequence[str]
    """What the catalogue's size left out, for the model card."""
    choices: Mapping[str, str]
    """How it was made, by name."""


def publish(parts: Parts, metrics: Mapping[str, float]) -> str:
    """Write, gate, publish; returns the release's id.

    Raises: ExportRefused when the C++ runtime does not run the model as Python does.
    """
    figures = {**metrics, "purchase_share_of_clicks": purchase_share(parts.cut.pages)}
    with ReleaseWriter(parts.releases, parts.data.shop_id) as writer:
        _write_items(writer, parts)
        _write_content(writer, parts.content)
        parts.users.encoder.save(writer.folder)
        for name, table in parts.sources.tables.items():
            writer.write_arrays(f"sources/{name}.npz", table)
        _write_page(writer, parts)
        figures |= write_fusion(writer, parts.fusion, len(parts.data.items), _warm_up(parts))
        calibrated = parts.fusion.calibrated
        notes = CardNotes(parts.bounds, parts.choices, parts.sources.report)
        card = model_card(parts.data, writer.release_id, figures, calibrated, notes)
        writer.write_text("model_card.md", card)
        release = writer.publish(
            data_sha256=parts.data.sha256,
            spaces=parts.serving.release.spaces,
            calibrated=calibrated,
            metrics=figures,
            choices=parts.choices,
        )
    return release.release_id


def _write_items(writer: ReleaseWriter, parts: Parts) -> None:
    parts.serving.release.vocabulary.save(writer.path("vocabulary.npz"))
    popularity = parts.serving.release.row_popularity
    variants = item_of_variant(parts.data.items)
    writer.write_arrays(
        "variants.npz", pack_texts("variant_ids", list(variants)) | pack_texts("item_ids", list(variants.values()))
    )
    writer.write_arrays("items.npz", {"content": parts.content.vectors, "popularity": popularity})
    writer.write_json("price_bands.json", parts.bands.to_json())


def _write_content(writer: ReleaseWriter, content: Content) -> None:
    if content.heads is not None:
        content.heads.save(writer.path("vision/heads.npz").parent)
    content.projection.save(writer.path("text/projection.npz").parent)


def _write_page(writer: ReleaseWriter, parts: Parts) -> None:
    examination = parts.fusion.trained.examination
    if examination is not None:
        examination.save(writer.path("page/examination.json"))
    popularity = parts.serving.release.row_popularity[:, 2]
    p_click = popular_p_click(parts.cut.pages, popularity)
    writer.write_json("page/fallback.json", static_page(parts.data, popularity, parts.content.clusters, p_click))


def _warm_up(parts: Parts) -> list[Tensors]:
    """Requests of the newest pages, each with as many candidates as a page has."""
    release = with_normalisation(parts.serving, parts.fusion.normalisation)
    count = min(WARM_UP_CANDIDATES, len(parts.data.items))
    positions = np.random.default_rng(1).permutation(len(parts.data.items))[:count]
    facts = release.facts(parts.serving.items, positions, parts.data.now_us / 1e6)
    visitors = [parts.requests.visitor(page) for page in parts.cut.pages[-WARM_UP_REQUESTS:]]
    return [request_tensors(visitor, facts, release.vocabulary, release.normalisation) for visitor in visitors]
