"""Small fusion models on disk, as training would leave them."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from services.ranker.model.export import export_fusion
from services.ranker.model.fusion import FusionModel, build_fusion
from services.ranker.model.gate import random_request
from services.ranker.model.signature import INPUTS
from tests.model.ranker.shop import SMALL, item_table

ITEMS = 40


def small_model(shift: float = -1.0) -> FusionModel:
    """An untrained model of 40 items; `shift` moves all its click logits."""
    model = build_fusion(item_table(ITEMS), SMALL)
    model.calibration.shift.assign([shift, -0.5])
    return model


def export_well(model: FusionModel, folder: Path, model_name: str = "fusion-test") -> None:
    random = np.random.default_rng(9)
    export_fusion(
        model, folder, [random_request(random, ITEMS, 20, 0), random_request(random, ITEMS, 3, 2)], model_name
    )


def export_badly(model: FusionModel, folder: Path) -> None:
    """The way that loads in C++ and fails when run."""
    model.freeze()
    specification = {name: tf.TensorSpec(shape, tf.as_dtype(kind), name=name) for name, (shape, kind) in INPUTS.items()}
    signature = tf.function(model.serve, input_signature=[specification])
    tf.saved_model.save(model, str(folder), signatures=signature)
