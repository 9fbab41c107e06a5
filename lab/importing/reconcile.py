"""FULL imports: what a shop's whole catalogue no longer names is retired, but nothing that could not be read."""

from dataclasses import dataclass
from typing import Literal

from lab.importing.ledger import Ledger
from lab.importing.sending import Services
from lab.importing.spool import Spool
from services.kit.status import RemoteError

Mode = Literal["incremental", "full"]


@dataclass(frozen=True)
class Reconcile:
    """That a file is the whole catalogue."""

    allow_losses: bool = False
    """Retire however many are lost, and although some rows do not say which item they mean."""


def hindrance(spool: Spool, ledger: Ledger, wish: Reconcile) -> str:
    """Say why this file may retire nothing; "" when it may."""
    if ledger.report.problems:
        return "the file was not read to its end, so nothing is retired; import the whole file."
    nameless = spool.nameless_count()
    if nameless and not wish.allow_losses:
        return (
            f"{nameless:,} rows do not say which item they mean, and it may be one that would be retired; nothing is. "
            "Mend them, or accept it with --allow-losses."
        )
    return ""


def reconcile(spool: Spool, ledger: Ledger, services: Services, wish: Reconcile) -> None:
    """Retire what the file did not name, or say among the report's problems why not. Raises: ServiceRefused."""
    problem = hindrance(spool, ledger, wish)
    if problem:
        ledger.report.problems.append(problem)
        return
    try:
        answer = services.reconcile_items(ledger.report.shop_id, spool.named_ids, allow_losses=wish.allow_losses)
    except RemoteError as refusal:
        ledger.report.problems.append(refusal.message)
        return
    ledger.open.service["retired_count"] += answer.retired_count
    ledger.note(
        f"{answer.retired_count:,} items that the file no longer names are retired; {answer.present_count:,} are there"
    )
    ledger.commit()
