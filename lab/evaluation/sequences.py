"""Next items from files: a model is chosen and trained on one file of histories and answers for another."""

from dataclasses import dataclass
from pathlib import Path

from lab.evaluation.prediction import order_of_ties, rankings
from lab.leaderboard.mixture import train_parts
from lab.leaderboard.model import AUTO, Progress, Training, module_of
from lab.leaderboard.selection import Selection, select
from lab.leaderboard.sequence_files import (
    attribute_matrix,
    read_attributes,
    read_sequences,
    refuse_output,
    write_rankings,
)


@dataclass(frozen=True)
class SequenceRequest:
    """What is to be predicted from what."""

    train: Path
    """`user_id,position,item_id`: all that models are chosen and trained on."""
    histories: Path
    """The same columns: prediction input only."""
    output: Path
    """`user_id,rank,item_id,score`, users in ascending order."""
    model: str = AUTO
    attributes: Path | None = None
    """`item_id,attribute_ids`; items that only it names may be predicted too."""
    seed: int = 1
    top: int = 20
    """Items a user."""


@dataclass(frozen=True)
class Prediction:
    """What was done."""

    selection: Selection
    users: int
    lines: int


def predict(request: SequenceRequest, progress: Progress) -> Prediction:
    """Choose, train, predict and write.

    Raises: SequenceFileRefused; UnknownModelError; AttributesMissingError; NothingToLearnError.
    """
    refuse_output(request.output)
    if request.model != AUTO:
        module_of(request.model)
    progress("reading", 0, 2)
    known = read_sequences(request.train)
    progress("reading", 1, 2)
    asked = read_sequences(request.histories)
    attributes = read_attributes(request.attributes) if request.attributes else None
    progress("reading", 2, 2)
    item_ids = sorted({*known.item_ids, *(attributes or ())})
    matrix = attribute_matrix(attributes, item_ids) if attributes else None
    training = Training(seed=request.seed, attributes=matrix, progress=progress)
    histories = known.over(item_ids)
    selection = select(request.model, histories, training)
    model = train_parts(selection.parts, histories, training)
    ties = order_of_ties(histories)
    found = rankings(model, asked.over(item_ids), ties, request.top, progress)
    lines = write_rankings(
        request.output,
        (
            (asked.user_ids[each.user], rank, item_ids[row], score)
            for each in found
            for rank, (row, score) in enumerate(zip(each.rows, each.scores, strict=True), 1)
        ),
    )
    return Prediction(selection, len(asked.user_ids), lines)
