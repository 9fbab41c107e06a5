"""`vitrine bench`: how fast the product is, beside the least that the same work can cost."""

import asyncio
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from lab.benchmark.failures import BenchmarkFailed
from lab.benchmark.report import write_report
from lab.benchmark.run import PARTS, SIZES, SOAK_MINUTES, Benchmark, BenchmarkTask
from lab.benchmark.tables import put_into, tables
from lab.commands.options import DEFAULT_SHOP, DEFAULT_WORK, CommandFailed, Shop, Work
from lab.commands.progress import phase_bars
from lab.commands.terminal import console
from lab.native_noise import native_noise_into

DEFAULT_SIZES = ",".join(str(size) for size in SIZES)
application = typer.Typer(help="Measure speed, and show what was measured.", invoke_without_command=True)

Report = Annotated[Path | None, typer.Option("--report", help="Write JSON here, and plots beside it as .html.")]
Only = Annotated[str, typer.Option("--only", help=f"Parts to make, with commas: {', '.join(PARTS)}. Default: all.")]
Sizes = Annotated[str, typer.Option("--sizes", help="Catalogue sizes, with commas; beyond 2000 synthetic.")]
Quick = Annotated[bool, typer.Option("--quick", help="Minutes, to see that all works; not for quoting.")]
Minutes = Annotated[float, typer.Option("--minutes", min=0.1, help="Length of the soak.")]


@application.callback()
def bench(  # noqa: PLR0913, PLR0917  the options of a command line
    context: typer.Context,
    report: Report = None,
    only: Only = "",
    sizes: Sizes = DEFAULT_SIZES,
    quick: Quick = False,
    minutes: Minutes = SOAK_MINUTES,
    shop: Shop = DEFAULT_SHOP,
    work: Work = DEFAULT_WORK,
) -> None:
    """Measure pages beside their floor, under load, in sessions, during a swap, by users, and the recording of events.

    Starts and stops every process itself. Up to 2000 items the demo's shop is measured: make it first, with
    `vitrine demo --once`. Larger ones are made up and removed again.
    """
    if context.invoked_subcommand:
        return
    if report is not None and report.suffix != ".json":
        raise CommandFailed(f"--report {report}: give a name that ends in .json; the page with plots goes beside it")
    task = BenchmarkTask(work.resolve(), shop, _sizes(sizes), _parts(only), quick, minutes)
    with phase_bars() as bars, native_noise_into(work.resolve() / "logs" / "benchmark.log"):
        benchmark = Benchmark(task, bars.show)
        benchmark.result["command"] = _told(sys.argv[1:])
        try:
            asyncio.run(benchmark.run())
        except BenchmarkFailed as error:
            raise CommandFailed(str(error)) from error
        finally:
            if report is not None and benchmark.result["catalogues"]:
                write_report(benchmark.result, report)
    _tell(benchmark.result)


@application.command("tables")
def show_tables(
    reports: Annotated[list[Path], typer.Argument(help="What `vitrine bench --report` wrote; several in turn.")],
    into: Annotated[Path | None, typer.Option("--into", help="Put them into this document, between its marks.")] = None,
) -> None:
    """Print the Markdown tables of reports, or put them into a document such as docs/performance.md."""
    found = "\n\n".join(_tables_of(report) for report in reports)
    if into is None:
        print(found)
        return
    try:
        into.write_text(put_into(into.read_text(encoding="utf-8"), found), encoding="utf-8")
    except (OSError, ValueError) as error:
        raise CommandFailed(f"{into}: {error}") from error


def _tables_of(report: Path) -> str:
    try:
        return tables(json.loads(report.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError) as error:
        raise CommandFailed(f"{report} is no report of `vitrine bench --report`: {error!r}") from error


def _told(arguments: Sequence[str]) -> str:
    """The command for the report; where folders are on this machine is nobody's business."""
    return shlex.join(["vitrine", *(Path(each).name if each.startswith("/") else each for each in arguments)])


def _sizes(text: str) -> list[int]:
    parts = [part.strip().replace("_", "") for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdigit() and int(part) >= 100 for part in parts):
        raise CommandFailed(f"--sizes {text!r}: give sizes of 100 and more with commas between, such as 2000,20000")
    return sorted({int(part) for part in parts})


def _parts(text: str) -> list[str]:
    named = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [part for part in named if part not in PARTS]
    if unknown:
        raise CommandFailed(f"--only {', '.join(unknown)}: there is no such part; parts are {', '.join(PARTS)}")
    return named or list(PARTS)


def _tell(result: dict[str, Any]) -> None:
    out = console()
    out.print(escape(tables(result)), soft_wrap=True, highlight=False)
