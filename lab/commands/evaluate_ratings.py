"""`vitrine evaluate ratings`: all pairs of users and items, predicted from ratings that users chose to give."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.commands.options import CommandFailed
from lab.commands.progress import phase_bars
from lab.commands.terminal import console

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.evaluation.ratings.reading import RatingLog
    from lab.evaluation.ratings.study import Debiasing


def ratings(
    train: Annotated[Path, typer.Option(help="Ratings as user,item,rating: CSV, CSV.gz or Parquet.")],
    output: Annotated[Path, typer.Option(help="CSV (CSV.gz) to write: a prediction of every user and item.")],
    propensity_column: Annotated[
        str | None, typer.Option(help="Column with the chance that the user would rate the item.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same output.", min=0)] = 1,
    report: Annotated[Path | None, typer.Option(help="Write the validation figures as JSON.")] = None,
) -> None:
    """Predict the rating of every pair as if pairs were drawn at random, and estimate the error of that."""
    from lab.evaluation.ratings.choosing import Choosing, predict_all
    from lab.evaluation.ratings.reading import read_ratings
    from lab.evaluation.ratings.study import debiasing
    from lab.evaluation.tables import TableRefused

    try:
        log = read_ratings(train, propensity_column)
    except TableRefused as error:
        raise CommandFailed(str(error)) from error
    with phase_bars() as bars:
        choosing = Choosing(seed=seed, progress=bars.show)
        predicted = predict_all(log, choosing)
        _write(output, log, predicted)
        found = debiasing(log, choosing)
    _print(log, found)
    console().print(f"{predicted.size:,} pairs predicted → {output}")
    if report is not None:
        from lab.evaluation.reports import write_report

        write_report(report, "ratings", found.as_dict())


def _write(path: Path, log: "RatingLog", predicted: "NDArray[np.float64]") -> None:
    from lab.evaluation.tables import csv_target, decimals

    with csv_target(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("user", "item", "prediction"))
        for user, of_user in zip(log.user_names, predicted.tolist(), strict=True):
            writer.writerows(zip([user] * len(of_user), log.item_names, decimals(of_user), strict=True))


def _print(log: "RatingLog", found: "Debiasing") -> None:
    out = console()
    known = "weighted by propensities" if log.propensities is not None else "of ratings like those given"
    out.print(f"[bold]mean squared error {known}[/] (five-fold, 95 % intervals over users)")
    out.print(f"  the average rating        {found.average_rating.text()}")
    out.print(f"  biases alone              {found.biases.text()}")
    out.print(f"  without propensities      {found.without_propensities.text()}")
    if found.weighted is not None and found.with_propensities is not None and found.gain is not None:
        out.print(f"  weighted by propensities  {found.weighted.text()}")
        out.print(f"  weighted, and exposure    {found.with_propensities.text()}")
        out.print(f"  gain, paired              {found.gain.text()}")
