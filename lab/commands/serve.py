"""`vitrine serve`: run one service in the foreground."""

import threading
from pathlib import Path
from typing import Annotated

import typer

from lab.commands.options import DEFAULT_WORK, Work
from lab.commands.running import ProcessView, until_interrupted
from lab.commands.terminal import console
from lab.supervisor.ensemble import Ensemble

_LOOK_EVERY_S = 0.3


def serve(
    service: Annotated[str, typer.Argument(help="A process of deploy/topology.toml, such as ranker.")],
    work: Work = DEFAULT_WORK,
) -> None:
    """Run one service with what it depends on (PostgreSQL, unless VITRINE_DATABASE_DSN names one), its log here."""
    out = console()
    view = ProcessView(out)
    ensemble = Ensemble(work, report=view.report)
    ensemble.topology.spec(service)
    log = ensemble.work / "logs" / f"{service}.log"
    begin = log.stat().st_size if log.exists() else 0
    with until_interrupted(ensemble, out):
        ensemble.start([service])
        for address in ensemble.address(service):
            out.print(f"[green]{service}[/] serves at [bold]{address}[/]  [dim]Ctrl-C stops it.[/]")
        _follow(log, begin)


def _follow(log: Path, begin: int) -> None:
    """Print what is written to the log, until interrupted."""
    pause = threading.Event()
    with log.open("r", encoding="utf-8", errors="replace") as file:
        file.seek(begin)
        while True:
            for line in file:
                print(line, end="")
            pause.wait(_LOOK_EVERY_S)
