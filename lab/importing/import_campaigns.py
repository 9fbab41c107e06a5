"""The import of campaigns: each line is the contract's Campaign as protobuf JSON, snake_case names."""

from collections.abc import Iterator

from google.protobuf import json_format

from lab.importing.problems import Violation
from lab.importing.reading.rows import BrokenRow, Row
from lab.importing.report import Ledger
from lab.importing.sending import Services
from services.kit.status import RemoteError
from vitrine.page_composer.v1 import merchandising_pb2 as pb


class CampaignImport:
    """One file of campaigns with their banners and coupons."""

    def __init__(self, ledger: Ledger, services: Services | None) -> None:
        self._ledger = ledger
        self._services = services

    def run(self, rows: Iterator[Row | BrokenRow]) -> None:
        """Import the rows; a dry run only checks their form. Raises: ServiceRefused."""
        for row in rows:
            self._ledger.read()
            if isinstance(row, BrokenRow):
                self._ledger.rejected(row.line, Violation("", row.reason, row.remedy), row.excerpt)
            else:
                self._take(row)

    def _take(self, row: Row) -> None:
        campaign = pb.Campaign()
        try:
            json_format.ParseDict(row.values, campaign)
            if self._services is not None:
                self._services.send_campaign(self._ledger.report.shop_id, campaign)
        except json_format.ParseError as error:
            remedy = f"{error}; the fields are those of Campaign in merchandising.proto"
            self._ledger.rejected(row.line, Violation("", "campaign_malformed", remedy), row.values)
        except RemoteError as error:
            self._ledger.rejected(row.line, _refused(error), row.values)
        else:
            self._ledger.imported()


def _refused(error: RemoteError) -> Violation:
    first = error.violations[0] if error.violations else None
    if first is None:
        return Violation("", (error.reason or error.code.name).lower(), error.message)
    return Violation(first.field, error.reason.lower(), first.description)
