"""`python -m lab.boutique TARGET`: generate a boutique, with a progress bar."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lab.boutique.generation import generate

PHASES = {"days": "Living through the days", "pictures": "Drawing pictures", "files": "Writing files"}


def main(
    target: Annotated[Path, typer.Argument(help="Folder to write; replaced if it holds a boutique.")],
    seed: Annotated[int, typer.Option(help="The same seed and end give the same boutique.")] = 7,
    end: Annotated[str, typer.Option(help="Date at whose beginning (UTC) time ends; default: today.")] = "",
    items: Annotated[int, typer.Option(min=100)] = 2400,
    users: Annotated[int, typer.Option(min=20)] = 3200,
) -> None:
    """Generate a synthetic shop: items with drawn pictures, users, events, campaigns, and the truth about them."""
    last = date.fromisoformat(end) if end else datetime.now(UTC).date()
    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as bar:
        tasks = {phase: bar.add_task(text, total=None) for phase, text in PHASES.items()}
        summary = generate(
            target,
            seed=seed,
            end=last,
            items=items,
            users=users,
            progress=lambda phase, done, total: bar.update(tasks[phase], completed=done, total=total),
        )
    Console().print(
        f"{summary.items} items in {summary.families} families, {summary.pictures} pictures, {summary.users} users, "
        f"{summary.sessions} sessions, {summary.events} events → {target}"
    )


if __name__ == "__main__":
    typer.run(main)
