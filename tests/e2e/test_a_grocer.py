"""The guide "A grocer" on a small part of its files: from files without pictures, titles and prices to whole pages."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import grpc
import pyarrow.parquet as pq
import pytest

from lab.importing.importer import ImportJob, run_import
from lab.importing.report import ImportReport
from lab.importing.sending import Addresses, Services
from lab.releases import promote_release
from lab.training.learning import TrainingOptions
from lab.training.pipeline import TrainingReport, train
from services.ranker.model.configuration import FusionConfig
from services.ranker.training.fusion import TrainingConfig
from services.user_profile.training.configuration import AutoencoderConfig
from tests.e2e.ensemble import SmallEnsemble, silently
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import page_composer_pb2 as pb
from vitrine.page_composer.v1.page_composer_pb2_grpc import PageComposerServiceStub

pytestmark = pytest.mark.shared_data

HOUSEHOLDS, ITEMS, UNKNOWN_LINES = 60, 400, 3
PATIENCE_S = 90.0
LOOK_EVERY_S = 0.3
OPTIONS = TrainingOptions(
    # Fewer than there are items, so that the bound for large catalogues is part of the path.
    autoencoder=AutoencoderConfig(max_epochs=4, patience=2, most_items=250),
    fusion=FusionConfig(width=16, interests=4, id_size=4, attribute_size=4, hidden=(16,)),
    fusion_training=TrainingConfig(epochs=1),
)


@dataclass(frozen=True)
class Grocer:
    """The shop as it came to be."""

    shop_id: str
    households: list[str]
    lines: int
    item_ids: set[str]
    reports: dict[str, ImportReport]
    trained: TrainingReport


def write_part(grocery: Path, folder: Path) -> None:
    """The lines of a few households on items that `items.parquet` has, and a few lines on items that it lacks."""
    folder.mkdir()
    purchases, items = f"read_parquet('{grocery}/purchases.parquet')", f"read_parquet('{grocery}/items.parquet')"
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE TABLE lines AS SELECT * FROM {purchases} WHERE user_id IN "
            f"(SELECT DISTINCT user_id FROM {purchases} ORDER BY 1 LIMIT {HOUSEHOLDS})"
        )
        connection.execute(
            f"CREATE TABLE part AS SELECT * FROM {items} WHERE item_id IN (SELECT item_id FROM lines "
            f"SEMI JOIN {items} USING (item_id) GROUP BY 1 ORDER BY count(*) DESC, item_id LIMIT {ITEMS})"
        )
        order = "ORDER BY occurred_at, user_id, item_id, basket_id"
        connection.execute(f"COPY (SELECT * FROM part ORDER BY item_id) TO '{folder}/items.parquet'")
        connection.execute(
            "COPY (SELECT * FROM lines SEMI JOIN part USING (item_id) UNION ALL "
            f"(SELECT * FROM lines ANTI JOIN {items} USING (item_id) {order} LIMIT {UNKNOWN_LINES}) {order}) "
            f"TO '{folder}/purchases.parquet'"
        )


@pytest.fixture(scope="module")
def grocer(
    small_ensemble: SmallEnsemble, shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Grocer]:
    """Imported, prepared, trained and promoted as in the guide, in a shop of its own beside the ensemble's."""
    shop_id = f"grocer-{uuid.uuid4().hex[:8]}"
    folder = tmp_path_factory.mktemp("grocer") / "files"
    write_part(shared_data / "grocery", folder)
    items, lines = (pq.read_table(folder / f"{name}.parquet") for name in ("items", "purchases"))
    found = small_ensemble.processes.addresses()
    services = Services(Addresses(found["user_profile"], found["item_vision"], found["page_composer"]))
    try:
        reports = {
            kind: run_import(ImportJob(kind, folder / file, shop_id, "grocery"), services, datetime.now(UTC))
            for kind, file in (("items", "items.parquet"), ("events", "purchases.parquet"))
        }
    finally:
        services.close()
    trained = train(shop_id, small_ensemble.processes.work, found, OPTIONS, silently)
    promote_release(found["ranker"], shop_id, trained.release_id)
    households = sorted(set(lines.column("user_id").to_pylist()))
    item_ids = set(items.column("item_id").to_pylist())
    yield Grocer(shop_id, households, lines.num_rows, item_ids, reports, trained)


