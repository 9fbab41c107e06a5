"""Which deeds of a log are known, which are learnt to be told, and which are judged on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.history_ablation.reading import HistoryLog

LEARNT, VALIDATION, HELD_OUT = range(3)
"""Parts, oldest first."""


class HistoriesTooShort(ValueError):  # noqa: N818  it says what they are
    """Nobody has a history that is long enough; the message says what is needed."""


@dataclass(frozen=True)
class TargetConfig:
    """How many deeds are told from what came before them."""

    moments: int = 1
    """A user's moments (deeds that happened at once) that are learnt to be told, before the one for validation."""
    per_moment: int = 10
    """Of the deeds of one moment at most so many, drawn at random."""
    most_learnt: int = 12_000
    """Of those that are learnt at most so many, drawn at random; so many as well for validation."""
    seed: int = 20
    """Of the draws."""


@dataclass(frozen=True)
class Targets:
    """Deeds to be told; `[T]` each."""

    deeds: NDArray[np.int64]
    """Numbers of the log's deeds, ascending within a part."""
    parts: NDArray[np.int64]
    """`LEARNT`, `VALIDATION` or `HELD_OUT`, ascending."""
    firsts: NDArray[np.int64]
    """Number of the user's first deed."""
    befores: NDArray[np.int64]
    """Number of the first deed of the same moment: the user's history ends before it."""


@dataclass(frozen=True)
class Divided:
    """A log with its targets."""

    targets: Targets
    known: NDArray[np.bool_]
    """`[N]` deeds before all of the user's targets: popularity and the user autoencoder are learnt from these alone."""


def divide(log: HistoryLog, config: TargetConfig) -> Divided:
    """Each user's last moment is held out, the one before is for validation, those before are learnt to be told.

    Nothing that helps to tell a target has seen it or anything after it. Raises: HistoriesTooShort.
    """
    starts = np.flatnonzero(np.diff(log.users, prepend=-1))
    new_moment = (np.diff(log.at_days, prepend=np.nan) != 0) | (np.diff(log.users, prepend=-1) != 0)
    moment_starts = np.flatnonzero(new_moment)
    moment = np.cumsum(new_moment) - 1
    last = np.append(moment[starts[1:] - 1], moment[-1])[log.users]
    until_end, since_first = last - moment, moment - moment[starts][log.users]
    known = until_end >= 2 + config.moments
    random = np.random.default_rng(config.seed)
    chosen = _at_most(moment, config.per_moment, random)
    parts = []
    for part in (LEARNT, VALIDATION, HELD_OUT):
        newest = 2 - part
        oldest = newest + (config.moments - 1 if part == LEARNT else 0)
        deeds = np.flatnonzero(chosen & (until_end >= newest) & (until_end <= oldest) & (since_first >= 1))
        if part != HELD_OUT and len(deeds) > config.most_learnt:
            deeds = np.sort(random.choice(deeds, config.most_learnt, replace=False))
        parts.append(deeds)
    if not all(map(len, parts)) or not known.any():
        raise HistoriesTooShort(
            f"No user has {4 + config.moments} moments in order: one to know, {config.moments} to learn from, "
            "one for validation and one to judge by, and something before them."
        )
    deeds = np.concatenate(parts)
    of_part = np.repeat((LEARNT, VALIDATION, HELD_OUT), [len(part) for part in parts])
    return Divided(Targets(deeds, of_part, starts[log.users[deeds]], moment_starts[moment[deeds]]), known)


def _at_most(moment: NDArray[np.int64], count: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """`[N]` true for at most so many deeds of each moment, at random."""
    order = np.lexsort((random.random(len(moment)), moment))
    first = np.flatnonzero(np.diff(moment, prepend=-1))
    place = np.arange(len(moment)) - first[moment]
    chosen = np.zeros(len(moment), np.bool_)
    chosen[order] = place < count
    return chosen
