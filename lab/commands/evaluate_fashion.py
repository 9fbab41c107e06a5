"""`vitrine evaluate fashion`: a small network from scratch on Fashion-MNIST."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lab.commands.options import CommandFailed
from lab.commands.progress import phase_bars
from lab.commands.terminal import console

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def fashion(
    data: Annotated[Path, typer.Option(help="Folder of the four IDX files.")] = DEBIAN,
    rows: Annotated[int, typer.Option(help="Learn from so many pictures; 0: from all.", min=0)] = 0,
    epochs: Annotated[int | None, typer.Option(help="Passes over the pictures.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same network.")] = 1,
    report: Annotated[Path | None, typer.Option(help="Write the figures as JSON.")] = None,
) -> None:
    """Train a small convolutional network from scratch, and measure it on pictures kept aside and on the test set."""
    from lab.evaluation.fashion import FashionJob, FashionRefused, run
    from services.item_vision.training.small_network import SmallNetworkSettings

    settings = SmallNetworkSettings(seed=seed)
    if epochs is not None:
        settings = replace(settings, epoch_count=epochs)
    try:
        with phase_bars() as bars:
            figures = run(FashionJob(data, rows, settings), bars.show)
    except FashionRefused as error:
        raise CommandFailed(str(error)) from error
    for name, value in figures.items():
        if isinstance(value, list):
            continue
        console().print(f"[dim]{name.replace('_', ' ')}[/] {json.dumps(value)}")
    if report is not None:
        from lab.evaluation.reports import write_report

        write_report(report, "fashion", figures)
