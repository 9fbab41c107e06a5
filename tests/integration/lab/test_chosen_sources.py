"""A release with some of the candidate sources: trained, described, and served by the real ranker."""

from pathlib import Path

import numpy as np
import pytest

from lab.preparation.prepare import PrepareJob, prepare
from lab.training.export import prepared_shop
from lab.training.learning import TrainingOptions
from lab.training.pipeline import TrainingReport, train_on
from lab.training.shop_data import RawFeatures
from lab.training.source_choice import chosen_sources
from services.kit.release import Labels, ReleaseDirectory
from services.page_composer.page_release import load_page_release
from services.ranker.model.configuration import FusionConfig
from services.ranker.sources import SOURCE_NAMES
from services.ranker.training.fusion import TrainingConfig
from services.user_profile.training.configuration import AutoencoderConfig
from tests.contract.ranker.houses import real_house
from tests.exported_shop import event, item_row, write_exported
from tests.releases import SmallRelease
from tests.small_shop import NOW, small_items
from vitrine.common.v1 import common_pb2
from vitrine.ranker.v1 import ranker_pb2 as pb
from vitrine.user_profile.v1.user_profile_pb2 import Profile

SHOP = "boutique"
PAGES, PEOPLE = 260, 26
NOW_US = int(NOW.timestamp()) * 1_000_000
HOUR_US = 3_600_000_000


def logged_events(item_ids: list[str]) -> list[dict]:
    """Pages of five items; a person clicks every fourth item in turn, as others of the same quarter do."""
    random = np.random.default_rng(3)
    rows = []
    for number in range(PAGES):
        who, at_us = number % PEOPLE, NOW_US - (PAGES - number) * HOUR_US
        step = 4 * (number // PEOPLE) + who % 4
        shown = [item_ids[step % len(item_ids)], *random.permutation(item_ids)[:4].tolist()]
        page = {"user": f"user-{who}", "page_id": f"page-{number}", "device": "phone", "region": "DE"}
        for column, item_id in enumerate(dict.fromkeys(shown)):
            place = {"section_id": "popular:1", "row": 0, "column": column}
            rows.append(event(f"{number}-{column}", "impression", at_us, item=item_id, **place, **page))
        place = {"section_id": "popular:1", "row": 0, "column": 0}
        rows.append(event(f"{number}-click", "click", at_us + 60_000_001, item=shown[0], **place, **page))
        if number % 5 == 0:
            rows.append(event(f"{number}-buy", "purchase", at_us + 90_000_007, f"user-{who}", shown[0]))
    return rows


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainingReport]:
    folder = tmp_path_factory.mktemp("chosen-sources")
    items = small_items()
    rows = [item_row(item.item_id, item.price_minor, item.category) for item in items]
    exported = write_exported(folder / "exported", logged_events([item.item_id for item in items]), rows)
    prepared = prepare(PrepareJob(SHOP, exported, folder / "prepared", NOW_US))
    text = np.stack([item.text for item in items])
    features = RawFeatures(np.zeros((len(items), 0), np.float32), text, np.zeros(len(items), np.uint64), "", "words")
    data = prepared_shop(prepared, [item.facts() for item in items], features)
    options = TrainingOptions(
        autoencoder=AutoencoderConfig(max_epochs=2, patience=1),
        fusion=FusionConfig(width=8, interests=2, id_size=4, attribute_size=4, hidden=(8,)),
        fusion_training=TrainingConfig(epochs=1, validation_share=0.2, held_out_share=0.2),
        sources=chosen_sources(["item_cf", "knowledge_graph"]),
    )
    return folder / "releases", train_on(data, folder / "releases", options, lambda *_: None)


def test_the_release_ships_what_was_chosen_and_says_how_good_it_is(trained: tuple[Path, TrainingReport]) -> None:
    releases, report = trained
    release = ReleaseDirectory(releases, SHOP).open(report.release_id)
    assert release.manifest.choices["sources"] == "item_cf, knowledge_graph, popular"
    shipped = {name for name in SOURCE_NAMES if release.has(f"sources/{name}.npz")}
    assert shipped == {"item_cf", "knowledge_graph", "popular"}
    assert set(release.load_arrays("sources/popular.npz")) >= {"calibration_scores", "popularity"}
    for name in shipped:
        assert 0.0 <= report.metrics[f"sources.{name}.recall_300"] <= 1.0
    assert report.metrics["sources.pages"] > 50
    assert not any(name.startswith("sources.als") for name in report.metrics)
    card = (release.path / "model_card.md").read_text("utf-8")
    assert "; sources: item_cf, knowledge_graph, popular" in card
    assert "| popular | " in card
    assert "the baseline |" in card
    assert "| click_auc | " in card


async def test_the_ranker_and_pages_go_on_with_what_there_is(
    trained: tuple[Path, TrainingReport], tmp_path: Path
) -> None:
    releases, report = trained
    directory = ReleaseDirectory(releases, SHOP)
    directory.write_labels(Labels(stable=report.release_id))
    page_release = await load_page_release(directory.open(report.release_id))
    assert page_release.sources == {"item_cf", "knowledge_graph", "popular"}
    async with real_house(SmallRelease(releases, SHOP, report.release_id), tmp_path, known_items=60) as house:
        profile = Profile(recent_actions=[{"action": common_pb2.ACTION_CLICK, "item_id": "item-004"}])
        profile.recent_actions[0].occurred_at.FromDatetime(NOW)
        request = pb.RecommendRequest(
            shop_id=SHOP,
            visit={"user_id": "ada", "region": "DE", "device": common_pb2.DEVICE_PHONE},
            profile=profile,
            pools=[{"pool_id": source, "source": source, "limit": 20} for source in (*SOURCE_NAMES, "catalogue")],
        )
        request.at.FromDatetime(NOW)
        answer = await house.ranker.Recommend(request)
    assert answer.release_id == report.release_id
    assert not answer.HasField("degraded")
    filled = {pool.pool_id for pool in answer.pools if pool.indexes}
    assert filled == {"item_cf", "knowledge_graph", "popular", "new", "catalogue"}
