"""Gradient-boosted trees on statistics, amounts, position and the logistic regression's answer (scikit-learn)."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from lab.evaluation.impressions.candidate import Length, Lesson, Logits, Model, Trained, mean_log_loss
from lab.evaluation.impressions.ratios import Numbers
from lab.evaluation.impressions.seen_logistic import train_logistic
from lab.evaluation.impressions.statistics import Features

_MOST_TREES = 300
_MANY_ROWS = 300_000
"""From here on leaves are more and steps longer, so that fewer trees do."""
_LEAST_POSITIVES = 30
"""With fewer of them there are no trees, only the logistic regression."""
_POSITIVES_A_LEAF = 2.0
"""Leaves are so large that they hold this many positives on average."""
_L2 = 10.0


@dataclass(frozen=True)
class Ensemble:
    """The first trees of a boosted ensemble."""

    trees: HistGradientBoostingClassifier
    count: int

    def logits(self, design: NDArray[np.float32]) -> Numbers:
        """`[N]` log-odds."""
        stages = self.trees.staged_decision_function(design)
        return np.asarray(next(islice(stages, self.count - 1, None)), np.float64).ravel()


@dataclass(frozen=True)
class Trees:
    """Two ensembles; either may be missing where there is too little to learn from."""

    beneath: Model
    """The logistic regression whose answers are features of the trees."""
    click: Ensemble | None
    buy: Ensemble | None

    def logits(self, features: Features) -> Logits:
        """Of the ensembles, and of the logistic regression where there is none."""
        given = self.beneath.logits(features)
        design = _design(features, given)
        click = given.click if self.click is None else self.click.logits(design)
        return Logits(click, given.buy if self.buy is None else self.buy.logits(design))


@dataclass(frozen=True)
class _Head:
    """What one ensemble learns."""

    design: NDArray[np.float32]
    happened: NDArray[np.bool_]
    later_design: NDArray[np.float32] | None
    later_happened: NDArray[np.bool_]
    wanted: int | None


def train_trees(lesson: Lesson) -> Trained:
    """Clicks on all impressions, purchases on those that were clicked; as many trees as help later impressions."""
    beneath = train_logistic(lesson).model
    encoded, later = lesson.features.encoded, lesson.later
    design = _design(lesson.features, beneath.logits(lesson.features))
    later_design = None if later is None else _design(later, beneath.logits(later))
    wanted = lesson.length
    clicked = encoded.clicked if later is None else later.encoded.clicked
    click = _grow(
        _Head(design, encoded.clicked, later_design, clicked, None if wanted is None else wanted.click), lesson.seed
    )
    among, later_among = np.flatnonzero(encoded.clicked), np.flatnonzero(clicked)
    buy = _grow(
        _Head(
            design[among],
            encoded.purchased[among],
            None if later_design is None else later_design[later_among],
            encoded.purchased[among] if later is None else later.encoded.purchased[later_among],
            None if wanted is None else wanted.buy,
        ),
        lesson.seed,
    )
    return Trained(Trees(beneath, click, buy), Length(_size(click), _size(buy)))


def _grow(head: _Head, seed: int) -> Ensemble | None:
    rows = len(head.happened)
    positives = int(min(head.happened.sum(), (~head.happened).sum()))
    if positives < _LEAST_POSITIVES or head.wanted == 0:
        return None
    many = rows > _MANY_ROWS
    most = head.wanted or _MOST_TREES
    trees = HistGradientBoostingClassifier(
        learning_rate=0.1 if many else 0.05,
        max_iter=most,
        max_leaf_nodes=31 if many else 15,
        min_samples_leaf=int(np.clip(_POSITIVES_A_LEAF * rows / positives, 20, max(20, rows // 20))),
        l2_regularization=_L2,
        max_features=0.5,
        early_stopping=False,
        random_state=seed,
    ).fit(head.design, head.happened)
    if head.later_design is None or not len(head.later_happened):
        return Ensemble(trees, most)
    stages = trees.staged_decision_function(head.later_design)
    losses = [mean_log_loss(np.asarray(stage, np.float64).ravel(), head.later_happened) for stage in stages]
    return Ensemble(trees, int(np.argmin(losses)) + 1)


def _size(ensemble: Ensemble | None) -> int:
    return 0 if ensemble is None else ensemble.count


def _design(features: Features, beneath: Logits) -> NDArray[np.float32]:
    return np.column_stack([features.matrix(), beneath.click, beneath.buy]).astype(np.float32)
