"""`vitrine export events|pages|items`: a shop's data as Parquet, consent applied."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from lab.commands.options import DEFAULT_SHOP, DEFAULT_WORK, CommandFailed, Shop, Work
from lab.commands.progress import phase_bars
from lab.commands.terminal import console
from lab.exporting.export import ExportJob, Kind, run_export
from lab.supervisor.directory import addresses_of

_DAY = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


def export(
    kind: Annotated[Kind, typer.Argument(help="events, pages or items.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The Parquet file to write.")],
    shop: Shop = DEFAULT_SHOP,
    since: Annotated[
        datetime | None, typer.Option("--from", formats=_DAY, help="At or after this time, UTC (events, pages).")
    ] = None,
    before: Annotated[
        datetime | None, typer.Option("--before", formats=_DAY, help="Before this time, UTC (events, pages).")
    ] = None,
    work: Work = DEFAULT_WORK,
) -> None:
    """Write what the services hold of a shop to a file: what training reads.

    Events and pages come only of users who agreed to analytics, under pseudonyms. The file appears when it is complete.
    """
    if kind == "items" and (since or before):
        raise CommandFailed("items are exported as they are now; --from and --before are for events and pages")
    job = ExportJob(kind, shop, output, _utc(since), _utc(before))
    with phase_bars() as bars:
        rows = run_export(job, addresses_of(work), lambda count: bars.show(f"export {kind}", count, 0))
    console().print(
        f"{rows:,} rows in {output}" + ("" if rows else f"; shop {shop} has none, or its users agreed to none")
    )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
