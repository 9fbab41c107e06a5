import subprocess
import sys
import textwrap
from dataclasses import replace

import keras
import numpy as np
import pytest

from services.item_vision.model.pictures import picture_of
from services.item_vision.model.precision import dtype_policy
from services.item_vision.model.trunk import Activations, Trunk, TrunkSettings
from services.item_vision.training.devices import Devices, DeviceSettings, Precision
from services.item_vision.training.examples import stratified_folds
from services.item_vision.training.picture_training import ClassifierSettings, LabelledViews, train_classifier
from services.item_vision.training.picture_views import ViewPlan, encode_views
from services.item_vision.training.tuning import TuningRun, TuningSettings, tune
from services.item_vision.training.tuning_batches import BatchShape, MixingSettings, TuningBatches, TuningRows
from services.item_vision.training.views import ViewSettings, altered_view, plain_views
from tests.model.item_vision.drawings import COLOURS, SHAPES, pixels

SMALL = TrunkSettings("keras:MobileNetV3Small", side=64, tuned_behind="expanded_conv_9_add")
SETTINGS = TuningSettings(epoch_count=6, batch_size=8, learning_rate=1e-3)


def drawn(per_kind: int) -> tuple[list, np.ndarray]:
    """Drawn pictures and the number of the shape that each shows."""
    kinds = [(shape, colour) for shape in SHAPES for colour in COLOURS for _ in range(per_kind)]
    pictures = [picture_of(pixels(shape, colour, seed, 96)) for seed, (shape, colour) in enumerate(kinds)]
    return pictures, np.array([SHAPES.index(shape) for shape, _ in kinds])


def small_trunk() -> Trunk:
    """A small network with random weights, the same ones every time."""
    keras.utils.set_random_seed(1)
    return Trunk(SMALL)


@pytest.fixture(scope="module")
def lesson():
    """A small trunk, and pictures of three shapes seen in three ways."""
    trunk = small_trunk()
    pictures, classes = drawn(4)
    return trunk, encode_views(trunk, pictures, ViewPlan(altered_count=1)), classes


def nothing_known(trunk: Trunk) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((trunk.width, len(SHAPES)), np.float32), np.zeros(len(SHAPES), np.float32)


def tuned(lesson, settings=SETTINGS, devices=None, losses=None):
    trunk, views, classes = lesson
    rows = TuningRows([*views.plain, *views.altered], classes, np.arange(len(classes)))
    run = TuningRun(1, epoch_ended=lambda network, loss: losses.append(loss) if losses is not None else None)
    return tune(trunk, rows, nothing_known(trunk), settings, devices or Devices(), run)


def test_tuning_learns_and_the_same_seed_learns_the_same(lesson):
    losses: list[float] = []
    network, again = tuned(lesson, losses=losses), tuned(lesson)
    assert losses[-1] < losses[0]
    view = lesson[1].plain[0]
    np.testing.assert_array_equal(network.features(view), again.features(view))
    moved = [np.abs(a.numpy() - b.numpy()).max() for a, b in zip(network.variables, tuned_from(lesson), strict=True)]
    assert max(moved[:-2]) > 0, "only the layer of classes was tuned"


def tuned_from(lesson):
    return tuned(lesson, replace(SETTINGS, epoch_count=0)).variables


def test_without_epochs_the_start_is_answered(lesson):
    trunk, views, _ = lesson
    network = tuned(lesson, replace(SETTINGS, epoch_count=0))
    np.testing.assert_array_equal(network.features(views.plain[0]), trunk.untuned.features(views.plain[0]))


@pytest.mark.parametrize("precision", [Precision.HALF, Precision.BRAIN])
def test_tuning_runs_in_mixed_precision_and_keeps_weights_in_single(precision):
    devices = Devices(DeviceSettings(precision=precision))
    with dtype_policy(str(devices.precision)):
        trunk = small_trunk()
    pictures, classes = drawn(1)
    losses: list[float] = []
    settings = replace(SETTINGS, epoch_count=1)
    network = tuned(
        (trunk, encode_views(trunk, pictures, ViewPlan(altered_count=0)), classes), settings, devices, losses
    )
    assert {variable.dtype for variable in network.variables} == {"float32"}
    assert np.isfinite(losses).all()


