"""Where a network is trained and in which numbers: one CPU, one GPU or several, by configuration and the same code."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from services.item_vision.model.precision import dtype_policy


class Precision(StrEnum):
    """Numbers that layers compute in; weights stay float32."""

    SINGLE = "float32"
    HALF = "mixed_float16"
    """For GPUs; the loss is scaled so that small gradients do not vanish (Micikevicius et al., ICLR 2018)."""
    BRAIN = "mixed_bfloat16"
    """The range of float32 with 8 bits of precision: no scaling needed."""


@dataclass(frozen=True)
class DeviceSettings:
    """What is trained on."""

    devices: tuple[str, ...] = ()
    """Logical devices, such as ("GPU:0", "GPU:1"); each takes an equal share of every batch. Empty: all GPUs, or
    else the CPU.
    """
    precision: Precision | None = None
    """None: half where everything runs on GPUs, else single."""


class Devices:
    """A strategy of `tf.distribute` over the configured devices, and the precision that suits them."""

    def __init__(self, settings: DeviceSettings | None = None) -> None:
        settings = settings or DeviceSettings()
        self.names = settings.devices or _present()
        half = all(name.startswith("GPU") for name in self.names)
        self.precision = settings.precision or (Precision.HALF if half else Precision.SINGLE)
        self.strategy = _strategy(self.names)

    @property
    def count(self) -> int:
        """How many devices share a batch."""
        return len(self.names)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Networks and optimizers made while this lasts live on every device and compute in the precision."""
        with self.strategy.scope(), dtype_policy(str(self.precision)):
            yield

    def optimizer(self, optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
        """The optimizer, scaling the loss where the precision asks for it."""
        return keras.optimizers.LossScaleOptimizer(optimizer) if self.precision is Precision.HALF else optimizer

    def share(self, array: np.ndarray) -> Any:
        """A batch `[n, ...]` dealt to the devices in order; n must be a multiple of `count`."""
        size = len(array) // self.count

        def part(context: Any) -> Any:
            start = context.replica_id_in_sync_group * size
            return tf.constant(array[start : start + size])

        return self.strategy.experimental_distribute_values_from_function(part)

    def compiled(self, step: Any) -> Any:
        """`step`, run on every device on its share of each argument, as one graph; answers the sum of what it answers.

        Gradients are summed over devices by the optimizer, so a step divides its loss by the whole batch's size.
        """

        def everywhere(*shares: Any) -> Any:
            return self.strategy.reduce(tf.distribute.ReduceOp.SUM, self.strategy.run(step, args=shares), axis=None)

        return tf.function(everywhere, autograph=False)


def _present() -> tuple[str, ...]:
    gpus = tf.config.list_logical_devices("GPU")
    return tuple(f"GPU:{index}" for index in range(len(gpus))) or ("CPU:0",)


def _strategy(names: tuple[str, ...]) -> Any:
    if len(names) == 1:
        return tf.distribute.OneDeviceStrategy(names[0])
    return tf.distribute.MirroredStrategy(list(names))
