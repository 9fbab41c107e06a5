"""`vitrine simulate`: simulated users for a shop that brings no events."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from lab.commands.importing import open_services
from lab.commands.options import DEFAULT_WORK, CommandFailed, Work
from lab.commands.progress import phase_bars
from lab.commands.terminal import console
from lab.simulation.history import SimulationOptions, simulate_history
from lab.simulation.shelves import simulated_items


def simulate(
    shop: Annotated[str, typer.Option("--shop", help="The shop whose catalogue the users visit.")],
    users: Annotated[int, typer.Option(min=10, max=1_000_000, help="How many simulated users.")] = 1000,
    days: Annotated[int, typer.Option(min=1, max=365, help="How many days they visit, up to today.")] = 30,
    seed: Annotated[int, typer.Option(help="The same seed on the same catalogue and day gives the same events.")] = 1,
    target: Annotated[Path | None, typer.Option("--to", help="File to write.  [default: <work>/simulated/…]")] = None,
    work: Work = DEFAULT_WORK,
) -> None:
    """Write the events of SIMULATED users of a real catalogue, for trying the shop out; then import them as any other.

    Nothing learnt from them says anything about real people.
    """
    services = open_services(work)
    try:
        items = simulated_items(services.item_facts(shop))
    finally:
        services.close()
    if not items:
        raise CommandFailed(f"shop {shop} has no items; import them first with `vitrine import items`")
    path = target or work / "simulated" / shop / "events.jsonl.gz"
    end = datetime.now(UTC).replace(microsecond=0)
    with phase_bars() as bars:
        options = SimulationOptions(users=users, days=days, seed=seed, end=end)
        count = simulate_history(items, options, path, lambda done: bars.show("simulated users", done, users))
    console().print(f"{count:,} simulated events of {users:,} simulated users → {path}")
    console().print(f"[dim]next: vitrine import events {path} --shop {shop}[/]")
