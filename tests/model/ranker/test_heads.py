"""The study of the fusion model's two heads: who is told off, and for what."""

import numpy as np
import pytest

from lab.evaluation.fusion_rows import FusionRows
from lab.evaluation.heads import Predicted, judge_heads, learnt, segments_of
from services.ranker.model.features import REGION_COLUMNS, visitor_tensors
from services.ranker.model.normalisation import Normalisation
from services.ranker.training.fusion import TrainingConfig
from services.ranker.training.metrics import area_under_curve
from services.ranker.visitor import Situation, Visitor
from services.ranker.vocabulary import Vocabulary
from tests.model.ranker.shop import impressions, item_table

BUYING = 0.4
"""What `impressions` draws purchases among clicks with."""


@pytest.fixture(scope="module")
def shop():
    table = item_table(120)
    rows, truth = impressions(table, 2_000)
    study = FusionRows(rows, table, TrainingConfig(epochs=3, validation_share=0.2, held_out_share=0.5))
    p_click = (truth.p_click_if_seen * truth.examination)[-len(study.held_out) :]
    return study, Predicted(p_click, BUYING * p_click)


def test_probabilities_that_clicks_were_drawn_with_pass(shop) -> None:
    study, truth = shop
    found = judge_heads(study, lambda task, seed: truth, seeds=(1, 2))
    assert found["passed"]
    judged = {each["segment"] for each in found["click"]["predicted_over_observed"] if each["positives"] >= 1_000}
    assert {"everything", "row 1"} <= judged
    assert found["purchase"]["gain_over_one_task"]["auc"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    everything = found["click"]["predicted_over_observed"][0]
    assert everything["low"] < 1.0 < everything["high"]


def test_a_row_of_the_page_that_is_over_estimated_is_named_and_no_other(shop) -> None:
    study, truth = shop
    wrong = np.where(study.held_out.page_rows == 0, 1.2 * truth.click, truth.click)
    found = judge_heads(study, lambda task, seed: Predicted(wrong, truth.purchase), seeds=(1,))
    assert "click, row 1" in found["predicted_over_observed_off"]
    assert "click, row 2" not in found["predicted_over_observed_off"]
    assert not any(name.startswith("purchase") for name in found["predicted_over_observed_off"])
    assert not found["passed"]


def test_a_model_of_both_that_is_worse_than_one_of_purchases_alone_is_told_so(shop) -> None:
    study, truth = shop
    noise = np.random.default_rng(1).permutation(truth.purchase)
    found = judge_heads(
        study, lambda task, seed: Predicted(truth.click, noise if task == "both" else truth.purchase), seeds=(1,)
    )
    assert set(found["worse_than_one_task"]) == {"purchase, auc", "purchase, user_auc", "purchase, log_loss"}
    assert not found["passed"]


def test_segments_of_a_kind_have_every_row_once(shop) -> None:
    rows = shop[0].held_out
    segments = segments_of(rows, ())
    for kind in ("row", "column", "device"):
        of_kind = [member for name, member in segments.items() if name.startswith(f"{kind} ")]
        assert (np.sum(of_kind, axis=0) == 1).all()
    assert segments["row 1"].tolist() == (rows.page_rows == 0).tolist()


def test_regions_stand_in_the_columns_that_are_read() -> None:
    vocabulary = Vocabulary(*[["i1"]] * 6)
    normalisation = Normalisation({}, 0.0, [0.0] * 12, [1.0] * 12, regions=("DE", "US", "CN"))
    visitor = Visitor(situation=Situation(region="US"))
    context = visitor_tensors(visitor, vocabulary, normalisation)["context"][0]
    assert context[REGION_COLUMNS].tolist() == [0.0, 1.0, 0.0]


def test_a_model_of_purchases_alone_is_calibrated_by_purchases(shop) -> None:
    study, truth = shop
    found = learnt(study, "purchase", 20, lambda *_: None)
    bought = study.held_out.purchased
    assert area_under_curve(found.purchase, bought) > area_under_curve(truth.purchase, bought) - 0.1
    assert found.purchase.sum() == pytest.approx(bought.sum(), rel=0.15)
