from dataclasses import replace

import numpy as np
import pytest

from services.ranker.model.configuration import FusionConfig
from services.ranker.model.export import answer_in_python
from services.ranker.model.signature import CLICK, Tensors
from services.ranker.training.batches import batches, cut
from services.ranker.training.calibration import CalibrationFit, Observed, fit_calibration
from services.ranker.training.fusion import TrainedFusion, TrainingConfig, train_fusion
from services.ranker.training.metrics import (
    area_under_curve,
    area_under_curve_by_user,
    calibration_error,
    log_loss,
)
from services.ranker.training.negatives import NegativeConfig, draw_negatives, with_candidates
from services.ranker.training.rows import ImpressionRows
from tests.model.ranker.shop import SMALL, impressions, item_table

TABLE = item_table(120)


@pytest.fixture(scope="module")
def logged():
    return impressions(TABLE, requests=1_800)


@pytest.fixture(scope="module")
def trained(logged) -> TrainedFusion:
    return train_fusion(logged[0], TABLE, replace(SMALL, width=32), TrainingConfig(epochs=4, batch_size=64))


def one_request(rows: ImpressionRows, request: int) -> Tensors:
    """The signature's tensors of one logged request."""
    tensors = {name: column[[request]] for name, column in rows.visitors().items()}
    mine = slice(rows.offsets[request], rows.offsets[request + 1])
    tensors["candidate_rows"], tensors["candidate_features"] = rows.candidate_rows[mine], rows.candidate_features[mine]
    return tensors | {"new_items": np.zeros((0, 128), np.float32)}


def test_the_trained_model_beats_popularity_on_requests_it_never_saw(logged, trained):
    rows, truth = logged
    _, _, held_out = rows.split_by_time(0.1, 0.1)
    by_popularity = area_under_curve(truth.item_popularity[held_out.candidate_rows], held_out.clicked)
    assert trained.metrics["held_out.click_auc"] > by_popularity + 0.05


def test_probabilities_are_near_those_that_clicks_were_drawn_from(logged, trained):
    rows, truth = logged
    answer = answer_in_python(trained.model)
    last = range(rows.request_count - 40, rows.request_count)
    predicted = np.concatenate([answer(one_request(rows, request))[CLICK] for request in last])
    true = truth.p_click_if_seen[rows.offsets[last[0]] :]
    assert abs(predicted.mean() - true.mean()) < 0.06
    assert np.corrcoef(predicted, true)[0, 1] > 0.5


def test_training_reports_every_split_and_the_gaps_between_them(trained):
    for split in ("train", "validation", "held_out", "gap"):
        for figure in ("click_auc", "click_user_auc", "click_log_loss", "click_calibration_error", "purchase_auc"):
            assert np.isfinite(trained.metrics[f"{split}.{figure}"])
    difference = trained.metrics["train.click_auc"] - trained.metrics["held_out.click_auc"]
    assert trained.metrics["gap.click_auc"] == pytest.approx(difference)
    assert trained.calibration.calibrated
    assert trained.metrics["held_out.click_calibration_error"] < 0.05


def test_examination_is_learnt_beside_the_model(trained):
    for curve in trained.examination.curves.values():
        assert curve.shape == (3, 4)
        assert curve[0].mean() > 1.3 * curve[1].mean() > 1.3 * curve[2].mean()


def test_the_calibration_that_was_fitted_is_in_the_models_graph(trained):
    fit = trained.calibration
    layer = trained.model.calibration
    assert layer.scale.numpy().tolist() == pytest.approx([fit.click_scale, fit.conversion_scale])
    assert layer.shift.numpy().tolist() == pytest.approx([fit.click_shift, fit.conversion_shift])


def test_the_model_can_learn_32_rows_by_heart():
    rows, _ = impressions(TABLE, requests=8, per_request=4, seed=5)
    clicked = np.random.default_rng(2).random(32) < 0.5
    rows = replace(rows, clicked=clicked, purchased=np.zeros(32, np.bool_), page_rows=np.zeros(32, np.int32))
    rows = replace(rows, page_columns=np.zeros(32, np.int32))
    # The same 32 rows ten times over, so that those that stop the training and those reported on are the same.
    again = replace(_concatenated([rows] * 10), occurred_at=np.repeat(np.arange(10), 8))
    config = FusionConfig(width=32, id_size=8, dropout=0.0, id_dropout=0.0, l2=0.0)
    outcome = train_fusion(
        again, TABLE, config, TrainingConfig(epochs=60, patience=60, learning_rate_decay=1.0, batch_size=16)
    )
    assert outcome.metrics["held_out.click_auc"] > 0.999


