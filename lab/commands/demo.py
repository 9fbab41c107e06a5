"""`vitrine demo`: a whole shop on this machine, from nothing."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule

from lab.commands.options import DEFAULT_WORK, CommandFailed, Work
from lab.commands.progress import phase_bars
from lab.commands.running import ProcessView, until_interrupted, wait_for_interrupt
from lab.commands.terminal import console
from lab.commands.terminal_page import draw_page
from lab.commands.up import tell_addresses
from lab.demo.phases import DemoFailed
from lab.demo.run import SIZES, Demo, DemoResult
from lab.demo.state import AnotherBoutique
from lab.supervisor.ensemble import Ensemble


def demo(
    once: Annotated[bool, typer.Option("--once", help="Do everything, check, and end instead of staying up.")] = False,
    report: Annotated[Path | None, typer.Option("--report", help="Write what was measured as JSON.")] = None,
    size: Annotated[Literal["small", "full"], typer.Option(help="How large the boutique is.")] = "full",
    seed: Annotated[int, typer.Option(help="Which boutique.")] = 7,
    work: Work = DEFAULT_WORK,
) -> None:
    """Make the boutique, import it, train, run every process, compose twenty pages and check them.

    Stays up with the storefront until Ctrl-C, unless --once. A second run uses again what the first one made.
    Exit code 1 when a check fails.
    """
    out = console()
    view = ProcessView(out)
    ensemble = Ensemble(work, report=view.report)
    for notice in ensemble.notices:
        out.print(f"[yellow]{notice}[/]")
    result: DemoResult | None = None
    with until_interrupted(ensemble, out):
        with phase_bars() as bars:
            view.console = bars.console
            try:
                result = Demo(ensemble, seed, SIZES[size], bars.show).run()
            except (DemoFailed, AnotherBoutique) as error:
                raise CommandFailed(str(error)) from error
        view.console = out
        _tell(result, report, out)
        if not once and not result.findings.problems():
            tell_addresses(ensemble, out)
            wait_for_interrupt()
    if result is None:
        raise typer.Exit(130)  # interrupted before there was anything to show
    if result.findings.problems():
        out.print("\n".join(result.findings.details[:10]))
        raise CommandFailed("the pages are not as they should be: " + "; ".join(result.findings.problems()))


def _tell(result: DemoResult, report: Path | None, out: Console) -> None:
    out.print(Padding(Rule(f"The page of {result.user_id}"), (1, 0, 0, 0)))
    draw_page(result.page, out)
    phases = "  ".join(f"{name} {seconds:.1f}" for name, seconds in result.seconds.items())
    out.print(f"\n[dim]seconds: {phases}[/]")
    shelves = ", ".join(f"{name} {count}" for name, count in result.findings.shelves.most_common())
    out.print(f"{result.findings.pages} pages checked; shelves: [dim]{shelves}[/]")
    if report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(result.as_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
