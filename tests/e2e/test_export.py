"""`vitrine export` against the real services: what is there comes out, and only of those who agreed."""

import time
from pathlib import Path

import grpc
import pyarrow.parquet as pq

from lab.evaluation.composing import page_request
from lab.evaluation.pages import read_facts
from lab.exporting.export import ExportJob, run_export
from tests.e2e.ensemble import SmallEnsemble
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1.page_composer_pb2_grpc import PageComposerServiceStub
from vitrine.user_profile.v1 import user_profile_pb2
from vitrine.user_profile.v1.user_profile_pb2_grpc import UserProfileServiceStub

PATIENCE_S = 30.0


def exported(small_ensemble: SmallEnsemble, kind, folder: Path):
    output = folder / f"{kind}.parquet"
    addresses = {name: small_ensemble.address(name) for name in ("user_profile", "item_vision", "page_composer")}
    count = run_export(ExportJob(kind, small_ensemble.shop_id, output), addresses)
    table = pq.read_table(output)
    assert table.num_rows == count
    return table


def test_every_item_comes_out(small_ensemble: SmallEnsemble, tmp_path: Path) -> None:
    facts = read_facts(small_ensemble.address("item_vision"), small_ensemble.shop_id)
    table = exported(small_ensemble, "items", tmp_path)
    assert table.column("item_id").to_pylist() == sorted(facts)
    prices = dict(zip(table.column("item_id").to_pylist(), table.column("price_minor").to_pylist(), strict=True))
    assert prices == {item_id: item.price.amount_minor for item_id, item in facts.items()}


def test_events_come_out_in_time_order_without_those_of_users_who_refused(
    small_ensemble: SmallEnsemble, tmp_path: Path
) -> None:
    shop_id, user_id = small_ensemble.shop_id, "export-refuses"
    with grpc.insecure_channel(small_ensemble.address("user_profile")[0]) as channel:
        profiles = UserProfileServiceStub(channel)
        profiles.SetConsent(
            user_profile_pb2.SetConsentRequest(
                shop_id=shop_id,
                visit=common_pb2.VisitContext(user_id=user_id),
                consents=[
                    user_profile_pb2.Consent(purpose=common_pb2.CONSENT_PURPOSE_ANALYTICS, granted=False),
                    user_profile_pb2.Consent(purpose=common_pb2.CONSENT_PURPOSE_PERSONALISATION, granted=True),
                ],
            ),
            timeout=10,
        )
        events = [
            user_profile_pb2.Event(
                event_id=f"export-{who}", action=common_pb2.ACTION_VIEW, user_id=who, item_id="item-00001"
            )
            for who in (user_id, "export-agrees")
        ]
        for event in events:
            event.occurred_at.GetCurrentTime()
        recorded = profiles.RecordEvents(
            user_profile_pb2.RecordEventsRequest(shop_id=shop_id, events=events), timeout=10
        )
    assert recorded.recorded_count == 2
    table = exported(small_ensemble, "events", tmp_path)
    event_ids = set(table.column("event_id").to_pylist())
    assert "export-export-agrees" in event_ids
    assert "export-export-refuses" not in event_ids
    times = table.column("occurred_at").to_pylist()
    assert times == sorted(times)
    assert {len(each) for each in table.column("user_pseudonym").to_pylist() if each} == {32}
    assert not {user_id, "export-agrees"} & set(table.column("user_pseudonym").to_pylist())


def test_pages_come_out_slot_by_slot(small_ensemble: SmallEnsemble, tmp_path: Path) -> None:
    request = page_request(small_ensemble.shop_id, "export-agrees", "export-page")
    with grpc.insecure_channel(small_ensemble.address("page_composer")[0]) as channel:
        page = PageComposerServiceStub(channel).ComposePage(request, timeout=10).page
    shown = [slot.item_id for section in page.sections for slot in section.slots]
    logged: list[dict[str, object]] = []
    deadline_s = time.monotonic() + PATIENCE_S
    while not logged and time.monotonic() < deadline_s:  # the log is written a moment after the answer
        table = exported(small_ensemble, "pages", tmp_path)
        logged = [row for row in table.to_pylist() if row["page_id"] == "export-page"]
    assert [row["item_id"] for row in logged if row["shelf"] not in ("banner", "coupon")] == shown
    assert all(0.0 < row["propensity"] <= 1.0 for row in logged)
    assert {row["release_id"] for row in logged} == {small_ensemble.release_id}
