"""`vitrine prepare`: the tables that training reads, from what the services hold."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from lab.commands.options import DEFAULT_SHOP, DEFAULT_WORK, CommandFailed, Shop, Work
from lab.commands.progress import phase_bars
from lab.commands.terminal import console
from lab.preparation.engines.engine import Budget, EngineMissing, EngineName
from lab.preparation.occupied import ShopOccupied
from lab.supervisor.directory import addresses_of


def prepare(
    shop: Shop = DEFAULT_SHOP,
    engine: Annotated[EngineName, typer.Option(help="What runs the expressions; both give the same rows.")] = "duckdb",
    exported: Annotated[
        Path | None,
        typer.Option(help="Folder with events.parquet and items.parquet; default: export them from the services now."),
    ] = None,
    memory_mb: Annotated[int, typer.Option(help="Memory of the engine; beyond it, it spills to disk.")] = 1_024,
    work: Work = DEFAULT_WORK,
) -> None:
    """Export a shop's events and items, consent applied, and make the prepared tables of them.

    `vitrine train` does this by itself with DuckDB. The tables lie in <work>/prepared/<shop>, beside a manifest.
    """
    from lab.preparation.shop import prepare_exported, prepare_shop, shop_folder

    budget = Budget(memory_mb=memory_mb)
    try:
        with phase_bars() as bars, shop_folder(work, shop) as folder:
            if exported is None:
                done = prepare_shop(shop, folder, addresses_of(work), bars.show, engine, budget)
            else:
                done = prepare_exported(shop, folder, exported, bars.show, engine, budget)
    except (EngineMissing, FileNotFoundError, ShopOccupied) as error:
        raise CommandFailed(str(error)) from error
    table = Table("table", "rows", "seconds", box=None, padding=(0, 2, 0, 0))
    for name, rows in done.tables.items():
        table.add_row(name, f"{rows:,}", f"{done.seconds[name]:.1f}")
    console().print(table)
    console().print(f"prepared by {engine} in [bold]{done.folder}[/]")
