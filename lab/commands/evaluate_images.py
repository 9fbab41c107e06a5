"""`vitrine evaluate images`: learn from class folders, say how well, and name pictures without a label."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from lab.commands.options import CommandFailed
from lab.commands.progress import phase_bars
from lab.commands.terminal import console


def images(  # noqa: PLR0913, PLR0917  the options of a command line
    train: Annotated[Path, typer.Option(help="Folder of class folders with pictures.")],
    images: Annotated[Path, typer.Option(help="Folder of pictures to name, at any depth.")],
    output: Annotated[Path, typer.Option(help="CSV to write: path (below --images), label, confidence; also .gz.")],
    embeddings: Annotated[
        Path | None, typer.Option(help="NPZ to write: paths, embeddings; the cosine says how alike two look.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same output.")] = 1,
    report: Annotated[Path | None, typer.Option(help="Write the figures as JSON.")] = None,
    backbone: Annotated[
        str, typer.Option(help="efficientnet_lite0, or keras:NAME of keras.applications (needs --weights).")
    ] = "efficientnet_lite0",
    weights: Annotated[Path | None, typer.Option(help="The backbone's weights file.")] = None,
    tuned_behind: Annotated[
        str | None, typer.Option(help="Layer of a keras: backbone behind which it is tuned; default: not at all.")
    ] = None,
    side: Annotated[int, typer.Option(help="Pixels across that the backbone sees.", min=32)] = 224,
    networks: Annotated[
        int, typer.Option(help="Networks to train, each judged on the part it did not see.", min=2)
    ] = 3,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the pictures; 0: the backbone stays as it is.", min=0)
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="float32, mixed_float16 or mixed_bfloat16; default: half on GPUs.")
    ] = None,
    device: Annotated[list[str] | None, typer.Option(help="Such as GPU:0; may be repeated. Default: all GPUs.")] = None,
) -> None:
    """Train on class folders, judge on held-out parts of them, and name the pictures of a folder without labels.

    What is said of a picture depends on the training folder and that picture alone. Files that are no usable picture
    get an empty label and confidence 0, and their reason stands in <output>.rejects.jsonl.
    """
    from services.item_vision.model.encoders import KERAS_PREFIX, EncoderConfigurationError

    if backbone.startswith(KERAS_PREFIX) and weights is None:
        raise CommandFailed(f"--backbone {backbone} comes without weights; name their file with --weights")

    from lab.evaluation.image_learning import ImageSettings
    from lab.evaluation.images import ImageJob, run
    from lab.evaluation.picture_folders import FolderRefused
    from services.item_vision.model.trunk import TrunkSettings
    from services.item_vision.training.devices import DeviceSettings, Precision

    if precision is not None and precision not in list(Precision):
        raise CommandFailed(f"--precision {precision!r} is unknown; use one of {', '.join(Precision)}")
    settings = ImageSettings(
        trunk=TrunkSettings(backbone, weights, side, tuned_behind),
        devices=DeviceSettings(tuple(device or ()), Precision(precision) if precision else None),
        member_count=networks,
    )
    classifier = replace(settings.classifier, seed=seed)
    if epochs is not None:
        classifier = replace(classifier, tuning=replace(classifier.tuning, epoch_count=epochs))
    settings = replace(settings, classifier=classifier, views=replace(settings.views, seed=seed))
    try:
        with phase_bars() as bars:
            result = run(ImageJob(train, images, output, embeddings, settings), bars.show)
    except (FolderRefused, EncoderConfigurationError) as error:
        raise CommandFailed(str(error)) from error
    _print(result.figures)
    console().print(f"{result.named:,} pictures named in [bold]{output}[/], {result.refused:,} files refused")
    if report is not None:
        from lab.evaluation.reports import write_report

        write_report(report, "images", result.figures)


def _print(figures: dict[str, Any]) -> None:
    """Print plain figures in a line, and those with an interval as a table."""
    table = Table("on held-out training pictures", "mean", "95 % interval", box=None, padding=(0, 2, 0, 0))
    for name, value in figures.items():
        if isinstance(value, dict) and "low" in value:
            table.add_row(name.replace("_", " "), f"{value['mean']:.4f}", f"{value['low']:.4f} to {value['high']:.4f}")
        elif not isinstance(value, list):
            console().print(f"[dim]{name.replace('_', ' ')}[/] {json.dumps(value)}")
    console().print(table)
