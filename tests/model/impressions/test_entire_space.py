"""The network of click and purchase: near the truth, the same alone and among others, the same again."""

import numpy as np
import pytest

from lab.evaluation.impressions.candidate import Length, Lesson, mean_log_loss
from lab.evaluation.impressions.encoding import learn_encoder
from lab.evaluation.impressions.entire_space import EntireSpaceConfig, train_entire_space
from lab.evaluation.impressions.prediction import time_order
from lab.evaluation.impressions.ratios import sigmoid
from lab.evaluation.impressions.reading import read_impressions
from lab.evaluation.impressions.seen_logistic import fit_logistic
from lab.evaluation.impressions.statistics import Features, Statistics, learn_statistics
from tests.unit.lab.evaluation.logged import Logged, simulate

CONFIG = EntireSpaceConfig(epochs=4, learning_rate=1e-3)


@pytest.fixture(scope="module")
def logged() -> Logged:
    return simulate(5_000)


@pytest.fixture(scope="module")
def parts(logged: Logged, tmp_path_factory: pytest.TempPathFactory) -> tuple[Statistics, Features, Features]:
    path = logged.write(tmp_path_factory.mktemp("train") / "train.parquet")
    training = read_impressions(path, labelled=True)
    encoded = learn_encoder(training, list(training.context)).encode(training)
    order = time_order(encoded)
    earlier, later = np.flatnonzero(order < 4_000), np.flatnonzero(order >= 4_000)
    statistics, features = learn_statistics(encoded.take(earlier), order[earlier])
    return statistics, features, statistics.features(encoded.take(later))


def test_it_learns_what_is_clicked_where_and_bought_stops_in_time_and_is_repeatable(
    logged: Logged, parts: tuple[Statistics, Features, Features]
) -> None:
    statistics, features, later = parts
    lesson = Lesson(features, statistics.seen_rate, statistics.buy_rate, later, seed=3)
    trained = train_entire_space(lesson, CONFIG)
    found = trained.model.logits(later)
    truth = logged.p_click[-len(later) :]
    constant = np.full(len(later), np.log(truth.mean() / (1 - truth.mean())))
    assert mean_log_loss(found.click, later.encoded.clicked) < 0.95 * mean_log_loss(constant, later.encoded.clicked)
    assert np.corrcoef(truth, sigmoid(found.click))[0, 1] > 0.8
    assert np.corrcoef(logged.p_purchase[-len(later) :], found.purchase())[0, 1] > 0.7
    assert trained.length.click <= CONFIG.epochs
    alone = trained.model.logits(later.take(np.arange(40, 55)))
    assert alone.click == pytest.approx(found.click[40:55], abs=1e-9)
    again = train_entire_space(lesson, CONFIG).model.logits(later)
    assert np.array_equal(again.click, found.click)
    assert np.array_equal(again.buy, found.buy)


def test_it_begins_as_the_logistic_regression(parts: tuple[Statistics, Features, Features]) -> None:
    statistics, features, later = parts
    lesson = Lesson(features, statistics.seen_rate, statistics.buy_rate, length=Length(0, 0))
    beginning = train_entire_space(lesson, CONFIG).model.logits(later)
    logistic = fit_logistic(lesson).logits(later)
    assert beginning.buy == pytest.approx(logistic.buy, abs=1e-5)
    assert np.corrcoef(beginning.click, logistic.click)[0, 1] > 0.999