def _concatenated(parts: list[ImpressionRows]) -> ImpressionRows:
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ImpressionRows.__dataclass_fields__
        if name not in ("offsets", "log_q")
    }
    lengths = np.concatenate([np.diff(part.offsets) for part in parts])
    return ImpressionRows(offsets=np.concatenate([[0], np.cumsum(lengths)]), **columns)


def test_the_same_seed_trains_the_same_model():
    rows, _ = impressions(TABLE, requests=120, seed=6)
    training = TrainingConfig(epochs=1, batch_size=32)
    asked = one_request(rows, 0)
    first, second = (answer_in_python(train_fusion(rows, TABLE, SMALL, training).model)(asked)[CLICK] for _ in range(2))
    assert np.allclose(first, second, atol=1e-6)


def test_without_impressions_items_are_ordered_and_nothing_is_called_calibrated():
    rows, _ = impressions(TABLE, requests=1_500, per_request=1, seed=7)
    # What each user used: drawn among all items by liking, so that there is something to find.
    random = np.random.default_rng(8)
    liking = rows.user_embedding @ TABLE.content[:, :64].T * 12.0
    odds = np.exp(liking - liking.max(axis=1, keepdims=True))
    choices = np.array([random.choice(120, p=each / each.sum()) for each in odds], np.int32)
    candidates, log_q = draw_negatives(
        choices, np.bincount(choices, minlength=120).astype(float), NegativeConfig(count=9)
    )
    features = np.zeros((*candidates.shape, 12), np.float32)
    positives = replace(
        rows, candidate_rows=choices, clicked=np.ones(1_500, np.bool_), purchased=np.zeros(1_500, np.bool_)
    )
    outcome = train_fusion(
        with_candidates(positives, candidates, log_q, features), TABLE, SMALL, TrainingConfig(epochs=4)
    )
    assert not outcome.calibration.calibrated
    assert outcome.examination is None
    assert outcome.metrics["held_out.click_auc"] > 0.65


def test_negatives_never_repeat_the_positive_and_carry_the_log_of_their_probability():
    popularity = np.array([100.0, 25.0, 4.0, 1.0])
    positives = np.array([0, 0, 1, 2, 3], np.int32)
    candidates, log_q = draw_negatives(positives, popularity, NegativeConfig(count=50))
    assert (candidates[:, 0] == positives).all()
    assert (candidates[:, 1:] != positives[:, None]).all()
    probability = np.sqrt(popularity) / np.sqrt(popularity).sum()
    assert np.allclose(log_q, np.log(probability)[candidates], atol=1e-6)


def test_batches_hold_every_row_once_beside_its_own_request(logged):
    rows = logged[0].take(np.arange(7))
    random = np.random.default_rng(0)
    seen = []
    for inputs, grid in batches(rows, cut(rows, 5), 4, random):
        assert grid.shape == (4, 5)
        for piece, numbers in enumerate(grid):
            real = numbers[numbers >= 0]
            seen.extend(real.tolist())
            assert (inputs["candidate_rows"][piece][numbers >= 0] == rows.candidate_rows[real]).all()
            if len(real):
                assert (inputs["user_embedding"][piece] == rows.user_embedding[rows.request_of_row[real[0]]]).all()
    assert sorted(seen) == list(range(len(rows)))


def test_rows_are_split_by_time_and_requests_stay_whole(logged):
    rows = logged[0]
    shuffled = rows.take(np.random.default_rng(1).permutation(rows.request_count))
    fit, validation, held_out = shuffled.split_by_time(0.1, 0.2)
    assert fit.occurred_at.max() < validation.occurred_at.min() <= validation.occurred_at.max()
    assert validation.occurred_at.max() < held_out.occurred_at.min()
    assert len(fit) + len(validation) + len(held_out) == len(rows)
    first = held_out.take(np.array([0]))
    original = rows.take(np.array([int(first.occurred_at[0])]))
    assert (first.candidate_rows == original.candidate_rows).all()
    assert (first.clicked == original.clicked).all()


