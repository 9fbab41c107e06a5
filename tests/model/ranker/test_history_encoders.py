"""Each history encoder, chosen by name, is trained, exported, and answers the same in the C++ runtime."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from services.ranker.model.choices import HistoryEncoderKind
from services.ranker.model.export import export_fusion
from services.ranker.model.gate import check_export
from services.ranker.training.fusion import TrainingConfig, train_fusion
from tests.model.ranker.shop import SMALL, impressions, item_table

ITEMS = 60
TABLE = item_table(ITEMS)


@pytest.mark.parametrize("kind", get_args(HistoryEncoderKind))
def test_an_encoder_learns_and_serves_what_it_learnt(kind, tmp_path):
    rows, _ = impressions(TABLE, requests=160, per_request=6)
    config = replace(SMALL, history_encoder=kind)
    training = TrainingConfig(epochs=1, batch_size=32, validation_share=0.2, held_out_share=0.2)
    trained = train_fusion(rows, TABLE, config, training)
    assert all(np.isfinite(weight).all() for weight in trained.model.get_weights())
    assert np.isfinite(trained.metrics["held_out.click_log_loss"])
    export_fusion(trained.model, tmp_path / "1", [], "fusion-test")
    served = trained.model
    assert check_export(tmp_path / "1", served.serve, ITEMS, explain=served.explain) < 1e-5
