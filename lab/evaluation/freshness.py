"""How soon an event is in effect: from RecordEvents being called to a changed page being there."""

import asyncio
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp

from lab.evaluation.composing import DEADLINE_S, page_request
from lab.evaluation.deeds import deeds_by_user
from lab.evaluation.pages import read_facts
from lab.evaluation.statistics import percentiles
from services.kit.channels import open_channel
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import page_composer_pb2, page_composer_pb2_grpc
from vitrine.user_profile.v1 import user_profile_pb2, user_profile_pb2_grpc

if TYPE_CHECKING:
    from lab.commands.evaluate import EvaluationContext

USERS = 200


def run(context: "EvaluationContext") -> dict[str, Any]:
    """One view a user, of an item they have not met; `passed` when every next page knew of it."""
    return asyncio.run(_run(context))


async def _run(context: "EvaluationContext") -> dict[str, Any]:
    deeds = deeds_by_user(context.work / context.shop_id / "events.jsonl.gz")
    facts = read_facts(context.addresses["item_vision"], context.shop_id)
    random = np.random.default_rng(context.seed)
    known = sorted(deeds)
    users = [known[index] for index in random.permutation(len(known))[: context.users or USERS].tolist()]
    in_stock = sorted(item_id for item_id, item in facts.items() if not item.HasField("stock") or item.stock > 0)
    profiles = open_channel(context.addresses["user_profile"], "vitrine.user_profile.v1")
    pages = open_channel(context.addresses["page_composer"], "vitrine.page_composer.v1")
    took_ms: list[float] = []
    record_ms: list[float] = []
    changed = told = fresh = 0
    try:
        recorder = user_profile_pb2_grpc.UserProfileServiceStub(profiles)
        composer = page_composer_pb2_grpc.PageComposerServiceStub(pages)
        for done, user in enumerate(users, start=1):
            met = deeds[user].any_of(*deeds[user].items)
            item_id = str(random.choice([each for each in in_stock if each not in met]))
            request = page_request(context.shop_id, user, f"fresh-{time.time_ns()}-{user}", deeds[user].region)
            before = (await composer.ComposePage(request, timeout=DEADLINE_S)).page
            started_s = time.perf_counter()
            recorded = await recorder.RecordEvents(_view(context.shop_id, user, item_id), timeout=DEADLINE_S)
            record_ms.append((time.perf_counter() - started_s) * 1000.0)
            request.min_profile_version = recorded.versions[0].profile_version
            after = (await composer.ComposePage(request, timeout=DEADLINE_S)).page
            took_ms.append((time.perf_counter() - started_s) * 1000.0)
            changed += _items(before) != _items(after)
            told += any(item_id in section.evidence.item_ids for section in after.sections)
            fresh += after.versions.profile_version >= recorded.versions[0].profile_version
            context.progress.show("events and next pages", done, len(users))
    finally:
        await profiles.close()
        await pages.close()
    return {
        "users": len(users),
        "user_profile_replicas": len(context.addresses["user_profile"]),
        "event_to_changed_page_ms": percentiles(took_ms),
        "record_ms": percentiles(record_ms),
        "pages_that_know_the_event": fresh,
        "pages_changed": changed,
        "pages_that_name_the_item": told,
        "passed": fresh == len(users) and changed == len(users),
    }


def _view(shop_id: str, user_id: str, item_id: str) -> user_profile_pb2.RecordEventsRequest:
    occurred_at = Timestamp()
    occurred_at.GetCurrentTime()
    event = user_profile_pb2.Event(
        event_id=f"fresh-{time.time_ns()}-{user_id}",
        action=common_pb2.ACTION_VIEW,
        occurred_at=occurred_at,
        user_id=user_id,
        item_id=item_id,
    )
    return user_profile_pb2.RecordEventsRequest(shop_id=shop_id, events=[event])


def _items(page: page_composer_pb2.Page) -> list[tuple[str, list[str]]]:
    return [(section.section_id, [slot.item_id for slot in section.slots]) for section in page.sections]
