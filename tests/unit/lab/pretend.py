"""Services that answer an import from memory, with refusals a test can plan."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import grpc

from lab.importing.known_items import KnownItems
from services.kit.status import RemoteError
from tests.contract.event_columns import rows_of
from vitrine.item_vision.v1 import item_vision_pb2
from vitrine.user_profile.v1 import user_profile_pb2


class PretendServices:
    """Stands in for lab.importing.sending.Services."""

    def __init__(self, refused_items: dict[str, str] | None = None, known_items: Sequence[str] = ()) -> None:
        self.items: dict[str, Any] = {}
        self.sent: list[str] = []
        self.events: dict[str, Any] = {}
        self.campaigns: list[Any] = []
        self.links: dict[str, list[tuple[int, str]]] = {}
        self.losses_are_implausible = False
        self._refused = refused_items or {}
        self._known = known_items

    def send_items(self, shop_id: str, items: Sequence[Any]) -> item_vision_pb2.UpsertItemsResponse:
        answer = item_vision_pb2.UpsertItemsResponse()
        for index, item in enumerate(items):
            self.sent.append(item.item_id)
            if item.item_id in self._refused:
                field = self._refused[item.item_id]
                kept = field.startswith("images")
                reason = "PICTURE_UNREADABLE" if kept else "INVALID_REQUEST"
                answer.errors.add(index=index, item_id=item.item_id, field=field, reason=reason, kept_item=kept)
                if not kept:
                    answer.rejected_count += 1
                    continue
            answer.created_count += item.item_id not in self.items
            self.items[item.item_id] = item
        return answer

    def reconcile_items(
        self, shop_id: str, named: Callable[[], Iterable[str]], *, allow_losses: bool
    ) -> item_vision_pb2.ReconcileItemsResponse:
        kept = set(named())
        gone = [item_id for item_id in self.items if item_id not in kept]
        if self.losses_are_implausible and not allow_losses:
            raise RemoteError(grpc.StatusCode.FAILED_PRECONDITION, "2 of 3 would be retired", "LOSSES_IMPLAUSIBLE")
        for item_id in gone:
            del self.items[item_id]
        return item_vision_pb2.ReconcileItemsResponse(retired_count=len(gone), present_count=len(self.items))

    def put_links(self, shop_id: str, items: Sequence[Any]) -> item_vision_pb2.PutLinksResponse:
        for entry in items:
            assert entry.keep_others
            self.links.setdefault(entry.item_id, []).extend((link.kind, link.item_id) for link in entry.links)
        return item_vision_pb2.PutLinksResponse(updated_count=len(items), held_count=1)

    def send_events(self, shop_id: str, events: Sequence[Any]) -> user_profile_pb2.StreamEventsResponse:
        answer = user_profile_pb2.StreamEventsResponse()
        for index, event in enumerate(events):
            known = self.events.get(event.event_id)
            if known is None:
                self.events[event.event_id] = event
                answer.recorded_count += 1
            elif known == event:
                answer.duplicate_count += 1
            else:
                answer.rejected_count += 1
                answer.rejections.add(index=index, event_id=event.event_id, reason="EVENT_CONFLICT")
        return answer

    def send_event_columns(
        self, shop_id: str, columns: Sequence[user_profile_pb2.EventColumns]
    ) -> user_profile_pb2.StreamEventsResponse:
        return self.send_events(shop_id, [event for each in columns for event in rows_of(each)])

    def send_campaign(self, shop_id: str, campaign: Any) -> None:
        self.campaigns.append(campaign)

    def known_items(self, shop_id: str) -> KnownItems:
        return KnownItems([self._there()])

    def missing_item_ids(self, shop_id: str, item_ids: Sequence[str]) -> list[str]:
        there = self._there()
        return [item_id for item_id in item_ids if item_id not in there]

    def full_items(self, shop_id: str, item_ids: Sequence[str]) -> dict[str, Any]:
        return {each: item_vision_pb2.Item(item_id=each) for each in item_ids if each in self._there()}

    def item_pages(self, shop_id: str) -> list[list[Any]]:
        return [self.item_facts(shop_id)]

    def item_facts(self, shop_id: str) -> list[Any]:
        return [item_vision_pb2.ItemFacts(item_id=item_id) for item_id in self._there()]

    def _there(self) -> list[str]:
        return [*self._known, *(item_id for item_id in self.items if item_id not in self._known)]
