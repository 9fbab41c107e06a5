"""A rule: one effect, for somebody, for a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.page_composer.rules.segment import ALWAYS, EVERYONE, Period, Segment
from services.page_composer.visit import Visit

Effect = TypeVar("Effect")


@dataclass(frozen=True)
class Rule:
    """One thing a merchandiser wants of pages."""

    rule_id: str
    effect: object
    """A Pin, Boost, Exclude or Cap."""
    period: Period = ALWAYS
    segment: Segment = EVERYONE


def in_force(rules: Sequence[Rule], visit: Visit) -> list[Rule]:
    """The rules that count for a visit, by id."""
    return sorted(
        (rule for rule in rules if rule.period.has(visit.at_s) and rule.segment.has(visit)),
        key=lambda rule: rule.rule_id,
    )


def effects(rules: Sequence[Rule], kind: type[Effect]) -> Iterator[tuple[Rule, Effect]]:
    """The rules with one kind of effect."""
    for rule in rules:
        if isinstance(rule.effect, kind):
            yield rule, rule.effect