def test_two_devices_learn_what_one_does():
    """In a process of its own, because devices cannot be added once TensorFlow runs."""
    script = """
        import numpy as np, tensorflow as tf
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
        from services.item_vision.training.devices import Devices, DeviceSettings
        from tests.model.item_vision import test_tuning as here
        trunk = here.small_trunk()
        pictures, classes = here.drawn(2)
        lesson = trunk, here.encode_views(trunk, pictures, here.ViewPlan(altered_count=1)), classes
        losses = {}
        for devices in (("CPU:0",), ("CPU:0", "CPU:1")):
            losses[devices] = []
            settings = here.replace(here.SETTINGS, epoch_count=2)
            here.tuned(lesson, settings, Devices(DeviceSettings(devices)), losses[devices])
        one, two = losses.values()
        np.testing.assert_allclose(one, two, rtol=1e-3)
        print("agreed")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.stdout.strip().endswith("agreed"), done.stderr[-2000:]


def test_each_epoch_sees_every_picture_once_and_all_views_in_turn():
    views = [
        Activations(np.full((6, 2), view, np.float16), np.arange(6, dtype=np.float32)[:, None]) for view in range(3)
    ]
    rows = TuningRows(views, np.array([0, 0, 1, 1, 2, 2]), np.arange(6))
    calm = MixingSettings(mixing=0, dropout=0, smoothing=0)
    batches = TuningBatches(rows, BatchShape(2, 3, 3), calm, 1)
    seen = {row: set() for row in range(6)}
    for number in range(3):
        shown = [(int(row), float(view)) for inner, kept, _, _ in batches.epoch(number)
                 for row, view in zip(kept[:, 0], inner[:, 0], strict=True)]  # fmt: skip
        assert sorted(row for row, _ in shown) == list(range(6))
        for row, view in shown:
            seen[row].add(view)
    assert all(views == {0.0, 1.0, 2.0} for views in seen.values())


def test_batches_are_mixed_alike_in_pictures_and_targets():
    classes = np.arange(8) % 4
    view = Activations(classes[:, None].astype(np.float16), classes[:, None].astype(np.float32))
    batches = TuningBatches(TuningRows([view], classes, np.arange(8)), BatchShape(8, 4, 2), MixingSettings(2.0), 1)
    ((inner, kept, targets, scales),) = batches.epoch(0)
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    assert (targets.max(axis=1) < 0.9).any()
    unsmoothed = (targets - 0.1 / 4) / 0.9
    np.testing.assert_allclose(unsmoothed @ np.arange(4), inner[:, 0], atol=1e-5)
    np.testing.assert_array_equal(inner[:, 0], kept[:, 0])
    assert set(np.unique(scales)) <= {np.float32(0), np.float32(1 / np.float32(0.8))}


def test_a_plain_view_is_the_whole_picture_and_its_mirror_image():
    whole, mirrored = plain_views(picture_of(pixels("bar", "red", 1)), 64)
    np.testing.assert_array_equal(whole[:, ::-1], mirrored)


def test_an_altered_view_of_no_alteration_is_the_picture():
    still = ViewSettings(1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0)
    picture = picture_of(pixels("disc", "green", 1))
    whole, mirrored = plain_views(picture, 224)
    for seed in range(4):
        view = altered_view(picture, 224, still, np.random.default_rng(seed)).astype(int)
        assert min(np.abs(view - whole).max(), np.abs(view - mirrored).max()) <= 1


def test_altered_views_differ_and_keep_the_colour():
    picture = picture_of(pixels("disc", "red", 3))
    views = [altered_view(picture, 224, ViewSettings(), np.random.default_rng(seed)) for seed in range(6)]
    assert len({view.tobytes() for view in views}) == 6
    assert all(view[112, 112, 0] > view[112, 112, 2] + 40 for view in views)


def test_folds_hold_every_class_and_tear_no_family():
    classes = np.repeat([0, 1, 2], [30, 12, 6])
    families = np.arange(48) // 2
    folds = stratified_folds(classes, families, 3, 1)
    assert all(len(set(folds[families == family])) == 1 for family in range(24))
    for number, count in enumerate((10, 4, 2)):
        assert np.bincount(folds[classes == number], minlength=3).tolist() == [count] * 3


def test_one_fold_is_not_enough(lesson):
    trunk, views, classes = lesson
    examples = LabelledViews(views, [], classes, 3, np.zeros(len(classes), int))
    with pytest.raises(ValueError, match="two folds"):
        train_classifier(trunk, examples, ClassifierSettings(), Devices())
