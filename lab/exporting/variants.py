"""Which item an exported event is about: shops record the variant that was bought, training learns of items."""

from collections.abc import Iterator
from itertools import islice

from vitrine.item_vision.v1 import item_vision_pb2, item_vision_pb2_grpc
from vitrine.user_profile.v1 import user_profile_pb2

EVENTS_AT_ONCE = 20_000
IDS_A_QUESTION = 1_000


def about_items(
    events: Iterator[user_profile_pb2.Event], catalogue: item_vision_pb2_grpc.CatalogueServiceStub, shop_id: str
) -> Iterator[user_profile_pb2.Event]:
    """Yield the events, those that name a variant with its item instead; an id is asked about once.

    Raises: RpcError.
    """
    item_of: dict[str, str] = {}
    while batch := list(islice(events, EVENTS_AT_ONCE)):
        unknown = sorted({event.item_id for event in batch} - item_of.keys() - {""})
        for start in range(0, len(unknown), IDS_A_QUESTION):
            asked = unknown[start : start + IDS_A_QUESTION]
            request = item_vision_pb2.ResolveVariantsRequest(shop_id=shop_id, variant_ids=asked)
            item_of.update(zip(asked, catalogue.ResolveVariants(request).item_ids, strict=True))
        for event in batch:
            event.item_id = item_of.get(event.item_id) or event.item_id
            yield event
