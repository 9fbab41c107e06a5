"""As much of PromQL as the rules about what is gone need: one expression, evaluated at one moment."""

import operator
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import promql_parser as ast

LOOKBACK_S = 300.0
"""A series whose last sample is older has no value."""

COMPARISONS = {"==": operator.eq, ">": operator.gt}
Vector = dict[frozenset[tuple[str, str]], float]


@dataclass(frozen=True)
class Series:
    """One series; samples are pairs of (seconds, value), ascending."""

    name: str
    labels: Mapping[str, str]
    samples: Sequence[tuple[float, float]]


def evaluated(expression: str, series: Sequence[Series], at_s: float) -> Vector:
    """The elements of an instant vector at a moment: values by labels."""
    return Moment(series, at_s).of(ast.parse(expression))


@dataclass(frozen=True)
class Moment:
    """What there is at one moment."""

    series: Sequence[Series]
    at_s: float

    def of(self, node: Any) -> Any:
        """The value of a node: a number or a vector. Raises: TypeError for what is not known here."""
        match node:
            case ast.NumberLiteral():
                return node.val
            case ast.ParenExpr():
                return self.of(node.expr)
            case ast.VectorSelector():
                found = self._between(node, LOOKBACK_S)
                return {labels: samples[-1][1] for labels, samples in found.items()}
            case ast.Call() if node.func.name == "vector":
                return {frozenset(): self.of(node.args[0])}
            case ast.Call() if node.func.name == "rate":
                return self._rate(node.args[0])
            case ast.AggregateExpr():
                return self._aggregate(node)
            case ast.BinaryExpr():
                return _binary(str(node.op), self.of(node.lhs), self.of(node.rhs))
        raise TypeError(f"{node} is more PromQL than is known here")

    def _between(self, selector: Any, range_s: float) -> dict[frozenset[tuple[str, str]], list[tuple[float, float]]]:
        until_s = self.at_s - (selector.offset.total_seconds() if selector.offset else 0.0)
        found = {
            frozenset(each.labels.items()): [
                sample for sample in each.samples if until_s - range_s < sample[0] <= until_s
            ]
            for each in self.series
            if each.name == selector.name
        }
        return {labels: samples for labels, samples in found.items() if samples}

    def _rate(self, matrix: Any) -> Vector:
        """Without Prometheus's extrapolation to the ends of the range; whether it is 0 is the same."""
        found = self._between(matrix.vector_selector, matrix.range.total_seconds())
        return {
            labels: (samples[-1][1] - samples[0][1]) / (samples[-1][0] - samples[0][0])
            for labels, samples in found.items()
            if len(samples) > 1
        }

    def _aggregate(self, node: Any) -> Vector:
        groups: dict[frozenset[tuple[str, str]], list[float]] = defaultdict(list)
        kept = set(node.modifier.labels) if node.modifier else set()
        for labels, value in self.of(node.expr).items():
            groups[frozenset(label for label in labels if label[0] in kept)].append(value)
        how = {"sum": sum, "count": len, "max": max}[str(node.op)]
        return {labels: float(how(values)) for labels, values in groups.items()}


def _binary(operation: str, left: Any, right: Any) -> Any:
    if operation == "or":
        return {**right, **left}
    if operation == "and":
        return {labels: value for labels, value in left.items() if labels in right}
    if operation == "*":
        return {labels: left * value for labels, value in right.items()}
    compare = COMPARISONS[operation]
    if isinstance(right, dict):
        return {labels: value for labels, value in left.items() if labels in right and compare(value, right[labels])}
    return {labels: value for labels, value in left.items() if compare(value, right)}
