"""`vitrine evaluate …`: what the pages and the models are worth, measured; each further command is a file beside."""

import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from lab.commands import (
    evaluate_fashion,
    evaluate_fusion,
    evaluate_heads,
    evaluate_history_ablation,
    evaluate_images,
    evaluate_impressions,
    evaluate_leaderboard,
    evaluate_profiles,
    evaluate_ratings,
    evaluate_sequences,
)
from lab.commands.options import DEFAULT_SHOP, DEFAULT_WORK, CommandFailed, Shop, Work
from lab.commands.progress import PhaseBars, phase_bars
from lab.commands.terminal import console
from lab.evaluation.reports import write_report
from lab.supervisor.directory import addresses_of

application = typer.Typer(help="Measure pages, models and freshness.", no_args_is_help=True)
application.command("leaderboard")(evaluate_leaderboard.leaderboard)
application.command("sequences")(evaluate_sequences.sequences)
application.command("impressions")(evaluate_impressions.impressions)
application.command("ratings")(evaluate_ratings.ratings)
application.command("profiles")(evaluate_profiles.profiles)
application.command("strong-generalisation")(evaluate_profiles.strong_generalisation)
application.command("compression")(evaluate_fusion.compression)
application.command("scaling")(evaluate_fusion.scaling)
application.command("large")(evaluate_fusion.large)
application.command("heads")(evaluate_heads.heads)
application.command("history-ablation")(evaluate_history_ablation.history_ablation)
application.command("images")(evaluate_images.images)
application.command("fashion")(evaluate_fashion.fashion)


@dataclass(frozen=True)
class EvaluationContext:
    """What an evaluation is given."""

    shop_id: str
    work: Path
    """The work folder; the boutique's truth is in its folder `boutique/truth`."""
    addresses: dict[str, list[str]]
    """By service, each host:port."""
    users: int
    """How many users to look at."""
    seed: int
    progress: PhaseBars
    """`show(what, done, total)`."""


Users = Annotated[int, typer.Option(help="How many users to look at; 0: the evaluation's default.", min=0)]
Seed = Annotated[int, typer.Option(help="Chooses the users.")]
ReportPath = Annotated[Path | None, typer.Option("--report", help="Write the result as JSON.")]


@application.command("pages")
def pages(
    report: ReportPath = None, shop: Shop = DEFAULT_SHOP, users: Users = 0, seed: Seed = 1, work: Work = DEFAULT_WORK
) -> None:
    """Compose pages for many users and check duplicates, stock, short rows, evidence, and taste against popularity."""
    evaluate("pages", EvaluationOptions(shop, users, seed, work, report))


@application.command("ablation")
def ablation(
    report: ReportPath = None, shop: Shop = DEFAULT_SHOP, users: Users = 0, seed: Seed = 1, work: Work = DEFAULT_WORK
) -> None:
    """Train the fusion model without user embedding or without picture features, and compare on held-out visits."""
    evaluate("ablation", EvaluationOptions(shop, users, seed, work, report))


@application.command("cold-items")
def cold_items(
    report: ReportPath = None, shop: Shop = DEFAULT_SHOP, users: Users = 0, seed: Seed = 1, work: Work = DEFAULT_WORK
) -> None:
    """Withhold a tenth of the items from training, and tell their clicks apart by picture, text and price alone."""
    evaluate("cold_items", EvaluationOptions(shop, users, seed, work, report))


@application.command("freshness")
def freshness(
    report: ReportPath = None, shop: Shop = DEFAULT_SHOP, users: Users = 0, seed: Seed = 1, work: Work = DEFAULT_WORK
) -> None:
    """Measure how soon a recorded event changes the user's page."""
    evaluate("freshness", EvaluationOptions(shop, users, seed, work, report))


@dataclass(frozen=True)
class EvaluationOptions:
    """What the command line said."""

    shop: str
    users: int
    seed: int
    work: Path
    report: Path | None


def evaluate(name: str, options: EvaluationOptions) -> None:
    """Run `lab.evaluation.<name>` against the running services. Raises: CommandFailed when it did not pass."""
    module = importlib.import_module(f"lab.evaluation.{name}")
    addresses = {service: list(found) for service, found in addresses_of(options.work).items()}
    with phase_bars() as bars:
        context = EvaluationContext(options.shop, options.work.resolve(), addresses, options.users, options.seed, bars)
        result: dict[str, Any] = module.run(context)
    for key, value in result.items():
        console().print(f"[dim]{key}[/] {escape(json.dumps(value, ensure_ascii=False, default=str))[:400]}")
    if options.report is not None:
        write_report(options.report, name.replace("_", "-"), result)
    if result.get("passed") is False:
        raise CommandFailed(f"the evaluation {name} did not pass; see the figures above")
