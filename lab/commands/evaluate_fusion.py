"""`vitrine evaluate compression|scaling|large`: the fusion model's size against its quality and cost."""

import json
from pathlib import Path
from typing import Annotated

import typer

from lab.commands.options import DEFAULT_SHOP, DEFAULT_WORK, CommandFailed, Shop, Work
from lab.commands.progress import phase_bars
from lab.commands.terminal import console
from lab.native_noise import native_noise_into

Report = Annotated[Path | None, typer.Option("--report", help="Write the result as JSON.")]


def compression(report: Report = None, shop: Shop = DEFAULT_SHOP, work: Work = DEFAULT_WORK) -> None:
    """Compress the fusion model in every way, and compare quality, bytes and CPU time on held-out visits."""
    _run("compression", report, shop, work)


def scaling(report: Report = None, shop: Shop = DEFAULT_SHOP, work: Work = DEFAULT_WORK) -> None:
    """Train the fusion model in six sizes, and compare quality, parameters, bytes and CPU time on held-out visits."""
    _run("scaling", report, shop, work)


def _run(name: str, report: Path | None, shop: str, work: Path) -> None:
    from lab.commands.evaluate import EvaluationOptions, evaluate

    evaluate(name, EvaluationOptions(shop, 0, 1, work, report))


def large(
    items: Annotated[int, typer.Option(help="Items with 64 numbers each of their own.", min=1_000)] = 15_625_000,
    shards: Annotated[int, typer.Option(help="Variables that they are split over.", min=1, max=1_024)] = 16,
    report: Report = None,
    work: Work = DEFAULT_WORK,
) -> None:
    """Build a fusion model of a billion parameters, train it one step, export it in shards, run it in C++."""
    log = work / "logs" / "evaluation.log"
    with native_noise_into(log), phase_bars() as bars:
        from lab.evaluation.large import LargeRun, run_large
        from services.ranker.model.gate import ExportRefused

        try:
            result = run_large(LargeRun(items, shards), bars.show)
        except ExportRefused as refused:
            raise CommandFailed(str(refused)) from refused
    for key, value in result.items():
        console().print(f"[dim]{key}[/] {json.dumps(value)}")
    if report is not None:
        from lab.evaluation.reports import write_report

        write_report(report, "large", result)