@pytest.fixture(scope="module")
def pages(grocer: Grocer, small_ensemble: SmallEnsemble) -> list[pb.Page]:
    """Pages of some households, the first asked for until the composer has adopted the release."""
    with grpc.insecure_channel(small_ensemble.address("page_composer")[0]) as channel:
        composer = PageComposerServiceStub(channel)
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            page = composed(composer, grocer, grocer.households[0])
            if page.versions.release_id == grocer.trained.release_id and not page.degraded:
                break
            assert time.monotonic() < deadline_s, f"still {page.versions.release_id!r}, degraded: {page.degraded}"
            time.sleep(LOOK_EVERY_S)
        return [composed(composer, grocer, household) for household in grocer.households[:6]]


def composed(composer: PageComposerServiceStub, grocer: Grocer, household: str) -> pb.Page:
    visit = common_pb2.VisitContext(user_id=household, locale="en", device=common_pb2.DEVICE_DESKTOP)
    request = pb.ComposePageRequest(shop_id=grocer.shop_id, request_id=uuid.uuid4().hex, visit=visit)
    return composer.ComposePage(request, timeout=30).page


def test_every_row_of_both_files_is_accounted_for(grocer: Grocer) -> None:
    items, events = grocer.reports["items"], grocer.reports["events"]
    assert (items.read, items.imported, items.rejected) == (len(grocer.item_ids), len(grocer.item_ids), 0)
    assert events.read == grocer.lines
    assert events.imported + events.merged + events.held + events.rejected == grocer.lines
    # The set has lines of nothing: a quantity of 0.
    assert set(events.reasons) <= {"quantity_zero"}
    assert events.imported > 0.9 * grocer.lines
    assert not items.problems
    assert not events.problems


def test_the_prepared_tables_hold_every_household_and_item(grocer: Grocer, small_ensemble: SmallEnsemble) -> None:
    (folder,) = (small_ensemble.processes.work / "prepared" / grocer.shop_id).glob("*-duckdb")
    statistics = pq.read_table(folder / "item_statistics.parquet")
    assert set(statistics.column("item_id").to_pylist()) == grocer.item_ids
    assert pq.read_table(folder / "user_statistics.parquet").num_rows == len(grocer.households)
    bought = pq.read_table(folder / "events.parquet").num_rows
    assert bought == grocer.reports["events"].imported
    assert sum(statistics.column("popularity_30d_halves").to_pylist()) > 0


def test_the_release_says_what_it_was_trained_from(grocer: Grocer, small_ensemble: SmallEnsemble) -> None:
    release = small_ensemble.processes.work / "releases" / grocer.shop_id / grocer.trained.release_id
    card = (release / "model_card.md").read_text("utf-8")
    assert "not calibrated" in card
    assert f"250 most used of {len(grocer.item_ids)} items" in card
    assert not (release / "vision").exists()
    assert grocer.trained.metrics["users.reconstructed_items"] == 250.0


def test_every_household_gets_a_whole_page_of_real_items(grocer: Grocer, pages: list[pb.Page]) -> None:
    for page in pages:
        assert page.versions.release_id == grocer.trained.release_id
        shelves = [section for section in page.sections if section.slots]
        assert len(shelves) >= 3
        slots = [slot for section in shelves for slot in section.slots if slot.item_id]
        assert len({slot.item_id for slot in slots}) == len(slots) > 0
        for slot in slots:
            assert slot.item_id in grocer.item_ids
            assert slot.title
            assert slot.link
            assert slot.price.amount_minor > 0


def test_pages_differ_by_household(pages: list[pb.Page]) -> None:
    shown = {tuple(slot.item_id for section in page.sections for slot in section.slots) for page in pages}
    assert len(shown) > 1
