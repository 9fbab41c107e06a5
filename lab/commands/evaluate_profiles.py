"""`vitrine evaluate profiles|strong-generalisation`: users who are new, from files, and how well models tell them."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from lab.commands.options import CommandFailed
from lab.commands.progress import phase_bars
from lab.commands.terminal import console

TrainFile = Annotated[Path, typer.Option("--train", help="What known users have: user_id,position,item_id; no order.")]
HistoriesFile = Annotated[Path, typer.Option("--histories", help="What the users to predict for have; same columns.")]
ModelName = Annotated[str, typer.Option("--model", help="A model by name; auto: a blend chosen by validation.")]
Top = Annotated[int, typer.Option(help="Items a user.", min=1)]
Seed = Annotated[int, typer.Option(help="The same seed gives the same output.", min=0)]
Output = Annotated[Path, typer.Option("--output", help="user_id,rank,item_id,score; gzip when it ends in .gz.")]
DataFile = Annotated[Path, typer.Option("--data", help="A file of users and items.")]
Format = Annotated[str, typer.Option("--format", help="sequences, ratings or purchases.")]
ModelNames = Annotated[str, typer.Option("--models", help="Models by name, with commas between.")]
ReportFile = Annotated[Path | None, typer.Option("--report", help="Write the table as JSON.")]


def profiles(
    train: TrainFile,
    histories: HistoriesFile,
    output: Output,
    model: ModelName = "auto",
    top: Top = 100,
    seed: Seed = 1,
) -> None:
    """Rank items for users who are new, by a model that is chosen and trained on a file."""
    from lab.evaluation.profiles import ProfileJob, predict_profiles

    with phase_bars() as bars:
        try:
            figures = predict_profiles(ProfileJob(train, histories, model, seed, top, output), bars.show)
        except ValueError as error:
            raise CommandFailed(str(error)) from error
    for key, value in figures.items():
        console().print(f"[dim]{key}[/] {escape(json.dumps(value))}", highlight=False, soft_wrap=True)


def strong_generalisation(
    data: DataFile,
    models: ModelNames = "popularity,profile_blend",
    form: Format = "sequences",
    seed: Seed = 1,
    report: ReportFile = None,
) -> None:
    """Measure models of profiles on users held out: Recall@20, Recall@50, NDCG@100, and the distance to EASE."""
    from lab.evaluation.profile_files import READERS
    from lab.evaluation.strong_generalisation import YARDSTICK, compare

    if form not in READERS:
        raise CommandFailed(f"--format {form!r} is none of {', '.join(READERS)}")
    names = [name.strip() for name in models.split(",") if name.strip()]
    with phase_bars() as bars:
        try:
            table = compare(READERS[form](data), names, seed, bars.show)
        except ValueError as error:
            raise CommandFailed(str(error)) from error
    for name, row in table["models"].items():
        console().print(_line(name, row, YARDSTICK), highlight=False, soft_wrap=True)
    if report is not None:
        from lab.evaluation.reports import write_report

        write_report(report, "strong-generalisation", table)


def _line(name: str, row: dict[str, Any], yardstick: str) -> str:
    measures = "  ".join(f"{key} {each['mean']:.4f}" for key, each in row["measures"].items())
    above, relative = row[f"above_{yardstick}"]["ndcg_100"], row[f"relative_to_{yardstick}"]["ndcg_100"]
    return f"{name:<22} {measures}  NDCG {relative:+.1%} of {yardstick} ({above['low']:+.4f} to {above['high']:+.4f})"
