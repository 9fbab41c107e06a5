"""`vitrine evaluate sequences`: the next items of users in a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from lab.commands.options import CommandFailed
from lab.commands.progress import phase_bars
from lab.commands.terminal import console

if TYPE_CHECKING:
    from lab.leaderboard.selection import Selection


def sequences(  # noqa: PLR0913, PLR0917  the options of a command line
    train: Annotated[Path, typer.Option(help="Histories to train on: CSV (.gz) user_id,position,item_id.")],
    histories: Annotated[Path, typer.Option(help="Histories to predict for, in the same format; not trained on.")],
    output: Annotated[Path, typer.Option(help="Where to write user_id,rank,item_id,score; .gz compresses.")],
    model: Annotated[
        str, typer.Option(help="A model's name, or auto: the best on items held out of --train.")
    ] = "auto",
    attributes: Annotated[
        Path | None, typer.Option(help="Attributes of items: item_id,attribute_ids, ids joined by |.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything drawn; the same seed gives the same output.", min=0)] = 1,
    top: Annotated[int, typer.Option(help="Items a user.", min=1)] = 20,
) -> None:
    """Train a model on users' histories and write each user's most likely next items.

    An item of a user's history is never written. A user's lines depend on --train and that user's own history alone.
    """
    from lab.evaluation.sequences import SequenceRequest, predict
    from lab.leaderboard.model import AttributesMissingError, NothingToLearnError, UnknownModelError
    from lab.leaderboard.sequence_files import SequenceFileRefused

    request = SequenceRequest(train, histories, output, model, attributes, seed, top)
    try:
        with phase_bars() as bars:
            done = predict(request, bars.show)
    except (SequenceFileRefused, UnknownModelError, AttributesMissingError, NothingToLearnError) as error:
        raise CommandFailed(str(error)) from error
    _show(done.selection)
    console().print(f"{done.lines:,} lines for {done.users:,} users in [bold]{escape(str(output))}[/]")


def _show(selection: "Selection") -> None:
    table = Table("model", "HR@10", "NDCG@10", "CPU s", box=None, padding=(0, 2, 0, 0))
    for trial in selection.trials:
        table.add_row(escape(trial.label), f"{trial.hits:.4f}", f"{trial.gains:.4f}", f"{trial.cpu_seconds:.0f}")
    console().print(f"on the newest item of {selection.users:,} users, held out of --train:")
    console().print(table)
    chosen = " + ".join(str(part) for part in selection.parts)
    console().print(f"chosen, and trained on all of --train: [bold]{escape(chosen)}[/]")
