"""`vitrine train`: train what a release needs and publish it."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.commands.options import DEFAULT_SHOP, DEFAULT_WORK, CommandFailed, Shop, Work
from lab.commands.progress import phase_bars
from lab.commands.terminal import console
from lab.native_noise import native_noise_into
from lab.releases import promote_release
from lab.supervisor.directory import addresses_of
from services.ranker.model.choices import Compression, HistoryEncoderKind

if TYPE_CHECKING:
    from lab.training.pipeline import TrainingReport

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class TrainingChoices:
    """What the command line says about how a release is made."""

    history_encoder: HistoryEncoderKind = "transformer"
    compression: Compression = "none"
    workers: int = 1
    sources: tuple[str, ...] = ()
    """Candidate sources as named; none: the default ones."""


def train(  # noqa: PLR0913, PLR0917  the options of a command line
    shop: Shop = DEFAULT_SHOP,
    promote: Annotated[bool, typer.Option("--promote", help="Make it the stable release when it is ready.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the training report as JSON.")] = None,
    history_encoder: Annotated[
        HistoryEncoderKind, typer.Option(help="How the fusion model reads a visitor's recent actions.")
    ] = "transformer",
    compress: Annotated[
        Compression, typer.Option(help="Serve weights of 2 bytes or 1, or a smaller student, instead of the model.")
    ] = "none",
    workers: Annotated[
        int, typer.Option(help="Processes on this machine that train the fusion model together.", min=1, max=64)
    ] = 1,
    sources: Annotated[
        str,
        typer.Option(
            help="Candidate sources that the release ships, with commas, such as item_cf,two_tower; popular always is. "
            "Default: all.",
            show_default=False,
        ),
    ] = "",
    work: Work = DEFAULT_WORK,
) -> None:
    """Train a shop's models on what its services hold, and publish them together as a release."""
    with phase_bars() as bars:
        named = tuple(filter(None, map(str.strip, sources.split(","))))
        done = run_training(shop, work, bars.show, TrainingChoices(history_encoder, compress, workers, named))
    stages = "  ".join(f"{name} {seconds:.1f}" for name, seconds in done.seconds.items())
    console().print(
        f"[bold]{done.release_id}[/] published after {sum(done.seconds.values()):.0f} s  [dim]({stages})[/]"
    )
    for name, value in sorted(done.metrics.items()):
        if name.endswith(("_low", "_high")):
            continue  # the model card has the intervals
        console().print(f"  [dim]{name}[/] {value:.4f}")
    if report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(asdict(done), indent=2) + "\n", encoding="utf-8")
    if promote:
        promote_release(addresses_of(work)["ranker"], shop, done.release_id)
        console().print(f"[bold]{done.release_id}[/] is stable now")


def run_training(shop: str, work: Path, progress: Progress, choices: TrainingChoices | None = None) -> "TrainingReport":
    """Train a shop. Raises: CommandFailed when there is nothing to learn from, or no such source."""
    choices = choices or TrainingChoices()
    shipped = _sources(choices.sources)
    with native_noise_into(work / "logs" / "training.log"):
        from lab.preparation.occupied import ShopOccupied
        from lab.training.export import NothingToLearnError
        from lab.training.features import FeaturesMissingError
        from lab.training.pipeline import TrainingOptions
        from lab.training.pipeline import train as train_release
        from services.ranker.model.configuration import FusionConfig
        from services.ranker.training.together import WorkersFailed

    options = TrainingOptions(
        fusion=FusionConfig(history_encoder=choices.history_encoder),
        compression=choices.compression,
        workers=choices.workers,
        sources=shipped,
    )
    try:
        with native_noise_into(work / "logs" / "training.log"):
            return train_release(shop, work, addresses_of(work), options, progress)
    except (NothingToLearnError, FeaturesMissingError, ShopOccupied, WorkersFailed) as error:
        raise CommandFailed(str(error)) from error


def _sources(named: tuple[str, ...]) -> tuple[str, ...]:
    """The sources to ship. Raises: CommandFailed, before anything of size is loaded."""
    from lab.training.source_choice import DEFAULT_SOURCES, SourceUnknownError, chosen_sources

    try:
        return chosen_sources(named or DEFAULT_SOURCES)
    except SourceUnknownError as error:
        raise CommandFailed(str(error)) from error