def test_rows_that_do_not_fit_together_are_refused(logged):
    rows = logged[0].take(np.arange(3))
    with pytest.raises(ValueError, match="clicked"):
        replace(rows, clicked=rows.clicked[1:])
    with pytest.raises(ValueError, match="offsets"):
        replace(rows, offsets=rows.offsets[::-1])
    with pytest.raises(ValueError, match="without a click"):
        replace(rows, clicked=np.zeros(len(rows), np.bool_), purchased=np.ones(len(rows), np.bool_))
    with pytest.raises(ValueError, match="too few"):
        train_fusion(rows, TABLE, SMALL)


def test_calibration_finds_the_scale_and_shift_that_were_lost(tmp_path):
    random = np.random.default_rng(3)
    true_click, true_conversion = random.normal(-0.5, 1.5, 40_000), random.normal(0.3, 1.0, 40_000)
    examination = random.uniform(0.2, 1.0, 40_000)
    clicked = random.random(40_000) < examination / (1 + np.exp(-true_click))
    purchased = clicked & (random.random(40_000) < 1 / (1 + np.exp(-true_conversion)))
    fit = fit_calibration(
        Observed((true_click - 0.4) / 0.6, (true_conversion + 1.0) / 1.4, examination, clicked, purchased)
    )
    assert (fit.click_scale, fit.click_shift) == pytest.approx((0.6, 0.4), abs=0.08)
    assert (fit.conversion_scale, fit.conversion_shift) == pytest.approx((1.4, -1.0), abs=0.15)
    fit.save(tmp_path / "calibration.json")
    assert CalibrationFit.load(tmp_path / "calibration.json") == fit


def test_calibration_without_purchases_leaves_conversion_alone():
    nothing = np.zeros(50_000, np.bool_)
    clicked = np.arange(50_000) % 3 == 0
    fit = fit_calibration(Observed(np.zeros(50_000), np.zeros(50_000), np.ones(50_000), clicked, nothing))
    assert (fit.conversion_scale, fit.conversion_shift) == (1.0, 0.0)
    assert fit.click_shift == pytest.approx(np.log(0.5), abs=0.02)


@pytest.mark.parametrize(("clicks", "moved"), [(1_000, (0.35, 0.75)), (100_000, (0.97, 1.03))])
def test_a_level_that_a_few_purchases_speak_against_moves_part_of_the_way(clicks, moved):
    random = np.random.default_rng(5)
    logits = random.normal(-1.9, 0.6, clicks)
    expected = 1 / (1 + np.exp(-logits))
    # A fifth more purchases than expected, whatever the logit.
    bought = np.zeros(clicks, np.bool_)
    bought[random.choice(clicks, round(1.2 * expected.sum()), replace=False, p=expected / expected.sum())] = True
    everywhere = np.ones(clicks, np.bool_)
    fit = fit_calibration(Observed(np.full(clicks, 9.0), logits, np.ones(clicks), everywhere, bought))
    calibrated = 1 / (1 + np.exp(-(fit.conversion_scale * logits + fit.conversion_shift)))
    share = (calibrated.sum() / expected.sum() - 1.0) / 0.2
    assert moved[0] < share < moved[1]


def test_measures_on_cases_worked_by_hand():
    happened = np.array([True, False, True, False])
    assert area_under_curve(np.array([0.9, 0.8, 0.7, 0.1]), happened) == 0.75
    assert area_under_curve(np.ones(4), happened) == 0.5
    assert np.isnan(area_under_curve(np.ones(2), np.array([True, True])))
    users = np.array([1, 1, 2, 2], np.int32)
    assert area_under_curve_by_user(np.array([0.9, 0.8, 0.1, 0.7]), happened, users) == 0.5
    assert log_loss(np.full(4, 0.5), happened) == pytest.approx(np.log(2))
    assert calibration_error(np.array([0.2, 0.2, 0.6, 0.6]), happened, bins=2) == pytest.approx(0.2)
