"""Prediction for users who are new, from files: choose inside the training file, train on all of it, rank."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.evaluation.prediction import order_of_ties, rankings
from lab.evaluation.profile_models import fit_model, train_chosen
from lab.leaderboard.fold_in import distinct
from lab.leaderboard.model import Progress, Training
from lab.leaderboard.sequence_files import read_sequences, refuse_output, write_rankings


@dataclass(frozen=True)
class ProfileJob:
    """What the command was told."""

    train: Path
    histories: Path
    model: str
    seed: int
    top: int
    """Items a user."""
    output: Path


def predict_profiles(job: ProfileJob, progress: Progress) -> dict[str, Any]:
    """Write the first items of each user in `histories`, and answer the validation figures, for people.

    Items that the training file lacks say nothing about a user and are never returned.

    Raises: SequenceFileRefused, UnknownModelError, UnfitModelError, TooFewUsersError.
    """
    refuse_output(job.output)
    name = fit_model(job.model)
    known, asked = (read_sequences(path, ordered=False) for path in (job.train, job.histories))
    users = distinct(known.histories)
    trained, figures = train_chosen(name, users, Training(job.seed, progress=progress))
    given = distinct(asked.over(known.item_ids))
    found = rankings(trained, given, order_of_ties(users), job.top, progress)
    lines = (
        (asked.user_ids[each.user], place, known.item_ids[row], score)
        for each in found
        for place, (row, score) in enumerate(zip(each.rows.tolist(), each.scores.tolist(), strict=True), start=1)
    )
    return figures | {"users": len(given), "lines": write_rankings(job.output, lines), "output": str(job.output)}
