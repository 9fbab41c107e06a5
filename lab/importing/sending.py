"""Sends what was read to the services, with patience while they are down."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, cast

import grpc

from lab.channels import open_channel
from lab.importing.known_items import KnownItems
from lab.importing.listing import all_errors
from lab.importing.packing import pack, part_of
from lab.importing.problems import ServiceRefused
from services.kit.status import RemoteError, read_error
from vitrine.item_vision.v1 import item_vision_pb2, item_vision_pb2_grpc
from vitrine.page_composer.v1 import merchandising_pb2, merchandising_pb2_grpc
from vitrine.user_profile.v1 import user_profile_pb2, user_profile_pb2_grpc

EVENTS_A_MESSAGE = 5_000
ITEMS_A_MESSAGE = 500
ITEMS_A_QUESTION = 500
IDS_A_MESSAGE = 5_000
MESSAGE_BYTES = 6 * 2**20
PICTURE_BYTES = 2**19
"""What a picture given by its address counts as: the service holds what it fetches until a message is done."""
_ATTEMPTS = 7
_FIRST_WAIT_S = 0.2
_PASSING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
_UNARY_TIMEOUT_S = 10.0
_TOO_LARGE = "larger than max"
"""How gRPC says that a message is beyond the limit of a channel or a server; waiting does not help."""


@dataclass(frozen=True)
class Addresses:
    """Where the services are, each `host:port`, several for replicas."""

    user_profile: Sequence[str]
    item_vision: Sequence[str]
    page_composer: Sequence[str]


class Services:
    """The three services that an import talks to. Channels connect when they are first used."""

    def __init__(self, addresses: Addresses, wait: Callable[[float], None] = time.sleep) -> None:
        self._wait = wait
        self._channels = {
            name: open_channel(getattr(addresses, name), f"vitrine.{name}.v1")
            for name in ("user_profile", "item_vision", "page_composer")
        }
        self.catalogue = item_vision_pb2_grpc.CatalogueServiceStub(self._channels["item_vision"])
        self.profiles = user_profile_pb2_grpc.UserProfileServiceStub(self._channels["user_profile"])
        self.merchandising = merchandising_pb2_grpc.MerchandisingServiceStub(self._channels["page_composer"])

    def send_items(self, shop_id: str, items: Sequence[Any]) -> item_vision_pb2.UpsertItemsResponse:
        """Upsert items (ItemInput) as one stream; error indexes are positions in `items`. Raises: ServiceRefused."""

        def send(some: Sequence[Any]) -> Any:
            messages = [item_vision_pb2.UpsertItemsRequest(shop_id=shop_id, items=batch) for batch in batches_of(some)]
            return self._patiently("item_vision", lambda: self.catalogue.UpsertItems(iter(messages)))

        answer = send(items)
        errors = all_errors(items, answer.errors, lambda some: send(some).errors, batches_of)
        answer.ClearField("errors")
        answer.errors.extend(errors)
        return cast(item_vision_pb2.UpsertItemsResponse, answer)

    def reconcile_items(
        self, shop_id: str, named: Callable[[], Iterable[str]], *, allow_losses: bool
    ) -> item_vision_pb2.ReconcileItemsResponse:
        """Retire every item that `named()` does not yield. Raises: ServiceRefused; RemoteError when it is refused."""

        def messages() -> Iterator[item_vision_pb2.ReconcileItemsRequest]:
            ids = iter(named())
            while batch := list(islice(ids, IDS_A_MESSAGE)):
                yield item_vision_pb2.ReconcileItemsRequest(shop_id=shop_id, item_ids=batch)
            yield item_vision_pb2.ReconcileItemsRequest(shop_id=shop_id, complete=True, allow_losses=allow_losses)

        def pass_on(error: RemoteError) -> None:
            if error.reason == "LOSSES_IMPLAUSIBLE":
                raise error

        answer = self._patiently("item_vision", lambda: self.catalogue.ReconcileItems(messages()), pass_on)
        return cast(item_vision_pb2.ReconcileItemsResponse, answer)

    def put_links(self, shop_id: str, items: Sequence[Any]) -> item_vision_pb2.PutLinksResponse:
        """Put links (ItemLinks) as one stream; error indexes are positions in `items`.

        Raises: ServiceRefused.
        """

        def send(some: Sequence[Any]) -> Any:
            messages = [item_vision_pb2.PutLinksRequest(shop_id=shop_id, items=batch) for batch in link_batches(some)]
            return self._patiently("item_vision", lambda: self.catalogue.PutLinks(iter(messages)))

        answer = send(items)
        errors = all_errors(items, answer.errors, lambda some: send(some).errors, link_batches)
        answer.ClearField("errors")
        answer.errors.extend(errors)
        return cast(item_vision_pb2.PutLinksResponse, answer)

    def send_events(self, shop_id: str, events: Sequence[Any]) -> user_profile_pb2.StreamEventsResponse:
        """Record events as one stream; rejection indexes are positions in `events`. Raises: ServiceRefused."""
        size = EVENTS_A_MESSAGE
        columns = [pack(events[start : start + size]) for start in range(0, len(events), size)]
        return self.send_event_columns(shop_id, columns)

    def send_event_columns(self, shop_id: str, columns: Sequence[Any]) -> user_profile_pb2.StreamEventsResponse:
        """Record EventColumns as one stream; rejection indexes count through all of them, and all are listed.

        After a failure the whole stream is sent again: the service recognises what is durable already, and what an
        earlier attempt of ours made durable is counted as recorded, not as a duplicate. Raises: ServiceRefused.
        """
        if not columns:
            return user_profile_pb2.StreamEventsResponse()  # a stream without messages names no shop and is refused
        columns = [part for each in columns for part in parts_of(each)]
        answer = self._stream_columns(shop_id, columns)
        if 0 < len(answer.rejections) < answer.rejected_count:
            behind = answer.rejections[-1].index + 1
            again = self.send_event_columns(shop_id, list(_behind(columns, behind)))
            for each in again.rejections:
                each.index += behind
            answer.rejections.extend(again.rejections)
        return answer

    def _stream_columns(self, shop_id: str, columns: Sequence[Any]) -> user_profile_pb2.StreamEventsResponse:
        messages = [user_profile_pb2.StreamEventsRequest(shop_id=shop_id, columns=each) for each in columns]
        durable = 0

        def remember_durable(error: RemoteError) -> None:
            nonlocal durable
            count = int(error.metadata.get("recorded_batch_count", "0"))
            durable = max(durable, sum(len(each.event_ids) for each in columns[:count]))

        answer = self._patiently("user_profile", lambda: self.profiles.StreamEvents(iter(messages)), remember_durable)
        ours = min(durable, int(answer.duplicate_count))
        answer.recorded_count += ours
        answer.duplicate_count -= ours
        return cast(user_profile_pb2.StreamEventsResponse, answer)

    def send_campaign(self, shop_id: str, campaign: Any) -> None:
        """Put a campaign. Raises: ServiceRefused; RemoteError when the campaign itself is refused."""
        request = merchandising_pb2.PutCampaignRequest(shop_id=shop_id, campaign=campaign)
        self._patiently("page_composer", lambda: self.merchandising.PutCampaign(request, timeout=_UNARY_TIMEOUT_S))

    def item_facts(self, shop_id: str, vector_release_id: str = "") -> list[Any]:
        """Return the whole catalogue as ItemFacts. Raises: ServiceRefused."""
        return [facts for page in self.item_pages(shop_id, vector_release_id) for facts in page]

    def item_pages(self, shop_id: str, vector_release_id: str = "") -> Iterator[Sequence[Any]]:
        """Yield the catalogue as ItemFacts, page by page. Raises: ServiceRefused."""
        token = ""
        while True:
            request = item_vision_pb2.ListItemsRequest(
                shop_id=shop_id, page_size=5_000, page_token=token, vector_release_id=vector_release_id
            )
            page = self._patiently("item_vision", partial(self.catalogue.ListItems, request, timeout=_UNARY_TIMEOUT_S))
            yield page.items
            token = page.next_page_token
            if not token:
                return

    def known_items(self, shop_id: str) -> KnownItems | None:
        """Return which items the catalogue has; None when item_vision is not there: it is only asked in passing."""
        request = item_vision_pb2.ListItemsRequest(shop_id=shop_id, page_size=1)
        try:
            self.catalogue.ListItems(request, timeout=_UNARY_TIMEOUT_S)
        except grpc.RpcError:
            return None
        return KnownItems(
            [each for facts in page for each in (facts.item_id, *facts.variant_ids)]
            for page in self.item_pages(shop_id)
        )

    def missing_item_ids(self, shop_id: str, item_ids: Sequence[str]) -> list[str]:
        """Return those of the ids that the catalogue lacks, in the order given. Raises: ServiceRefused."""
        missing: list[str] = []
        for start in range(0, len(item_ids), ITEMS_A_QUESTION):
            asked = item_ids[start : start + ITEMS_A_QUESTION]
            missing += self._get_items(shop_id, asked, full=False).missing_item_ids
        return missing

    def full_items(self, shop_id: str, item_ids: Sequence[str]) -> dict[str, Any]:
        """Return items (at most a thousand) with all their texts by id, without the missing. Raises: ServiceRefused."""
        if not item_ids:
            return {}
        return {item.item_id: item for item in self._get_items(shop_id, item_ids, full=True).items}

    def close(self) -> None:
        """Close the channels."""
        for channel in self._channels.values():
            channel.close()

    def _get_items(self, shop_id: str, item_ids: Sequence[str], *, full: bool) -> Any:
        request = item_vision_pb2.GetItemsRequest(shop_id=shop_id, item_ids=item_ids, full=full)
        return self._patiently("item_vision", lambda: self.catalogue.GetItems(request, timeout=_UNARY_TIMEOUT_S))

    def _patiently(
        self, service: str, call: Callable[[], Any], on_failure: Callable[[RemoteError], None] | None = None
    ) -> Any:
        """Call until it is answered; passing failures are waited out with growing pauses, twelve seconds in all."""
        wait_s = _FIRST_WAIT_S
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return call()
            except grpc.RpcError as error:
                remote = read_error(error)
                if on_failure is not None:
                    on_failure(remote)
                if remote.code == grpc.StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE in remote.message:
                    raise ServiceRefused(
                        f"{service} does not take messages this large ({remote.message}): a single row is larger than "
                        "that. Shorten its texts or make its pictures smaller."
                    ) from error
                if remote.code not in _PASSING:
                    if service == "page_composer":
                        raise remote from error
                    raise ServiceRefused(f"{service} refused the import: {remote.message}") from error
                if attempt == _ATTEMPTS:
                    raise ServiceRefused(
                        f"{service} cannot be reached ({remote.message}). Start it with `vitrine up` and repeat the "
                        "import: what is already there is recognised."
                    ) from error
                self._wait(wait_s)
                wait_s *= 2
        raise AssertionError("the loop returns or raises")


def parts_of(columns: Any) -> list[Any]:
    """Halve EventColumns until none is larger than MESSAGE_BYTES, unless a single event is."""
    count = len(columns.event_ids)
    if count < 2 or columns.ByteSize() <= MESSAGE_BYTES:
        return [columns]
    middle = count // 2
    return parts_of(part_of(columns, 0, middle)) + parts_of(part_of(columns, middle, count))


def _behind(columns: Sequence[Any], position: int) -> Iterator[Any]:
    """Yield the events of a stream from a position on."""
    for each in columns:
        count = len(each.event_ids)
        if position < count:
            yield part_of(each, position, count) if position else each
        position = max(position - count, 0)


def link_batches(items: Sequence[Any]) -> list[list[Any]]:
    """Split ItemLinks, in order, so that a message names each item once and has at most ITEMS_A_QUESTION of them."""
    batches: list[list[Any]] = [[]]
    named: set[str] = set()
    for entry in items:
        if entry.item_id in named or len(named) == ITEMS_A_QUESTION:
            batches.append([])
            named.clear()
        batches[-1].append(entry)
        named.add(entry.item_id)
    return batches


def batches_of(items: Sequence[Any]) -> list[list[Any]]:
    """Split items so that a message has at most ITEMS_A_MESSAGE items and, unless one alone is larger, MESSAGE_BYTES,
    pictures by address included.

    Two states of one item never share a message: the later one must find the earlier one stored.
    """
    batches: list[list[Any]] = []
    size, there = 0, set[str]()
    for item in items:
        length = item.ByteSize() + PICTURE_BYTES * sum(bool(image.url) for image in item.images)
        full = len(there) == ITEMS_A_MESSAGE or size + length > MESSAGE_BYTES or item.item_id in there
        if full or not batches:
            batches.append([])
            size = 0
            there.clear()
        batches[-1].append(item)
        size += length
        there.add(item.item_id)
    return batches
