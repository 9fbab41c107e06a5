"""Studies of the fusion model: figures with intervals, and items that training has not seen."""

import numpy as np
import pytest

from lab.evaluation.cold_items import compare_cold_items, kept
from lab.evaluation.fusion_figures import auc, auc_difference, by_user
from lab.evaluation.fusion_rows import FusionRows
from services.ranker.model.configuration import FusionInputs
from services.ranker.training.fusion import TrainingConfig
from services.ranker.training.metrics import area_under_curve
from tests.model.ranker.shop import impressions, item_table

TRAINING = TrainingConfig(epochs=3, validation_share=0.1, held_out_share=0.3)


@pytest.fixture(scope="module")
def study() -> FusionRows:
    table = item_table(120)
    rows, _ = impressions(table, 1_500)
    return FusionRows(rows, table, TRAINING)


def test_an_area_comes_with_an_interval_around_it(study) -> None:
    scores = np.random.default_rng(1).random(len(study.rows))
    found = auc(scores, study.rows)
    assert found["mean"] == pytest.approx(area_under_curve(scores, study.rows.clicked), abs=1e-6)
    assert found["low"] < found["mean"] < found["high"]


def test_scores_do_not_differ_from_themselves(study) -> None:
    scores = np.random.default_rng(1).random(len(study.rows))
    assert auc_difference(scores, scores, study.rows) == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert auc_difference(study.rows.clicked + scores, scores, study.rows)["low"] > 0.2


def test_values_are_averaged_by_user(study) -> None:
    values = study.rows.users.astype(np.float64)
    assert by_user(values, study.rows).tolist() == np.unique(study.rows.users).tolist()


def test_rows_are_left_out_with_requests_that_lose_all_of_theirs(study) -> None:
    mask = study.rows.request_of_row % 2 == 0
    mask[study.rows.offsets[2]] = False
    left = kept(study.rows, mask)
    assert len(left) == mask.sum()
    assert left.request_count == (study.rows.request_count + 1) // 2
    assert left.candidate_rows.tolist() == study.rows.candidate_rows[mask].tolist()
    assert left.users.tolist() == study.rows.users[::2].tolist()


def test_clicks_on_items_never_trained_on_are_told_by_their_pictures(study) -> None:
    variants = {"all": FusionInputs(), "blind": FusionInputs(image=False, text=False)}
    found = compare_cold_items(study, seed=1, progress=lambda *_: None, variants=variants)
    assert found["withheld_items"] == 12
    assert found["auc"]["all"]["clicks"] > 50
    assert found["auc"]["all"]["low"] > 0.5
    assert found["auc"]["all"]["mean"] > found["auc"]["blind"]["mean"] + 0.03
