"""Train on one file, predict another: choose by time inside the training file, report on its end, learn from all of it.

1. The newest part of the training file is held out; nothing is chosen or fitted by it before the report.
2. Candidates are trained on earlier parts and asked about the part that follows: how long to learn, which models to
   mix, and how to calibrate them is decided on those answers.
3. With these choices the candidates learn from everything before the held-out part, and the report is taken on it.
4. They learn from the whole file; the calibration is fitted again on all answers about unseen impressions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.impressions.blending import Calibrated, Outcome, calibrate, choose, compare
from lab.evaluation.impressions.candidate import Length, Lesson, Logits, Model, Progress, Train
from lab.evaluation.impressions.encoding import Encoded, Encoder, learn_encoder
from lab.evaluation.impressions.ratios import Numbers
from lab.evaluation.impressions.reading import Impressions
from lab.evaluation.impressions.statistics import Statistics, learn_statistics
from lab.evaluation.tables import TableRefused

HELD_OUT_SHARE = 0.15
"""Of the requests, the newest."""
_ORIGINS = (0.6, 0.8)
"""Earlier parts that candidates learn from before they are asked about the next fifth; with many rows only the last."""
_ONE_ORIGIN_ROWS = 400_000
_LEAST_REQUESTS = 20
DEFAULT_CANDIDATES = ("logistic", "trees", "entire space")


@dataclass(frozen=True)
class Options:
    """What a prediction is asked for."""

    seed: int = 1
    candidates: Sequence[str] = field(default_factory=lambda: DEFAULT_CANDIDATES)
    progress: Progress = field(default=lambda what, done, total: None, repr=False)


@dataclass(frozen=True)
class HeldOut:
    """The newest impressions of the training file, and what was said of them before they were looked at."""

    encoded: Encoded
    p_click: Numbers
    p_purchase: Numbers
    baseline_click: Numbers
    """`[N]` the place's click rate in training: what every candidate must beat."""


@dataclass(frozen=True)
class Learnt:
    """Everything that a prediction needs, and how it was come by."""

    encoder: Encoder
    statistics: Statistics
    models: dict[str, Model]
    calibrated: Calibrated
    comparison: dict[str, dict[str, float]]
    """Candidate → head ("click", "buy") → log loss on later impressions."""
    lengths: dict[str, Length]
    held_out: HeldOut
    encoded: Encoded
    """The training file."""

    def predict(self, impressions: Impressions) -> tuple[Numbers, Numbers]:
        """`[N]` P(clicked) and P(clicked and purchased) at each row's position; a row depends on the training file
        and on its own request's rows.

        Raises:
            TableRefused: a context column holds another kind of values than in training.

        """
        encoded = self.encoder.encode(impressions)
        features = self.statistics.features(encoded)
        answers = {name: model.logits(features) for name, model in self.models.items()}
        return self.calibrated.probabilities(answers, encoded.places)


def learn(training: Impressions, shared: Sequence[str], options: Options | None = None) -> Learnt:
    """Learn from a training file; `shared` are the context columns that will be known later too.

    Raises:
        TableRefused: there is too little to learn from.

    """
    options = options or Options()
    encoder = learn_encoder(training, shared)
    encoded = encoder.encode(training)
    order = time_order(encoded)
    _check(training, order)
    return _Learning(encoder, encoded, order, options).learn()


def time_order(encoded: Encoded) -> NDArray[np.int64]:
    """`[N]` number of each row's request in order of its first time; ties keep the file's order."""
    count = int(encoded.requests.max(initial=-1)) + 1
    first_us = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(first_us, encoded.requests, encoded.occurred_us)
    rank = np.empty(count, np.int64)
    rank[np.argsort(first_us, kind="stable")] = np.arange(count)
    return rank[encoded.requests]


def _check(training: Impressions, order: NDArray[np.int64]) -> None:
    path = training.source
    requests = int(order.max()) + 1
    if requests < _LEAST_REQUESTS:
        raise TableRefused(f"{path} has {requests} requests; at least {_LEAST_REQUESTS} are needed to learn from")
    if not training.clicked.any():
        raise TableRefused(
            f"{path}: no row is clicked; bring impressions of a longer time, or check the column clicked"
        )


