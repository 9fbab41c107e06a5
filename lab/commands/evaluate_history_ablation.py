"""`vitrine evaluate history-ablation`: what each input of the fusion model is worth on real histories."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from lab.commands.options import DEFAULT_WORK, CommandFailed, Work
from lab.commands.progress import phase_bars
from lab.commands.terminal import console
from lab.native_noise import native_noise_into


def history_ablation(
    histories: Annotated[
        Path,
        typer.Option(help="user_id,position,item_id as CSV, or Parquet of purchases: user_id,item_id,occurred_at."),
    ],
    attributes: Annotated[
        Path | None,
        typer.Option(
            help="item_id,attribute_ids as CSV; of purchases Parquet: item_id,product_category,brand,department."
        ),
    ] = None,
    learnt: Annotated[int, typer.Option(help="Deeds that are learnt to be told, at most.", min=100)] = 12_000,
    seeds: Annotated[int, typer.Option(help="Models of each variant, with seeds of their own.", min=1)] = 3,
    report: Annotated[Path | None, typer.Option("--report", help="Write the result as JSON.")] = None,
    work: Work = DEFAULT_WORK,
) -> None:
    """Train the fusion model on histories without each of its inputs, and compare on the last deed of each user."""
    from lab.evaluation.profile_files import ProfileFileRefused
    from lab.leaderboard.sequence_files import SequenceFileRefused

    with native_noise_into(work / "logs" / "evaluation.log"), phase_bars() as bars:
        from lab.evaluation.history_ablation.reading import read_log
        from lab.evaluation.history_ablation.rows import history_rows
        from lab.evaluation.history_ablation.study import compare, variants_of
        from lab.evaluation.history_ablation.study import learnt as train
        from lab.evaluation.history_ablation.targets import HistoriesTooShort, TargetConfig

        try:
            log = read_log(histories, attributes)
            study = history_rows(log, bars.show, TargetConfig(most_learnt=learnt))
        except (SequenceFileRefused, ProfileFileRefused, HistoriesTooShort) as error:
            raise CommandFailed(str(error)) from error
        result = compare(
            study,
            variants_of(log),
            lambda inputs, seed: train(study, inputs, seed, bars.show),
            range(20, 20 + seeds),
        )
    for key, value in result.items():
        console().print(f"[dim]{key}[/] {escape(json.dumps(value))}")
    if report is not None:
        from lab.evaluation.reports import write_report

        write_report(report, "history-ablation", result)
