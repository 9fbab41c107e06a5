"""Reads a shop through the services' export calls and the tables prepared of them: the only way to data."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from lab.channels import open_channel
from lab.preparation.prepare import Prepared
from lab.preparation.shop import prepare_shop, shop_folder
from lab.training.features import await_features, read_features
from lab.training.prepared_tables import read_event_columns, read_popularity, read_price_edges
from lab.training.shop_data import RawFeatures, ShopData
from vitrine.item_vision.v1 import item_vision_pb2, item_vision_pb2_grpc

Progress = Callable[[str, int, int], None]
"""(what, done, of how many; 0 when unknown)."""

PAGE_SIZE = 1_000


class NothingToLearnError(Exception):
    """The shop has no items or no events; the message says what to import."""


def export_shop(shop_id: str, work: Path, addresses: Mapping[str, Sequence[str]], progress: Progress) -> ShopData:
    """Read catalogue and features of a shop, and its prepared events and statistics, which are made anew.

    Raises: NothingToLearnError when there are no items; FeaturesMissingError when the picture worker stands still;
    ShopOccupied while another process prepares this shop.
    """
    with open_channel(addresses["item_vision"], "vitrine.item_vision.v1") as channel:
        catalogue = item_vision_pb2_grpc.CatalogueServiceStub(channel)
        items = list(_items(catalogue, shop_id, progress))
        if not items:
            raise NothingToLearnError(f"shop {shop_id} has no items: bring them with `vitrine import items`")
        with shop_folder(work, shop_id) as folder:
            # The worker goes on with features while the rest is exported and prepared.
            prepared = prepare_shop(shop_id, folder, addresses, progress)
            await_features(catalogue, shop_id, progress)
            number_of = {item.item_id: number for number, item in enumerate(items)}
            features = read_features(catalogue, shop_id, number_of, progress)
            return prepared_shop(prepared, items, features)


def prepared_shop(prepared: Prepared, items: Sequence[item_vision_pb2.ItemFacts], features: RawFeatures) -> ShopData:
    """What training reads, from prepared tables beside the catalogue and its features, which are in item order."""
    number_of = {item.item_id: number for number, item in enumerate(items)}
    return ShopData(
        shop_id=prepared.shop_id,
        items=items,
        features=features,
        events=read_event_columns(prepared.path("events"), number_of),
        price_edges_minor=read_price_edges(prepared.path("price_bands")),
        popularity=read_popularity(prepared.path("item_statistics"), number_of),
        now_us=prepared.as_of_us,
    )


def _items(
    catalogue: item_vision_pb2_grpc.CatalogueServiceStub, shop_id: str, progress: Progress
) -> Iterator[item_vision_pb2.ItemFacts]:
    request, done = item_vision_pb2.ListItemsRequest(shop_id=shop_id, page_size=PAGE_SIZE), 0
    while True:
        page = catalogue.ListItems(request)
        yield from page.items
        done += len(page.items)
        progress("items", done, 0)
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token
