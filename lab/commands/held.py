"""`vitrine held`: what waits for items that are not there yet."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from lab.commands.importing import open_services
from lab.commands.options import DEFAULT_SHOP, DEFAULT_WORK, CommandFailed, Shop, Work
from lab.commands.terminal import console
from lab.importing.importer import held_store
from services.kit.checks import SHOP_ID

_MOST_LINES = 40


def held(
    shop: Shop = DEFAULT_SHOP,
    retry: Annotated[bool, typer.Option("--retry", help="Import what has its items now, refused rows too.")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Forget held rows for good.")] = False,
    kind: Annotated[str, typer.Option(help="With --drop: only pictures, or campaigns.")] = "",
    work: Work = DEFAULT_WORK,
) -> None:
    """List rows that wait for items; every import of items tries them again by itself."""
    from lab.importing.joining import join_held

    if SHOP_ID.fullmatch(shop) is None:
        raise CommandFailed(f"{shop!r} is not a shop id; use a-z, 0-9, '-' and '_'")
    if retry and drop:
        raise CommandFailed("--retry and --drop exclude each other")
    if kind and not drop:
        raise CommandFailed("--kind says what to forget; give it with --drop, or leave it out to list everything")
    store = held_store(work, shop)
    try:
        if drop:
            console().print(f"{store.drop(kind):,} rows dropped")
        if retry:
            services = open_services(work)
            try:
                store.retry_refused()
                for fate, count in sorted(join_held(store, shop, services, datetime.now(UTC)).items()):
                    console().print(f"{fate}: {count:,}")
            finally:
                services.close()
        lines = store.summary()
    finally:
        store.close()
    if not lines:
        console().print(f"nothing of {shop} is held")
        return
    table = Table("kind", "rows", "waits for item", "first line", "file", "refused", box=None, padding=(0, 2, 0, 0))
    for each in lines[:_MOST_LINES]:
        row = (each.kind, f"{each.row_count:,}", each.item_id, f"{each.first_line:,}", each.file, each.refused)
        table.add_row(*map(escape, row))
    console().print(table)
    if len(lines) > _MOST_LINES:
        console().print(f"[dim]… and {len(lines) - _MOST_LINES:,} more[/]")
