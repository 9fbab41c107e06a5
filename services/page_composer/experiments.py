"""Experiments: which visitors get which variant, by a stateless hash."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.page_composer.rules.segment import ALWAYS, Period
from services.page_composer.visit import Visit


@dataclass(frozen=True)
class Arm:
    """A variant of the composer's settings."""

    arm_id: str
    share: float
    """Of all visitors, above 0."""
    release_id: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)
    """By public name; see weighing.weight_names."""
    template_id: str = ""


@dataclass(frozen=True)
class Experiment:
    """A comparison of variants. Visitors beyond the sum of the shares are outside."""

    experiment_id: str
    arms: tuple[Arm, ...]
    period: Period = ALWAYS
    salt: str = ""
    """Hashed in place of the id; experiments with one salt share their split, others are independent."""


@dataclass(frozen=True)
class Assigned:
    """A visitor's arm in one experiment."""

    experiment_id: str
    arm: Arm

    @property
    def name(self) -> str:
        """As pages name it: "experiment:arm"."""
        return f"{self.experiment_id}:{self.arm.arm_id}"


def assign(experiments: Iterable[Experiment], visit: Visit) -> list[Assigned]:
    """The arms of a visit, by experiment; nobody without user and session is in any."""
    assigned = []
    for experiment in sorted(experiments, key=lambda each: each.experiment_id):
        if visit.subject and experiment.period.has(visit.at_s):
            arm = _arm_at(experiment.arms, share_of(visit.shop_id, experiment, visit.subject))
            if arm is not None:
                assigned.append(Assigned(experiment.experiment_id, arm))
    return assigned


def share_of(shop_id: str, experiment: Experiment, subject: str) -> float:
    """Where a subject stands between 0 and 1 in an experiment: uniform, and the same in every process."""
    text = f"{shop_id}\x00{experiment.salt or experiment.experiment_id}\x00{subject}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2.0**64


def _arm_at(arms: Sequence[Arm], share: float) -> Arm | None:
    upper = 0.0
    for arm in arms:
        upper += arm.share
        if share < upper:
            return arm
    return None
