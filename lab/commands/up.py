"""`vitrine up`: run every process on this machine."""

from typing import Annotated

import typer
from rich.console import Console

from lab.commands.options import DEFAULT_WORK, Work, assignments
from lab.commands.running import ProcessView, until_interrupted, wait_for_interrupt
from lab.commands.terminal import console
from lab.supervisor.ensemble import Ensemble


def up(
    replicas: Annotated[
        list[str] | None,
        typer.Option("--replicas", help="Processes of a service, as user_profile=2; repeatable."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only this process and what it depends on; repeatable.")
    ] = None,
    work: Work = DEFAULT_WORK,
) -> None:
    """Start PostgreSQL and every service, watch over them, and stop them with Ctrl-C.

    Settings come from deploy/topology.toml and VITRINE_* variables. Logs are in <work>/logs.
    """
    out = console()
    view = ProcessView(out)
    ensemble = Ensemble(work, replicas=assignments(replicas or [], "replicas"), report=view.report)
    for notice in ensemble.notices:
        out.print(f"[yellow]{notice}[/]")
    with until_interrupted(ensemble, out):
        with view.starting():
            ensemble.start(only)
        tell_addresses(ensemble, out)
        wait_for_interrupt()


def tell_addresses(ensemble: Ensemble, out: Console) -> None:
    """Say where the shop is and how to stop."""
    if "storefront" in ensemble.pids():
        out.print(f"\nStorefront: [bold]http://{ensemble.address('storefront')[0]}/[/]")
    if "page_composer" in ensemble.pids():
        out.print(f"Pages over gRPC: {ensemble.address('page_composer')[0]}  [dim](grpcurl -plaintext … list)[/]")
    out.print(f"Logs: {ensemble.work / 'logs'}   [dim]Ctrl-C stops everything.[/]")
