"""The alert rules: read strictly, and taken apart into the metrics and labels that they depend on."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import promql_parser
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

Duration = Annotated[str, Field(pattern=r"^(\d+(ms|s|m|h|d|w|y))+$")]
RUNBOOK = "docs/guides/deploy.md#"


class AlertsBroken(Exception):  # noqa: N818  named like the errors of kit
    """Rules that Prometheus would refuse, or that nobody could act on."""


def _parses(expression: str) -> str:
    try:
        promql_parser.parse(expression)
    except ValueError as error:
        raise ValueError(f"is no PromQL: {error}") from error
    return expression


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RuleLabels(_Table):
    """Who is told."""

    severity: Literal["page", "ticket"]


class Annotations(_Table):
    """What people read."""

    summary: Annotated[str, Field(min_length=10)]
    runbook: Annotated[str, Field(pattern=f"^{re.escape(RUNBOOK)}[a-z-]+$")]


class Alert(_Table):
    """One rule."""

    alert: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]+$")]
    expr: Annotated[str, AfterValidator(_parses)]
    wait: Annotated[Duration, Field(alias="for")] = "0s"
    labels: RuleLabels
    annotations: Annotations

    @model_validator(mode="after")
    def _runbook_is_its_own(self) -> "Alert":
        if self.annotations.runbook != RUNBOOK + self.alert.lower():
            raise ValueError(f"{self.alert}: the runbook is {RUNBOOK}{self.alert.lower()}")
        return self


class Group(_Table):
    """Rules that are evaluated together."""

    name: str
    rules: Annotated[Sequence[Alert], Field(min_length=1)]


class AlertFile(_Table):
    """A rule file as Prometheus reads it."""

    groups: Annotated[Sequence[Group], Field(min_length=1)]

    @field_validator("groups")
    @classmethod
    def _names_are_unique(cls, groups: Sequence[Group]) -> Sequence[Group]:
        for names in ([group.name for group in groups], [rule.alert for group in groups for rule in group.rules]):
            if twice := {name for name in names if names.count(name) > 1}:
                raise ValueError(f"{', '.join(sorted(twice))}: named twice")
        return groups

    def alerts(self) -> list[Alert]:
        """Return every rule, in order."""
        return [rule for group in self.groups for rule in group.rules]


@dataclass
class Uses:
    """What an expression reads."""

    selected: dict[str, set[str]] = field(default_factory=dict)
    """Metric → labels that it is selected by."""
    grouped: set[str] = field(default_factory=set)
    """Labels that are grouped or matched by."""
    matched: dict[str, set[str]] = field(default_factory=dict)
    """Label → values or patterns that it is compared with."""


def read_alerts(path: Path) -> AlertFile:
    """Read a rule file. Raises: AlertsBroken."""
    try:
        return AlertFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise AlertsBroken(str(error)) from error


def uses_of(expression: str) -> Uses:
    """Return which metrics and labels a PromQL expression reads."""
    uses = Uses()
    for node in _nodes(promql_parser.parse(expression)):
        if isinstance(node, promql_parser.VectorSelector):
            matchers = node.matchers.matchers
            uses.selected.setdefault(node.name or "", set()).update(matcher.name for matcher in matchers)
            for matcher in matchers:
                uses.matched.setdefault(matcher.name, set()).add(matcher.value)
        modifier = getattr(node, "modifier", None)
        uses.grouped |= set(_labels_of(modifier))
    return uses


def exported(metric: str) -> str:
    """Return the name that a client gave a metric, from that of a sample: no _total, _bucket, _count, _sum."""
    return re.sub(r"_(total|bucket|count|sum)$", "", metric)


def missing(uses: Uses, known: Mapping[str, frozenset[str]], target_labels: frozenset[str]) -> list[str]:
    """Say which metrics and labels of an expression nobody exports; `known` is labels by metric."""
    problems = [f"no service exports {name}" for name in uses.selected if exported(name) not in known]
    offered = target_labels | {"le"}
    for name, labels in uses.selected.items():
        own = known.get(exported(name), frozenset())
        problems += [f"{name} has no label {label}" for label in sorted(labels - own - target_labels)]
        offered |= own
    return problems + [f"nothing in it has a label {label}" for label in sorted(uses.grouped - offered)]


def _nodes(root: Any) -> Iterator[Any]:
    found: list[Any] = []
    promql_parser.walk(root, found.append)
    return iter(found)


def _labels_of(modifier: Any) -> list[str]:
    """Labels of by and without, and of on, ignoring, group_left and group_right."""
    found: list[str] = []
    for part in (modifier, getattr(modifier, "matching", None)):
        found += getattr(part, "labels", None) or []
    return found + list(getattr(modifier, "group_labels", None) or [])
