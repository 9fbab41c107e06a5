"""A compressed model answers nearly what the model did, is exported and gated like every other, and is smaller."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from lab.training.fusion_export import write_fusion
from lab.training.learning import LearntFusion
from services.kit.release import ReleaseDirectory
from services.kit.release_writer import ReleaseWriter
from services.ranker.model.configuration import FusionConfig
from services.ranker.model.export import answer_in_python, export_fusion
from services.ranker.model.fusion import build_fusion
from services.ranker.model.gate import ExportRefused, check_export, random_request
from services.ranker.model.normalisation import Normalisation
from services.ranker.model.packed import PackedModel
from services.ranker.model.signature import CLICK, PURCHASE
from services.ranker.model.weighing import weigh
from services.ranker.training.compression import compress, student_of
from services.ranker.training.fusion import TrainedFusion, TrainingConfig, train_fusion
from services.ranker.training.losses import distillation_loss
from services.ranker.training.scoring import Scorer
from tests.model.ranker.shop import SMALL, impressions, item_table

ITEMS = 400
TABLE = item_table(ITEMS)
TRAINING = TrainingConfig(epochs=2, batch_size=64)
NORMALISATION = Normalisation({}, 0.0, [0.0] * 12, [1.0] * 12)
LOST_AUC = {"float16": 0.0005, "int8": 0.002}
CHANGE_OF_P_CLICK = {"float16": 0.002, "int8": 0.03}


@pytest.fixture(scope="module")
def rows():
    return impressions(TABLE, requests=900)[0]


@pytest.fixture(scope="module")
def trained(rows) -> TrainedFusion:
    return train_fusion(rows, TABLE, SMALL, TRAINING)


def requests() -> list[dict]:
    random = np.random.default_rng(4)
    return [random_request(random, ITEMS, candidates, new) for candidates, new in ((40, 0), (5, 3))]


@pytest.mark.parametrize("precision", LOST_AUC)
def test_a_packed_model_answers_nearly_the_same(trained, rows, precision):
    packed = PackedModel(trained.model, precision)
    for request in requests():
        whole = answer_in_python(trained.model)(request)
        answer = packed.serve({name: tf.constant(each) for name, each in request.items()})
        for name in (CLICK, PURCHASE):
            change = np.abs(answer[name].numpy() - whole[name]).max()
            assert 0 < change < CHANGE_OF_P_CLICK[precision]
    made = compress(trained, rows, TABLE, precision, TRAINING)
    assert abs(made.metrics["lost.click_auc"]) < LOST_AUC[precision]
    assert made.trained is made.original is trained


def test_packing_leaves_the_model_as_it_was(trained):
    before = [weight.copy() for weight in trained.model.get_weights()]
    request = requests()[0]
    answer = answer_in_python(trained.model)(request)[CLICK]
    packed = PackedModel(trained.model, "int8")
    packed.serve({name: tf.constant(each) for name, each in request.items()})
    assert (answer_in_python(trained.model)(request)[CLICK] == answer).all()
    unchanged = [np.array_equal(old, new) for old, new in zip(before, trained.model.get_weights(), strict=True)]
    assert unchanged.count(False) <= 1  # the item vectors, which freezing computes


def test_batches_are_scored_offline_as_requests_are_served(trained, rows):
    packed = PackedModel(trained.model, "int8")
    few = rows.take(np.arange(5))
    click, _ = Scorer(packed).probabilities(few)
    for request in range(5):
        mine = slice(few.offsets[request], few.offsets[request + 1])
        asked = {name: column[[request]] for name, column in few.visitors().items()}
        asked |= {"candidate_rows": few.candidate_rows[mine], "candidate_features": few.candidate_features[mine]}
        served = packed.serve(asked | {"new_items": np.zeros((0, 128), np.float32)})[CLICK]
        assert np.allclose(served, click[mine], atol=1e-5)


def test_packed_exports_pass_the_gate_and_are_smaller(trained, tmp_path):
    models = {"none": trained.model, "int8": PackedModel(trained.model, "int8")}
    folders = [tmp_path / "1", tmp_path / "2"]
    for folder, model in zip(folders, models.values(), strict=True):
        export_fusion(model, folder, [], "fusion-test")
    assert check_export(folders[1], models["int8"].serve, ITEMS) < 1e-5
    with pytest.raises(ExportRefused, match="differs from Python"):
        check_export(folders[1], trained.model.serve, ITEMS)
    whole, packed = weigh(folders, ITEMS, runs=4)
    assert whole.weights_bytes > 2 * packed.weights_bytes > 0
    assert whole.cpu_ms > 0 < packed.cpu_ms
    assert whole.graph_bytes > 0 < packed.graph_bytes
    names = [name for name, _ in tf.train.list_variables(str(folders[0] / "variables" / "variables"))]
    shapes = [np.shape(tf.train.load_variable(str(folders[0] / "variables" / "variables"), name)) for name in names]
    # Codes and vectors, but not content or own embeddings, which only training reads.
    assert sorted(each for each in shapes if each[:1] == (ITEMS,)) == [(ITEMS, 3), (ITEMS, SMALL.width)]


def test_a_release_holds_what_was_compressed_and_states_loss_and_gain(trained, rows, tmp_path):
    learnt = LearntFusion(trained, rows, NORMALISATION, True, {}, compress(trained, rows, TABLE, "float16", TRAINING))
    with ReleaseWriter(tmp_path, "shop") as writer:
        figures = write_fusion(writer, learnt, ITEMS, requests())
        release = writer.publish(
            data_sha256="0" * 64, spaces={}, calibrated=True, metrics=figures, choices={"compression": "float16"}
        )
    assert figures["compression.times_smaller"] > 1.5
    assert figures["compression.times_less_cpu"] > 0
    assert abs(figures["compression.lost.click_auc"]) < LOST_AUC["float16"]
    assert "compression.held_out.click_log_loss" in figures
    assert {f"fusion/{name}.json" for name in ("features", "calibration")} < set(release.manifest.files)
    again = ReleaseDirectory(tmp_path, "shop").open(release.release_id)
    assert again.manifest.choices == {"compression": "float16"}


def test_a_student_is_smaller_and_learns_from_its_teacher(trained, rows):
    made = compress(trained, rows, TABLE, "distilled", TRAINING)
    assert made.served is made.trained.model is not trained.model
    assert made.trained.model.config.width == SMALL.width // 2
    assert made.trained.model.count_params() < trained.model.count_params()
    assert made.metrics["lost.click_auc"] < 0.05
    teacher, student = (Scorer(model).logits(rows)[0] for model in (trained.model, made.trained.model))
    assert np.corrcoef(teacher, student)[0, 1] > 0.7


def test_the_students_of_every_size_can_be_built():
    for config in (FusionConfig(), SMALL, replace(FusionConfig(), hidden=(), cross_layers=0)):
        assert build_fusion(TABLE, student_of(config)).count_params() > 0


def test_the_distillation_loss_is_the_cross_entropy_to_the_teacher():
    random = np.random.default_rng(1)
    logits = random.normal(size=(2, 2, 3)).astype(np.float32)
    labels = {
        "taught_click": random.uniform(0.1, 0.9, (2, 3)).astype(np.float32),
        "taught_conversion": random.uniform(0.1, 0.9, (2, 3)).astype(np.float32),
        "weight": np.array([[1, 1, 1], [1, 0, 1]], np.float32),
    }
    click, conversion = 1 / (1 + np.exp(-logits))

    def entropy(p, taught):
        return -(taught * np.log(p) + (1 - taught) * np.log(1 - p))

    loss = entropy(click, labels["taught_click"])
    loss += labels["taught_click"] * entropy(conversion, labels["taught_conversion"])
    expected = (loss * labels["weight"]).sum() / 5
    assert float(distillation_loss((logits[0], logits[1]), labels)) == pytest.approx(expected, rel=1e-4)


def test_what_cannot_be_compressed_is_refused(trained, rows):
    with pytest.raises(ValueError, match="float16, int8 or distilled"):
        compress(trained, rows, TABLE, "zip", TRAINING)
    with pytest.raises(ValueError, match="precomputed"):
        PackedModel(build_fusion(TABLE, replace(SMALL, precomputed=False)), "int8")
    with pytest.raises(ValueError, match="cannot be trained"):
        PackedModel(trained.model, "int8")({}, training=True)
