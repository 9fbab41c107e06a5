"""`vitrine boutique`: generate the synthetic shop."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from lab.commands.options import CommandFailed
from lab.commands.progress import phase_bars
from lab.commands.terminal import console


def boutique(
    target: Annotated[Path, typer.Argument(help="Folder to write; replaced if it holds a boutique.")],
    seed: Annotated[int, typer.Option(help="The same seed and end give the same boutique.")] = 7,
    end: Annotated[str, typer.Option(help="Date at whose beginning (UTC) time ends.  [default: today]")] = "",
    items: Annotated[int, typer.Option(min=100)] = 2400,
    users: Annotated[int, typer.Option(min=20)] = 3200,
) -> None:
    """Generate a synthetic shop: items with drawn pictures, users, events, campaigns, and the truth about them."""
    from lab.boutique.generation import generate

    try:
        last = date.fromisoformat(end) if end else datetime.now(UTC).date()
    except ValueError:
        raise CommandFailed(f"{end!r} is not a date; write it as 2026-01-31") from None
    with phase_bars() as bars:
        try:
            summary = generate(target, seed=seed, end=last, items=items, users=users, progress=bars.show)
        except FileExistsError as error:
            raise CommandFailed(str(error)) from error
    console().print(
        f"{summary.items:,} items in {summary.families:,} families, {summary.pictures:,} pictures, "
        f"{summary.users:,} users, {summary.events:,} events → {target}"
    )
