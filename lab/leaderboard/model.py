"""What a model is: a configuration, `train` and `score`, in one file of `lab/models`, found by the file's name.

A module of `lab/models` holds

- `Config`: a frozen dataclass, every field documented, with the defaults that are used;
- `train(histories, training, config) -> Model`;
- `USES_ORDER`: whether the order of a user's items matters to it (models of unordered profiles say False).

Every module passes `tests/model/leaderboard/test_models.py`, which states the bar.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

import lab.models
from lab.leaderboard.histories import Histories

Progress = Callable[[str, int, int], None]
"""`show(what, done, total)`."""

AUTO = "auto"
"""Instead of a name: whichever is best on users or items held out inside the training file."""


class Model(Protocol):
    """A trained model. A user's scores depend on what it was trained on and on that user's history alone."""

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]` higher is better, the scale is the model's own; finite. Items of the history are scored
        too: leaving them out is the caller's part.
        """


class Measure(Protocol):
    """How good a model is on what training does not see; for early stopping and choices."""

    def __call__(self, model: Model) -> float:
        """Higher is better; NDCG."""


@dataclass(frozen=True)
class Training:
    """What a model may use beside the histories."""

    seed: int = 1
    """Of weights, order, negatives and dropout: the same seed trains the same model."""
    attributes: csr_matrix | None = None
    """`[items, attributes]` 1 where an item has an attribute; None where nothing is known of the items."""
    measure: Measure | None = None
    """Where some users or items are held out: what a model that learns in epochs stops by."""
    epochs: int | None = None
    """Where it is known from an earlier run how long to learn: so many epochs, without `measure`."""
    progress: Progress = field(default=lambda what, done, total: None, repr=False)


class UnknownModelError(ValueError):
    """A name that no file of `lab/models` has."""


class NothingToLearnError(ValueError):
    """Histories that a model can learn nothing from."""


class AttributesMissingError(ValueError):
    """A model that goes by items' attributes, where none are known."""


def attributes_of(training: Training, name: str) -> csr_matrix:
    """The attributes that a model cannot do without. Raises: AttributesMissingError."""
    if training.attributes is None:
        raise AttributesMissingError(f"the model {name} goes by the attributes of items; give them with --attributes")
    return training.attributes


def names() -> list[str]:
    """The models there are."""
    return sorted(each.name for each in pkgutil.iter_modules(lab.models.__path__))


def module_of(name: str) -> ModuleType:
    """The module of a model. Raises: UnknownModelError."""
    if name not in names():
        raise UnknownModelError(f"there is no model {name!r}; there are {', '.join(names())}, or {AUTO}")
    return importlib.import_module(f"lab.models.{name}")


def train(name: str, histories: Histories, training: Training, settings: Mapping[str, Any] | None = None) -> Model:
    """Train a model by name; `settings` replaces fields of its default configuration.

    Raises: UnknownModelError; TypeError for a setting that its configuration has not.
    """
    module = module_of(name)
    config = replace(module.Config(), **(settings or {}))
    model: Model = module.train(histories, training, config)
    return model
