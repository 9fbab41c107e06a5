"""`vitrine train`: train what a release needs and publish it."""

from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from lab.commands.options import DEFAULT_SHOP, DEFAULT_WORK, Shop, Work
from lab.commands.progress import phase_bars
from lab.commands.terminal import console
from lab.releases import promote_release
from lab.supervisor.directory import addresses_of


def train(
    shop: Shop = DEFAULT_SHOP,
    promote: Annotated[bool, typer.Option("--promote", help="Make it the stable release when it is ready.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the training report as JSON.")] = None,
    work: Work = DEFAULT_WORK,
) -> None:
    """Train a shop's models on what its services hold, and publish them together as a release."""
    import json

    with phase_bars() as bars:
        done = run_training(shop, work, bars.show)
    console().print(f"[bold]{done.release_id}[/] published after {sum(_seconds(done).values()):.0f} s")
    for name, value in sorted(done.metrics.items()):
        console().print(f"  [dim]{name}[/] {value:.4f}")
    if report is not None:
        values = asdict(done) if is_dataclass(done) and not isinstance(done, type) else vars(done)
        report.write_text(json.dumps(values, indent=2, default=str) + "\n", encoding="utf-8")
    if promote:
        promote_release(addresses_of(work)["ranker"], shop, done.release_id)
        console().print(f"[bold]{done.release_id}[/] is stable now")


def run_training(shop: str, work: Path, progress: Any) -> Any:
    """Train and return the TrainingReport."""
    from lab.training.pipeline import TrainingOptions
    from lab.training.pipeline import train as train_release

    return train_release(shop, work, addresses_of(work), TrainingOptions(), progress)


def _seconds(done: Any) -> dict[str, float]:
    return dict(done.seconds) if isinstance(done.seconds, dict) else {"all": float(done.seconds)}
