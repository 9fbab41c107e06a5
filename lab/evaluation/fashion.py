"""Fashion-MNIST: a small network from scratch, chosen and calibrated on a part of its training pictures."""

import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.image_figures import Said, class_figures
from lab.evaluation.reliability import reliability
from services.item_vision.training.devices import Devices, DeviceSettings
from services.item_vision.training.small_network import SmallNetworkSettings, train_small_network
from services.item_vision.training.tuning import Progress

HELD_OUT = 5_000
"""Training pictures kept aside, the last ones: calibration, and choices."""
UNSIGNED_BYTES = 8
"""The type code of IDX files that hold bytes."""


class FashionRefused(ValueError):  # noqa: N818  named like the errors of kit
    """The files are not there or are not what they should be."""


@dataclass(frozen=True)
class FashionJob:
    """What is read, and how it is learned from."""

    data: Path
    """Folder with the four IDX files, gzipped or not."""
    rows: int = 0
    """Learn from so many of the training pictures; 0: from all but those kept aside."""
    settings: SmallNetworkSettings = field(default_factory=SmallNetworkSettings)
    devices: DeviceSettings = field(default_factory=DeviceSettings)


def run(job: FashionJob, progress: Progress) -> dict[str, Any]:
    """Train, and measure on the pictures kept aside and on the test pictures. Raises: FashionRefused."""
    pixels, classes = read_split(job.data, "train")
    learned = slice(0, min(job.rows or len(pixels), len(pixels) - HELD_OUT))
    aside = slice(len(pixels) - HELD_OUT, None)
    classifier = train_small_network(pixels[learned], classes[learned], job.settings, Devices(job.devices), progress)
    classifier.calibrate(pixels[aside], classes[aside])
    test_pixels, test_classes = read_split(job.data, "t10k")
    test = Said(classifier.probabilities(test_pixels), test_classes)
    return {
        "pictures": learned.stop,
        "temperature": round(classifier.temperature, 3),
        "held_out": class_figures(Said(classifier.probabilities(pixels[aside]), classes[aside])),
        "test": class_figures(test),
        "reliability": reliability(test.confidences, test.correct > 0),
    }


def read_split(folder: Path, split: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pixels `[n, 28, 28, 1]` and classes `[n]` of `train` or `t10k`. Raises: FashionRefused."""
    pixels = _read_idx(folder, f"{split}-images-idx3-ubyte")
    classes = _read_idx(folder, f"{split}-labels-idx1-ubyte")
    if pixels.ndim != 3 or classes.ndim != 1 or len(pixels) != len(classes):
        raise FashionRefused(f"{folder}: pictures {pixels.shape} and labels {classes.shape} of {split} do not match")
    return pixels[..., None], classes.astype(np.int64)


def _read_idx(folder: Path, name: str) -> NDArray[np.uint8]:
    packed, plain = folder / f"{name}.gz", folder / name
    try:
        data = gzip.decompress(packed.read_bytes()) if packed.exists() else plain.read_bytes()
    except (OSError, EOFError) as error:
        remedy = "install Debian's dataset-fashion-mnist, or give the folder of the four IDX files"
        raise FashionRefused(f"{folder} has no readable {name}.gz ({error}); {remedy}") from error
    if len(data) < 4 or data[:3] != bytes([0, 0, UNSIGNED_BYTES]):
        raise FashionRefused(f"{folder}/{name} is no IDX file of bytes")
    start = 4 + 4 * data[3]
    shape = np.frombuffer(data[4:start], ">i4")
    if len(data) - start != int(np.prod(shape)):
        raise FashionRefused(f"{folder}/{name} is cut short: {len(data) - start} bytes for {shape.tolist()}")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
