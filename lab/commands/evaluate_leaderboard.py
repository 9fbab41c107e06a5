"""`vitrine evaluate leaderboard`: every model beside every other, on real data."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from lab.commands.options import CommandFailed
from lab.commands.progress import phase_bars
from lab.commands.terminal import console
from lab.leaderboard.model import UnknownModelError

PARTS = ("sequences", "profiles")


def leaderboard(
    data: Annotated[Path, typer.Option("--data", envvar="VITRINE_DATA", help="Folder with a folder a data set.")],
    report: Annotated[Path, typer.Option("--report", help="Write this .html page, and JSON beside it.")],
    only: Annotated[str, typer.Option("--only", help=f"Parts, with commas: {', '.join(PARTS)}. Default: all.")] = "",
    sets: Annotated[str, typer.Option("--sets", help="Data sets, with commas, by folder name. Default: all.")] = "",
    names: Annotated[str, typer.Option("--models", help="Models, with commas. Default: all.")] = "",
) -> None:
    """Train every model on every data set and write one report: tables with intervals, plots, and JSON beside it.

    Hours for everything on two cores; choose sets and models to see a part. A folder with sequences.csv.gz is a set of
    sequences (and of profiles); grocery and movielens_small are known by their names.
    """
    if report.suffix != ".html":
        raise CommandFailed(f"--report {report}: give a name that ends in .html; the JSON goes beside it")
    if not data.is_dir():
        raise CommandFailed(f"--data {data} is no folder; give the one that holds a folder for each data set")
    parts = _chosen(only, PARTS, "--only")
    from lab.evaluation.leaderboard.run import Task, compare_all
    from lab.reporting.writing import write_page

    with phase_bars() as bars:
        try:
            found = compare_all(Task(data, parts, _listed(sets), _listed(names)), bars.show)
        except UnknownModelError as error:
            raise CommandFailed(f"--models: {error}") from error
    from lab.evaluation.leaderboard.plots import all_plots
    from lab.evaluation.leaderboard.tables import tables

    found["command"] = shlex.join(["vitrine", *(Path(each).name if "/" in each else each for each in sys.argv[1:])])
    shown = tables(found)
    write_page(report, found, ("Which model serves best", shown, all_plots(found)))
    console().print(shown, markup=False)
    console().print(f"[bold]{report}[/] and {report.with_suffix('.json').name} beside it")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip())


def _chosen(text: str, known: tuple[str, ...], option: str) -> tuple[str, ...]:
    chosen = _listed(text) or known
    for each in chosen:
        if each not in known:
            raise CommandFailed(f"{option}: there is no part {each!r}; there are {', '.join(known)}")
    return chosen
