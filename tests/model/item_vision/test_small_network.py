"""The small network from scratch, and the files that it learns from."""

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lab.evaluation import fashion
from lab.evaluation.fashion import FashionJob, FashionRefused, read_split
from services.item_vision.training.devices import Devices
from services.item_vision.training.small_network import SmallNetworkSettings, train_small_network

TINY = SmallNetworkSettings(widths=(8, 8), epoch_count=6, batch_size=32, learning_rate=2e-2, covered=2)


def stripes(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pictures `[count, 12, 12, 1]` of level (0) or upright (1) stripes in noise."""
    generator = np.random.default_rng(seed)
    classes = generator.integers(0, 2, count)
    waves = (np.sin(np.arange(12)[:, None] * 1.6 + generator.uniform(0, 6, count)) * 60).T
    pictures = np.where(classes[:, None, None] == 0, waves[:, :, None], waves[:, None, :])
    noisy = pictures + generator.normal(128, 20, (count, 12, 12))
    return np.clip(noisy, 0, 255).astype(np.uint8)[..., None], classes


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


def write_fashion(folder: Path, count: int) -> None:
    for split, size, seed in (("train", count, 1), ("t10k", 40, 2)):
        pixels, classes = stripes(size, seed)
        (folder / f"{split}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(pixels[..., 0])))
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(idx(classes.astype(np.uint8)))


def test_the_same_seed_learns_the_same_and_a_row_stands_alone():
    settings = replace(TINY, epoch_count=1)
    first, again = (train_small_network(*stripes(100), settings, Devices()) for _ in range(2))
    pixels, _ = stripes(10, 9)
    np.testing.assert_array_equal(first.probabilities(pixels), again.probabilities(pixels))
    np.testing.assert_allclose(first.probabilities(pixels)[3], first.probabilities(pixels[3:4])[0], atol=1e-5)


def test_the_files_are_read_learned_from_and_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(fashion, "HELD_OUT", 40)
    write_fashion(tmp_path, 240)
    told = []
    figures = fashion.run(FashionJob(tmp_path, settings=TINY), lambda what, done, total: told.append((done, total)))
    assert figures["pictures"] == 200
    assert figures["test"]["accuracy"]["mean"] > 0.8
    assert told[-1] == (6, 6)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.unlink(), "dataset-fashion-mnist"),
        (lambda path: path.write_bytes(gzip.compress(b"hello")), "no IDX file"),
        (lambda path: path.write_bytes(gzip.compress(idx(np.zeros((3, 4, 4), np.uint8))[:-1])), "cut short"),
        (lambda path: path.write_bytes(gzip.compress(idx(np.zeros((3, 4, 4), np.uint8)))), "do not match"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "no readable"),
    ],
)
def test_files_that_are_not_what_they_should_be_are_named(tmp_path, spoil, message):
    write_fashion(tmp_path, 60)
    spoil(tmp_path / "train-images-idx3-ubyte.gz")
    with pytest.raises(FashionRefused, match=message):
        read_split(tmp_path, "train")
