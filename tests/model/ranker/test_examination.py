import numpy as np
import pytest

from services.ranker.training.examination import (
    Examination,
    Slots,
    fit_examination,
    fit_examination_given_relevance,
)

ROWS, COLUMNS, DEVICES = 4, 5, (1, 3)
TRUTH = {
    1: 0.8 ** np.arange(ROWS)[:, None] * 0.9 ** np.arange(COLUMNS)[None],
    3: 0.6 ** np.arange(ROWS)[:, None] * 0.7 ** np.arange(COLUMNS)[None],
}


def simulated(count: int = 60_000, logged_by_relevance: float = 0.0, against: float = 0.6):
    """Clicks drawn from known curves; with `logged_by_relevance` better items stand higher, as in real logs."""
    random = np.random.default_rng(11)
    devices = random.choice(DEVICES, count).astype(np.int32)
    features = random.normal(size=(count, 3))
    relevance = 1 / (1 + np.exp(-(features @ [1.2, -0.8, 0.5] - against)))
    push = logged_by_relevance * (relevance - relevance.mean()) * ROWS
    rows = np.clip(random.integers(0, ROWS, count) - np.round(push), 0, ROWS - 1).astype(np.int32)
    columns = random.integers(0, COLUMNS, count).astype(np.int32)
    examined = np.array(
        [TRUTH[device][row, column] for device, row, column in zip(devices, rows, columns, strict=True)]
    )
    clicked = random.random(count) < examined * relevance
    return Slots(devices, rows, columns), features, relevance, clicked


@pytest.mark.parametrize("logged_by_relevance", [0.0, 1.0])
def test_em_recovers_the_curves_that_clicks_were_drawn_from(logged_by_relevance):
    slots, features, _, clicked = simulated(logged_by_relevance=logged_by_relevance)
    fitted = fit_examination(slots, features, clicked)
    for device in DEVICES:
        assert (
            np.abs(fitted.curves[device] - TRUTH[device]).max() < 0.12
        )  # the thinnest slot has a few hundred impressions
        assert np.abs(fitted.curves[device] - TRUTH[device]).mean() < 0.03


def test_click_rates_alone_would_be_misled_where_better_items_stand_higher():
    slots, features, _, clicked = simulated(logged_by_relevance=1.0)
    rates = np.array([[clicked[(slots.devices == 1) & (slots.rows == row)].mean()] for row in range(ROWS)])
    naive = (rates / rates.max()).ravel()
    truth = TRUTH[1].mean(axis=1) / TRUTH[1].mean(axis=1).max()
    fitted = fit_examination(slots, features, clicked).curves[1].mean(axis=1)
    assert np.abs(fitted / fitted.max() - truth).max() < 0.5 * np.abs(naive - truth).max()


def test_curves_are_recovered_from_a_models_relevance():
    slots, _, relevance, clicked = simulated()
    fitted = fit_examination_given_relevance(slots, relevance, clicked)
    for device in DEVICES:
        assert np.abs(fitted.curves[device] - TRUTH[device]).max() < 0.08


@pytest.mark.parametrize("logged_by_relevance", [0.0, 1.0])
def test_curves_are_as_steep_as_the_truth_where_clicks_are_rare(logged_by_relevance):
    slots, features, relevance, clicked = simulated(400_000, logged_by_relevance, against=3.5)
    assert clicked.mean() < 0.04
    fits = (
        fit_examination(slots, features, clicked),
        fit_examination_given_relevance(slots, 0.5 * relevance, clicked),
    )
    for fitted in fits:
        for device in DEVICES:
            falls = fitted.curves[device].mean(axis=1)
            assert falls / falls[0] == pytest.approx(TRUTH[device][:, 0], abs=0.08)


def test_the_best_slot_of_each_device_is_the_scale():
    slots, features, _, clicked = simulated(20_000)
    for curve in fit_examination(slots, features, clicked).curves.values():
        assert curve.max() == 1.0
        assert curve.min() > 0.0


def test_slots_beyond_the_edge_take_the_edge_and_unknown_devices_the_first_curve(tmp_path):
    curves = Examination({1: np.array([[1.0, 0.5], [0.4, 0.2]]), 3: np.array([[0.9]])})
    curves.save(tmp_path / "examination.json")
    loaded = Examination.load(tmp_path / "examination.json")
    answer = loaded.probability(
        np.array([1, 1, 3, 2], np.int32), np.array([9, 0, 4, 1], np.int32), np.array([1, 9, 7, 0], np.int32)
    )
    assert answer.tolist() == pytest.approx([0.2, 0.5, 0.9, 0.4])
