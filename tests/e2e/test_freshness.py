"""An event recorded through one replica of user_profile is in effect in the user's next page."""

import time
from itertools import cycle

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from lab.channels import open_channel
from lab.evaluation.deeds import deeds_by_user
from lab.evaluation.pages import read_facts
from tests.e2e.ensemble import SmallEnsemble
from tests.e2e.visitors import page_request
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import page_composer_pb2 as pb
from vitrine.page_composer.v1 import page_composer_pb2_grpc
from vitrine.user_profile.v1 import user_profile_pb2, user_profile_pb2_grpc

ROUNDS = 12
DEADLINE_S = 5.0


def view(shop_id: str, user_id: str, item_id: str) -> user_profile_pb2.RecordEventsRequest:
    now = Timestamp()
    now.FromNanoseconds(time.time_ns())
    event = user_profile_pb2.Event(
        event_id=f"view-{time.time_ns()}", action=common_pb2.ACTION_VIEW, occurred_at=now, user_id=user_id,
        item_id=item_id,
    )  # fmt: skip
    return user_profile_pb2.RecordEventsRequest(shop_id=shop_id, events=[event])


@pytest.fixture(scope="module")
def unseen(small_ensemble: SmallEnsemble) -> dict[str, str]:
    """For some users an item in stock that they have done nothing with."""
    deeds = deeds_by_user(small_ensemble.boutique / "events.jsonl.gz")
    facts = read_facts(small_ensemble.address("item_vision"), small_ensemble.shop_id)
    in_stock = sorted(item_id for item_id, item in facts.items() if not item.HasField("stock") or item.stock > 0)
    found = {}
    for number, user in enumerate(sorted(deeds, reverse=True)[:ROUNDS]):
        met = deeds[user].any_of(*deeds[user].items)
        fresh = [item_id for item_id in in_stock if item_id not in met]
        found[user] = fresh[number * 7 % len(fresh)]
    return found


def test_the_next_page_knows_what_was_recorded_through_either_replica(
    small_ensemble: SmallEnsemble, unseen: dict[str, str]
) -> None:
    addresses = small_ensemble.address("user_profile")
    assert len(addresses) == 2
    channels = [open_channel([address], "vitrine.user_profile.v1") for address in addresses]
    recorders = cycle([user_profile_pb2_grpc.UserProfileServiceStub(channel) for channel in channels])
    told = 0
    with open_channel(small_ensemble.address("page_composer"), "vitrine.page_composer.v1") as pages:
        composer = page_composer_pb2_grpc.PageComposerServiceStub(pages)
        for user, item_id in unseen.items():
            request = page_request(small_ensemble.shop_id, user, f"fresh-{time.time_ns()}")
            before = composer.ComposePage(request, timeout=DEADLINE_S).page
            recorded = next(recorders).RecordEvents(view(small_ensemble.shop_id, user, item_id), timeout=DEADLINE_S)
            version = recorded.versions[0].profile_version
            request.min_profile_version = version
            after = composer.ComposePage(request, timeout=DEADLINE_S).page
            assert version > before.versions.profile_version
            assert after.versions.profile_version >= version
            assert shown(after) != shown(before)
            told += any(item_id in section.evidence.item_ids for section in after.sections)
    for channel in channels:
        channel.close()
    assert told > ROUNDS / 2


def test_every_replica_answers_a_profile_as_new_as_asked(small_ensemble: SmallEnsemble, unseen: dict[str, str]) -> None:
    user, item_id = next(iter(unseen.items()))
    visit = common_pb2.VisitContext(user_id=user)
    stubs = []
    for address in small_ensemble.address("user_profile"):
        channel = grpc.insecure_channel(address)
        stubs.append((channel, user_profile_pb2_grpc.UserProfileServiceStub(channel)))
    for (_, one), (_, other) in ((stubs[0], stubs[1]), (stubs[1], stubs[0])):
        recorded = one.RecordEvents(view(small_ensemble.shop_id, user, item_id), timeout=DEADLINE_S)
        version = recorded.versions[0].profile_version
        request = user_profile_pb2.GetProfileRequest(
            shop_id=small_ensemble.shop_id, visit=visit, min_profile_version=version
        )
        profile = other.GetProfile(request, timeout=DEADLINE_S).profile
        assert profile.profile_version >= version
        assert profile.recent_actions[0].item_id == item_id
    for channel, _ in stubs:
        channel.close()


def shown(page: pb.Page) -> list[tuple[str, list[str]]]:
    return [(section.section_id, [slot.item_id for slot in section.slots]) for section in page.sections]
