"""The import of campaigns with their banners and coupons: JSON Lines in the form that the boutique exports."""

from collections.abc import Iterable, Sequence

from lab.importing.campaigns import campaign_message
from lab.importing.columns import TimeZone
from lab.importing.ledger import Ledger
from lab.importing.mapping import KindMapping
from lab.importing.problems import RowRefused, Violation
from lab.importing.reading.rows import BrokenRow, Row
from lab.importing.sending import Services
from services.kit.status import RemoteError
from vitrine.page_composer.v1 import merchandising_pb2 as pb


class CampaignImport:
    """One file of campaigns."""

    def __init__(self, mapping: KindMapping, ledger: Ledger, services: Services | None) -> None:
        self._mapping = mapping
        self._ledger = ledger
        self._services = services
        self._zone = TimeZone(mapping, ledger.filled)

    def run(self, rows: Iterable[Row | BrokenRow]) -> None:
        """Import the rows; a dry run only checks their form. Raises: ServiceRefused."""
        for row in rows:
            self._ledger.read()
            if isinstance(row, BrokenRow):
                self._ledger.broken(row)
            else:
                self._take(row)
            self._ledger.commit()
            self._ledger.checkpoint()

    def _take(self, row: Row) -> None:
        try:
            campaign = self._campaign(row)
            if self._services is not None and not self._held(row, campaign):
                self._services.send_campaign(self._ledger.report.shop_id, campaign)
                self._ledger.imported()
                self._ledger.superseded([campaign.campaign_id])
        except RowRefused as refusal:
            self._ledger.rejected(row.line, refusal.violation, row.values)
        except RemoteError as error:
            self._ledger.rejected(row.line, _refused(error), row.values)
        else:
            if self._services is None:
                self._ledger.imported()

    def _campaign(self, row: Row) -> pb.Campaign:
        try:
            return campaign_message(row.values, self._mapping.picture_address, self._zone, self._dropped_picture)
        except (AttributeError, TypeError, ValueError) as error:  # nested otherwise, or a number out of range
            remedy = f"it is not in the form that the boutique exports ({error})"
            raise RowRefused("", "campaign_malformed", remedy) from error

    def _held(self, row: Row, campaign: pb.Campaign) -> bool:
        """Hold a campaign that names items which are not there."""
        item_ids = campaign.item_filter.item_ids
        missing: Sequence[str] = ()
        if self._services is not None and item_ids:
            missing = self._services.missing_item_ids(self._ledger.report.shop_id, list(dict.fromkeys(item_ids)))
        if missing:
            self._ledger.dangling("items", row.line, missing[0])
            self._ledger.superseded([campaign.campaign_id])
            self._ledger.held(row, missing)
        return bool(missing)

    def _dropped_picture(self, image: str) -> None:
        self._ledger.dangling("banner pictures", value=image)
        self._ledger.note(f"{image} is left out: set picture_address in the mapping to where the shop serves it")


def _refused(error: RemoteError) -> Violation:
    first = error.violations[0] if error.violations else None
    if first is None:
        return Violation("", (error.reason or error.code.name).lower(), error.message)
    return Violation(first.field, error.reason.lower(), first.description)
