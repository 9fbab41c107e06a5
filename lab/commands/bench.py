"""`vitrine bench`: how fast the product is, beside the least that the same work can cost."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from lab.benchmark.run import Benchmark, BenchmarkFailed, BenchmarkTask
from lab.commands.options import DEFAULT_SHOP, DEFAULT_WORK, CommandFailed, Shop, Work
from lab.commands.progress import phase_bars
from lab.commands.terminal import console


def bench(
    report: Annotated[Path | None, typer.Option("--report", help="Write what was measured as JSON.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the time; not for quoting.")] = False,
    shop: Shop = DEFAULT_SHOP,
    work: Work = DEFAULT_WORK,
) -> None:
    """Measure pages beside their floor, under load, and the recording of events, on the work folder's shop.

    Starts and stops every process itself. Make the shop first, with `vitrine demo --once`.
    """
    if not (work / shop / "events.jsonl.gz").exists():
        raise CommandFailed(f"{work} holds no shop {shop}; make one with `vitrine demo --once --work {work}`")
    with phase_bars() as bars:
        try:
            result = asyncio.run(Benchmark(BenchmarkTask(work.resolve(), shop, quick), bars.show).run())
        except BenchmarkFailed as error:
            raise CommandFailed(str(error)) from error
    _tell(result)
    if report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _tell(result: dict[str, Any]) -> None:
    for items, found in result["catalogues"].items():
        console().print(f"[bold]{items} items[/]")
        for name, value in found.items():
            if name == "loads":
                for load in value:
                    console().print(f"  [dim]load[/] {escape(json.dumps(load))}")
            else:
                console().print(f"  [dim]{name}[/] {escape(json.dumps(value))}")
