"""`vitrine import`: bring a shop's files in."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from lab.commands.options import DEFAULT_SHOP, DEFAULT_WORK, CommandFailed, Shop, Work
from lab.commands.terminal import console, errors
from lab.importing.importer import ImportJob, Kind, run_import
from lab.importing.reconcile import Mode, Reconcile
from lab.importing.report import ImportReport
from lab.importing.sending import Addresses, Services
from lab.supervisor.directory import addresses_of
from services.kit.checks import SHOP_ID


def import_file(  # noqa: PLR0913, PLR0917  the options of a command line
    kind: Annotated[Kind, typer.Argument(help="What the file holds; `changes` are later states of items.")],
    file: Annotated[Path, typer.Argument(help="CSV, JSON Lines or Parquet, also with .gz or .zst.")],
    shop: Shop = DEFAULT_SHOP,
    mapping: Annotated[
        str, typer.Option(help="Mapping file, or a built-in one: boutique, apparel_shop, grocery.")
    ] = "boutique",
    pictures: Annotated[Path | None, typer.Option(help="Folder where relative picture paths begin.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check everything, send nothing.")] = False,
    report: Annotated[
        list[Path] | None, typer.Option(help="Write the report: FILE.json, or FILE.html to look at; may be repeated.")
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Write rejected rows, each with its reason, as JSON Lines.")
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin at the beginning, not where it was cut.")] = False,
    mode: Annotated[
        Mode, typer.Option(help="full: the file is the whole catalogue; items that it does not name are retired.")
    ] = "incremental",
    allow_losses: Annotated[
        bool,
        typer.Option(
            "--allow-losses", help="With --mode full: retire even more than half, or although rows lack an id."
        ),
    ] = False,
    work: Work = DEFAULT_WORK,
) -> None:
    """Import a file; every row is imported, merged, held or rejected with a reason.

    Repeating an import is harmless; one that was interrupted goes on where it stood.

    Exit code: 0 when the file was read to its end, however many rows were rejected; 1 when it could not be opened,
    broke off or holds no rows, when --mode full retired nothing because the file is in doubt, when the services could
    not be reached or refused the import, and when it was interrupted.
    """
    for path in report or ():
        if path.suffix not in (".json", ".html"):
            raise CommandFailed(f"{path}: a report ends in .json or .html")
    if SHOP_ID.fullmatch(shop) is None:
        raise CommandFailed(f"{shop!r} is not a shop id; use a-z, 0-9, '-' and '_'")
    if mode == "full" and kind != "items":
        raise CommandFailed(f"--mode full is for items; {kind} are always added to what is there")
    whole = Reconcile(allow_losses) if mode == "full" else None
    job = ImportJob(kind, file, shop, mapping, pictures, rejects, work, restart, whole)
    services = None if dry_run else open_services(work)
    try:
        with import_progress(f"{kind} of {file.name}") as show:
            done = run_import(job, services, datetime.now(UTC), show)
    except KeyboardInterrupt:
        raise CommandFailed("interrupted; the same command goes on where it stood") from None
    finally:
        if services is not None:
            services.close()
    for path in report or ():
        write_report(done, path)
    print_report(done, console(), rejects)
    for problem in done.problems:
        errors().print(f"[bold red]error:[/] {escape(problem)}", soft_wrap=True)
    if done.problems:
        raise typer.Exit(1)


def write_report(report: ImportReport, path: Path) -> None:
    """Write the report as JSON or as a page, by the file's ending."""
    if path.suffix == ".html":
        from lab.importing.report_page import write_page

        write_page(report, path)
    else:
        report.write(path)


def open_services(work: Path) -> Services:
    """Connect to the services of a work folder."""
    found = addresses_of(work)
    return Services(Addresses(found["user_profile"], found["item_vision"], found["page_composer"]))


class import_progress:  # noqa: N801  used as a context manager, like a function
    """A bar by bytes, with rows and rows a second."""

    def __init__(self, title: str) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rows]}"),
            TimeElapsedColumn(),
            disable=not console().is_terminal,
        )
        self._task = self._progress.add_task(escape(title), total=None, rows="")
        self._first_rows: int | None = None

    def __enter__(self) -> Callable[[int, int, int], None]:
        self._progress.start()
        return self._show

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _show(self, behind: int, total: int, rows: int) -> None:
        elapsed_s = self._progress.tasks[0].elapsed or 0.0
        if self._first_rows is None:
            self._first_rows = rows  # of a resumed import: what is behind us cost nothing
        speed = f", {(rows - self._first_rows) / elapsed_s:,.0f} a second" if elapsed_s > 0 else ""
        text = f"{rows:,} rows of {decimal(total)}{speed}"
        self._progress.update(self._task, completed=behind, total=total, rows=text)


def _example(report: ImportReport, title: str, name: str) -> str:
    """Say where a rejected row is and what to do, or name a thing that is missing."""
    sample = next(iter(report.samples.get(f"dangling {name}" if title == "dangling" else name, ())), None)
    if sample is None:
        return ""
    place = f"line {sample.line:,}: " if sample.line else ""
    return f"[dim]{escape(place + (sample.remedy or sample.value))}[/]"


def print_report(report: ImportReport, out: Console, rejects: Path | None = None) -> None:
    """Print what became of every row."""
    head = "would be imported" if report.dry_run else "imported"
    out.print(
        f"[bold]{report.read:,}[/] read = [green]{report.imported:,}[/] {head} + {report.merged:,} merged + "
        f"{report.held:,} held + {'[red]' if report.rejected else '[green]'}{report.rejected:,}[/] rejected"
        f"   [dim]({report.seconds:.1f} s, {report.rows_per_second:,} rows a second)[/]",
        soft_wrap=True,
    )
    if report.resumed_rows:
        out.print(f"[dim]went on behind row {report.resumed_rows:,}, where an earlier run was cut[/]")
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for title, counts in (
        ("merged", report.merged_by),
        ("rejected", report.reasons),
        ("filled", report.filled),
        ("dangling", report.dangling),
        ("joined", report.joined),
    ):
        for name, count in counts.most_common(12):
            table.add_row(f"[dim]{title}[/]", escape(name), f"{count:,}", _example(report, title, name))
    if table.row_count:
        out.print(table)
    for note in report.notes[:5]:
        out.print(f"[dim]{escape(note)}[/]")
    if len(report.notes) > 5:
        out.print(f"[dim]… and {len(report.notes) - 5} more notes in the report (--report FILE.json)[/]")
    if report.rejected and rejects is not None:
        out.print(f"rejected rows with their reasons: {rejects}", soft_wrap=True)
    elif report.rejected:
        out.print("[dim]with --rejects FILE.jsonl the rejected rows are kept, to be mended and imported alone[/]")
