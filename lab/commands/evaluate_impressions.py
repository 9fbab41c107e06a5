"""`vitrine evaluate impressions`: clicks and purchases of logged impressions, predicted at their positions."""

import csv
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.commands.options import CommandFailed
from lab.commands.progress import phase_bars
from lab.commands.terminal import console
from lab.native_noise import native_noise_into

if TYPE_CHECKING:
    from lab.evaluation.impressions.figures import HeldOutFigures
    from lab.evaluation.impressions.prediction import Learnt
    from lab.evaluation.impressions.reading import Impressions

OUT_COLUMNS = ("request_id", "user_id", "item_id", "position", "p_click", "p_purchase")


def impressions(
    train: Annotated[Path, typer.Option(help="Impressions with clicked and purchased: Parquet, CSV or CSV.gz.")],
    impressions: Annotated[Path, typer.Option(help="Impressions to predict, in the same columns without the two.")],
    output: Annotated[Path, typer.Option(help="CSV (CSV.gz) to write: p_click and p_purchase at each position.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same output.", min=0)] = 1,
    report: Annotated[Path | None, typer.Option(help="Write the validation figures as JSON.")] = None,
) -> None:
    """Predict clicks and purchases at their positions, and say how well that went on the newest training part."""
    from lab.evaluation.impressions.prediction import Options, learn
    from lab.evaluation.impressions.reading import read_impressions
    from lab.evaluation.tables import TableRefused

    try:
        # TensorFlow's start says much that concerns nobody.
        with phase_bars() as bars, native_noise_into(Path(os.devnull)):
            training, asked = read_impressions(train, labelled=True), read_impressions(impressions, labelled=False)
            learnt = learn(training, _shared(training, asked), Options(seed=seed, progress=bars.show))
            p_click, p_purchase = learnt.predict(asked)
            _write(output, asked, (p_click, p_purchase))
    except TableRefused as error:
        raise CommandFailed(str(error)) from error
    figures = _figures(learnt, training, seed)
    _print(learnt, figures)
    console().print(f"{len(asked):,} impressions predicted → {output}")
    if report is not None:
        from lab.evaluation.reports import write_report

        write_report(report, "impressions", _as_dict(learnt, figures))


def _shared(training: "Impressions", asked: "Impressions") -> list[str]:
    """Context columns of both files; the others cannot be learnt from, or not be used."""
    for name in sorted(set(training.context) ^ set(asked.context)):
        place = training.source if name in training.context else asked.source
        console().print(f"[yellow]note[/] the column {name!r} is only in {place}; it is not used")
    if training.unclicked_purchases:
        console().print(
            f"[yellow]note[/] {training.unclicked_purchases:,} purchases in {training.source} have no click; "
            "they do not count as bought through the impression"
        )
    return [name for name in training.context if name in asked.context]


def _write(path: Path, asked: "Impressions", probabilities: tuple[Any, Any]) -> None:
    from lab.evaluation.tables import csv_target, decimals

    columns = (
        asked.request_ids.to_pylist(),
        asked.user_ids.to_pylist(),
        asked.item_ids.to_pylist(),
        asked.positions.tolist(),
        *(decimals(each.tolist()) for each in probabilities),
    )
    with csv_target(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(OUT_COLUMNS)
        writer.writerows(zip(*columns, strict=True))


def _figures(learnt: "Learnt", training: "Impressions", seed: int) -> "HeldOutFigures":
    from lab.evaluation.impressions.encoding import WordColumn
    from lab.evaluation.impressions.figures import figures_of

    names = {
        name: column.values.to_pylist()
        for name, column in learnt.encoder.columns.items()
        if name in training.context and isinstance(column, WordColumn)
    }
    positions = [str(position) for position in learnt.encoder.positions.tolist()]
    return figures_of(learnt.held_out, {"position": positions, **names}, seed)


def _print(learnt: "Learnt", figures: "HeldOutFigures") -> None:
    out = console()
    out.soft_wrap = True
    out.print("[bold]log loss on later impressions inside the training file[/] (clicks; purchases among clicks)")
    for name, losses in learnt.comparison.items():
        out.print(f"  {name:<14} {losses['click']:.6f}  {losses['buy']:.6f}")
    calibrated = learnt.calibrated
    out.print(f"chosen: {' + '.join(calibrated.click_models)} for clicks, {' + '.join(calibrated.buy_models)} for buys")
    out.print(
        f"[bold]held out, the newest {figures.impressions:,} impressions[/] of the training file "
        f"({figures.clicks:,} clicks, {figures.purchases:,} purchases; 95 % intervals over users)"
    )
    for name, figure in figures.measures.items():
        out.print(f"  {name:<20} {figure.text(6 if 'loss' in name else 4)}")
    out.print("[bold]predicted / observed[/] of the held-out part")
    for each in figures.calibration:
        out.print(f"  {each.head:<9} {each.segment:<28} {each.observed:>8,}  {each.ratio.text(3)}", markup=False)


def _as_dict(learnt: "Learnt", figures: "HeldOutFigures") -> dict[str, Any]:
    from lab.evaluation.reliability import reliability

    held_out = learnt.held_out
    return {
        "comparison": learnt.comparison,
        "chosen": {"click": learnt.calibrated.click_models, "buy": learnt.calibrated.buy_models},
        "lengths": {name: asdict(length) for name, length in learnt.lengths.items()},
        "examination": dict(
            zip(map(str, learnt.encoder.positions.tolist()), learnt.statistics.curve.round(5).tolist(), strict=True)
        ),
        "held_out": figures.as_dict(),
        "reliability": {
            "click": reliability(held_out.p_click, held_out.encoded.clicked),
            "purchase": reliability(held_out.p_purchase, held_out.encoded.purchased),
        },
    }
