"""`vitrine evaluate leaderboard`: every model beside every other, on real data."""

from pathlib import Path
from typing import Annotated

import typer

from lab.commands.options import CommandFailed
from lab.commands.progress import phase_bars
from lab.commands.terminal import console
from lab.leaderboard.model import UnknownModelError

PARTS = ("sequences", "profiles", "ratings")
NOTHING = "nothing"
"""As `--only`: a page of the other reports alone."""
HEADING = "Which model serves best"


def leaderboard(  # noqa: PLR0913, PLR0917  the options of a command line
    data: Annotated[Path, typer.Option("--data", envvar="VITRINE_DATA", help="Folder with a folder a data set.")],
    report: Annotated[Path, typer.Option("--report", help="Write this .html page, and JSON beside it.")],
    only: Annotated[
        str, typer.Option("--only", help=f"Parts, with commas: {', '.join(PARTS)}; or {NOTHING}. Default: all.")
    ] = "",
    sets: Annotated[str, typer.Option("--sets", help="Data sets, with commas, by folder name. Default: all.")] = "",
    names: Annotated[str, typer.Option("--models", help="Models, with commas. Default: all.")] = "",
    reports: Annotated[
        list[Path] | None,
        typer.Option("--with", help="Show this --report of another evaluate command too; may be repeated."),
    ] = None,
    rows: Annotated[
        Path | None, typer.Option("--rows", help="Folder of finished rows. Default: beside the page, NAME.rows.")
    ] = None,
) -> None:
    """Train every model on every data set and write one report: tables with intervals, plots, and JSON beside it.

    Hours for everything on two cores; choose sets and models to see a part. What is finished is kept in --rows: a run
    that was cut short goes on when it is called again, and nothing is trained twice as long as data, settings and code
    are the same. A folder with sequences.csv.gz is a set of sequences (and of profiles), one with ratings.csv and a
    column propensity one of chosen ratings; grocery and movielens_small are known by their names.
    """
    if report.suffix != ".html":
        raise CommandFailed(f"--report {report}: give a name that ends in .html; the JSON goes beside it")
    if not data.is_dir():
        raise CommandFailed(f"--data {data} is no folder; give the one that holds a folder for each data set")
    parts = () if only == NOTHING else _chosen(only, PARTS, "--only")
    from lab.evaluation.kept_rows import KeptRows
    from lab.evaluation.leaderboard.parts import parts as own_parts
    from lab.evaluation.leaderboard.run import Task, compare_all
    from lab.evaluation.leaderboard.tables import head, tables
    from lab.evaluation.profile_files import ProfileFileRefused
    from lab.evaluation.reports import ReportRefused, finite
    from lab.evaluation.sections.registry import parts_of
    from lab.evaluation.strong_generalisation import TooSmallError
    from lab.evaluation.tables import TableRefused
    from lab.leaderboard.sequence_files import SequenceFileRefused
    from lab.reporting.page import page_of_parts
    from lab.reporting.writing import write_page

    kept = KeptRows(rows or report.with_suffix(".rows"))
    try:
        # Before anything is trained: a wrong file is refused at once.
        others, other_parts = parts_of(reports or ())
        with phase_bars() as bars:
            found = compare_all(Task(data, parts, _listed(sets), _listed(names), kept), bars.show)
    except UnknownModelError as error:
        raise CommandFailed(f"--models: {error}") from error
    except ReportRefused as error:
        raise CommandFailed(f"--with: {error}") from error
    except (SequenceFileRefused, ProfileFileRefused, TableRefused, TooSmallError) as error:
        raise CommandFailed(str(error)) from error
    found["reports"] = {each.name: dict(each.figures) for each in others}
    write_page(report, finite(found), page_of_parts(HEADING, head(found), [*own_parts(found), *other_parts]))
    console().print(tables(found), markup=False)
    console().print(f"[bold]{report}[/] and {report.with_suffix('.json').name} beside it")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip())


def _chosen(text: str, known: tuple[str, ...], option: str) -> tuple[str, ...]:
    chosen = _listed(text) or known
    for each in chosen:
        if each not in known:
            raise CommandFailed(f"{option}: there is no part {each!r}; there are {', '.join(known)}")
    return chosen
