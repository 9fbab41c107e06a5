"""Which importer takes which kind of file."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from lab.importing.import_campaigns import CampaignImport
from lab.importing.import_events import EventImport
from lab.importing.import_items import ItemImport
from lab.importing.import_links import LinkImport
from lab.importing.import_pictures import PictureImport
from lab.importing.ledger import Ledger
from lab.importing.mapping import KindMapping
from lab.importing.pictures import PictureFolder
from lab.importing.reading.reading import Reading
from lab.importing.reconcile import Reconcile
from lab.importing.sending import Services

Kind = Literal["items", "changes", "events", "pictures", "campaigns", "links"]


class Importer(Protocol):
    """Imports one kind of rows."""

    def run(self, rows: Reading) -> None:
        """Import the rows that are still to be imported.

        Counts them into the ledger, and commits and checkpoints it after each acknowledged batch.
        Raises: ServiceRefused.
        """


@dataclass(frozen=True)
class Surroundings:
    """What importers work with."""

    mapping: KindMapping
    pictures: PictureFolder
    services: Services | None
    """None in a dry run."""
    now: datetime
    whole: Reconcile | None = None
    """That a file of items is the whole catalogue."""


def importer_of(kind: str, ledger: Ledger, around: Surroundings) -> Importer:
    """Return the importer of a kind of file."""
    mapping, services = around.mapping, around.services
    if kind in ("items", "changes"):
        return ItemImport(mapping, around.pictures, ledger, services, around.whole)
    if kind == "pictures":
        return PictureImport(mapping, around.pictures, ledger, services)
    if kind == "campaigns":
        return CampaignImport(mapping, ledger, services)
    if kind == "links":
        return LinkImport(mapping, ledger, services)
    known = services.known_items(ledger.report.shop_id) if services is not None else None
    if known is None and services is not None:
        ledger.report.note("item_vision is not reachable: whether the items exist was not checked")
    return EventImport(mapping, ledger, services, around.now, known)
