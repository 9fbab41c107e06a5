"""Selection weights and the shelf posterior: data with provenance, read from `weights/`, changeable by experiments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from services.page_composer.visit import Visit

WEIGHTS_FOLDER = Path(__file__).parent / "weights"
SELECTION_FILE = "selection.yaml"
POSTERIOR_FILE = "shelf_posterior.yaml"

_GROUPS = ("coverage", "fatigue", "shelf", "explore", "coupon")
_SATURDAY = 5


@dataclass(frozen=True)
class Weights:
    """Weights of the objective; what each means stands beside its value in `weights/selection.yaml`."""

    version: str
    provenance: str
    w_click: float
    w_purchase: float
    margin_exponent: float
    coverage_category: float
    coverage_brand: float
    coverage_colour: float
    coverage_saturation: float
    fatigue_rate: float
    fatigue_free_impressions: float
    fatigue_floor: float
    shelf_sharpness: float
    shelf_sections_each: float
    explore_temperature: float
    explore_uniform_share: float
    coupon_redemption_rate: float
    explore_distribution: str

    def changed(self, changes: Mapping[str, float], note: str) -> "Weights":
        """These weights with some replaced by their public names; the version says so. Raises: KeyError."""
        named: dict[str, Any] = {field_of(name): value for name, value in changes.items()}
        return replace(self, version=f"{self.version}+{note}", **named) if named else self


@dataclass(frozen=True)
class Context:
    """Logits to add where a visit is of some kind."""

    when: Mapping[str, Any]
    logits: Mapping[str, float]

    def has(self, visit: Visit) -> bool:
        """Say whether every condition holds for a visit."""
        truths = {
            "channel": visit.channel,
            "device": visit.device.name.lower(),
            "country": visit.country,
            "weekend": datetime.fromtimestamp(visit.at_s, UTC).weekday() >= _SATURDAY,
        }
        wanted = dict(self.when)
        referrer = wanted.pop("referrer_contains", "")
        return referrer in visit.referrer and all(truths[name] == value for name, value in wanted.items())


@dataclass(frozen=True)
class Posterior:
    """Posterior-mean logits of the shelves."""

    version: int
    logits: Mapping[str, float]
    contexts: Sequence[Context] = field(default_factory=tuple)

    def of(self, visit: Visit) -> dict[str, float]:
        """The logits for a visit: the means, and what its context adds."""
        logits = dict(self.logits)
        for context in self.contexts:
            if context.has(visit):
                for shelf, value in context.logits.items():
                    logits[shelf] = logits.get(shelf, 0.0) + value
        return logits


def weight_names() -> list[str]:
    """The public names of the weights that an experiment may change, such as "w_click" or "coverage.brand"."""
    return [_public(each.name) for each in fields(Weights) if each.type in ("float", float)]


def field_of(name: str) -> str:
    """The field behind a public name. Raises: KeyError."""
    known = {_public(each.name): each.name for each in fields(Weights) if each.type in ("float", float)}
    return known[name]


def read_weights(folder: Path = WEIGHTS_FOLDER) -> Weights:
    """Read `selection.yaml`. Raises: TypeError or ValueError when a weight is missing, unknown or no number."""
    content = yaml.safe_load((folder / SELECTION_FILE).read_text("utf-8"))
    numbers = {each.name for each in fields(Weights) if each.type in ("float", float)}
    values: dict[str, Any] = {name: float(value) if name in numbers else str(value) for name, value in content.items()}
    return Weights(**values)


def read_posterior(folder: Path = WEIGHTS_FOLDER) -> Posterior:
    """Read `shelf_posterior.yaml`."""
    content = yaml.safe_load((folder / POSTERIOR_FILE).read_text("utf-8"))
    contexts = tuple(Context(each["when"], each["logits"]) for each in content.get("contexts", ()))
    return Posterior(int(content["version"]), content["logits"], contexts)


def _public(name: str) -> str:
    group, _, rest = name.partition("_")
    return f"{group}.{rest}" if group in _GROUPS else name
