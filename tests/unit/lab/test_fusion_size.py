"""How wide a release's fusion model is."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from lab.training.fusion_size import FEW_IMPRESSIONS, NARROW, sized
from services.ranker.model.configuration import FusionConfig


class Rows(SimpleNamespace):
    def __len__(self) -> int:
        return self.count


FEW, MANY = Rows(count=FEW_IMPRESSIONS - 1, log_q=None), Rows(count=FEW_IMPRESSIONS, log_q=None)
DRAWN = Rows(count=FEW_IMPRESSIONS - 1, log_q=np.zeros(1))


@pytest.mark.parametrize(
    ("config", "rows", "width"),
    [
        (FusionConfig(), FEW, NARROW),
        (FusionConfig(), MANY, 64),
        (FusionConfig(), DRAWN, 64),
        (FusionConfig(width=8), FEW, 8),
        (FusionConfig(width=96, interests=12), FEW, 96),
    ],
    ids=["few", "many", "sampled negatives", "narrower already", "interests do not divide it"],
)
def test_few_impressions_get_a_narrow_model(config, rows, width):
    found = sized(config, rows)
    assert found == replace(config, width=width)