class _Learning:
    def __init__(self, encoder: Encoder, encoded: Encoded, order: NDArray[np.int64], options: Options) -> None:
        self._encoder, self._encoded, self._order, self._options = encoder, encoded, order, options
        self._requests = int(order.max()) + 1
        self._places = len(encoder.positions)
        self._trainers = trainers(options.candidates)
        self._done, self._steps = 0, 0

    def learn(self) -> Learnt:
        origins = _ORIGINS[-1:] if len(self._encoded) > _ONE_ORIGIN_ROWS else _ORIGINS
        self._steps = len(self._trainers) * (len(origins) + 2)
        bounds = [share * (1.0 - HELD_OUT_SHARE) for share in (*origins, 1.0)]
        asked = [self._ask(start, end, None) for start, end in pairwise(bounds)]
        lengths = {name: _middle([each.lengths[name] for each in asked]) for name in self._trainers}
        answers, outcome = _joined([each.answers for each in asked]), _joined_outcome([each.outcome for each in asked])
        comparison = compare(answers, outcome)
        chosen = choose(comparison, list(answers))
        calibrated = calibrate(answers, outcome, chosen, self._places)
        last = self._ask(bounds[-1], 1.0, lengths)
        held_out = self._held_out(calibrated, last)
        answers, outcome = _joined([answers, last.answers]), _joined_outcome([outcome, last.outcome])
        statistics, models = self._everything(lengths)
        calibrated = calibrate(answers, outcome, chosen, self._places)
        return Learnt(self._encoder, statistics, models, calibrated, comparison, lengths, held_out, self._encoded)

    def _ask(self, start: float, end: float, lengths: dict[str, Length] | None) -> "_Asked":
        """Train on what comes before `start`, and ask about what comes until `end` (shares of the requests)."""
        earlier = np.flatnonzero(self._order < int(start * self._requests))
        later = np.flatnonzero(
            (self._order >= int(start * self._requests)) & (self._order < int(np.ceil(end * self._requests)))
        )
        part = self._encoded.take(earlier)
        statistics, features = learn_statistics(part, self._order[earlier])
        after = statistics.features(self._encoded.take(later))
        lesson = self._lesson(Lesson(features, statistics.seen_rate, statistics.buy_rate))
        answers, found = {}, {}
        for name, train in self._trainers.items():
            if lengths is None:
                trained = train(replace(lesson, later=after))
            else:
                trained = train(replace(lesson, length=lengths[name]))
            answers[name], found[name] = trained.model.logits(after), trained.length
            self._tell()
        rates = (np.bincount(part.places, part.clicked, self._places) + part.clicked.mean() * 20.0) / (
            np.bincount(part.places, minlength=self._places) + 20.0
        )
        return _Asked(answers, _outcome(after.encoded), found, after.encoded, rates[after.encoded.places])

    def _everything(self, lengths: dict[str, Length]) -> tuple[Statistics, dict[str, Model]]:
        statistics, features = learn_statistics(self._encoded, self._order)
        lesson = self._lesson(Lesson(features, statistics.seen_rate, statistics.buy_rate))
        models = {}
        for name, train in self._trainers.items():
            models[name] = train(replace(lesson, length=lengths[name])).model
            self._tell()
        return statistics, models

    def _held_out(self, calibrated: Calibrated, last: "_Asked") -> HeldOut:
        p_click, p_purchase = calibrated.probabilities(last.answers, last.encoded.places)
        return HeldOut(last.encoded, p_click, p_purchase, last.baseline)

    def _lesson(self, lesson: Lesson) -> Lesson:
        return replace(lesson, seed=self._options.seed, progress=self._options.progress)

    def _tell(self) -> None:
        self._done += 1
        self._options.progress("candidates trained", self._done, self._steps)


@dataclass(frozen=True)
class _Asked:
    """Answers about impressions that came later than those learnt from."""

    answers: dict[str, Logits]
    outcome: Outcome
    lengths: dict[str, Length]
    encoded: Encoded
    baseline: Numbers


def trainers(names: Sequence[str]) -> dict[str, Train]:
    """The candidates by name. TensorFlow is loaded only where its candidate is asked for."""
    found: dict[str, Train] = {}
    for name in names:
        if name == "logistic":
            from lab.evaluation.impressions.seen_logistic import train_logistic as train
        elif name == "trees":
            from lab.evaluation.impressions.trees import train_trees as train
        else:
            from lab.evaluation.impressions.entire_space import train_entire_space as train
        found[name] = train
    return found


def _outcome(encoded: Encoded) -> Outcome:
    return Outcome(encoded.clicked, encoded.purchased, encoded.places, encoded.requests)


def _joined(parts: list[dict[str, Logits]]) -> dict[str, Logits]:
    return {
        name: Logits(
            np.concatenate([each[name].click for each in parts]), np.concatenate([each[name].buy for each in parts])
        )
        for name in parts[0]
    }


def _joined_outcome(parts: list[Outcome]) -> Outcome:
    return Outcome(
        *(
            np.concatenate([getattr(each, name) for each in parts])
            for name in ("clicked", "purchased", "places", "requests")
        )
    )


def _middle(lengths: list[Length]) -> Length:
    return Length(int(np.median([each.click for each in lengths])), int(np.median([each.buy for each in lengths])))
