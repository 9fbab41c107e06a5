"""Tunes a backbone's last blocks and a layer of classes to labelled pictures, on activations that are kept.

The classes' layer begins where logistic regression on the untuned features ends, so that the first steps do not
destroy what the backbone knows (Kumar et al., "Fine-Tuning can Distort Pretrained Features", ICLR 2022). Batch norm
keeps its statistics.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from services.item_vision.model.trunk import Trunk
from services.item_vision.training.devices import Devices
from services.item_vision.training.tuned_network import TunedNetwork
from services.item_vision.training.tuning_batches import BatchShape, MixingSettings, TuningBatches, TuningRows

Progress = Callable[[str, int, int], None]
"""`show(what, done, total)`."""
Start = tuple[np.ndarray, np.ndarray]
"""Kernel `[width, classes]` and bias of the classes' layer over untuned features."""


@dataclass(frozen=True)
class TuningSettings:
    """How a network is tuned."""

    epoch_count: int = 6
    """Passes over the pictures; each pass sees another view of a picture."""
    batch_size: int = 32
    """Pictures a step, on all devices together."""
    learning_rate: float = 3e-4
    """Greatest, of AdamW; it rises over the first twentieth of the steps and falls to zero along a cosine. With six
    epochs .9205 of a quarter of the clothing photographs are named rightly, .876 by regression alone.
    """
    weight_decay: float = 0.02
    """Of AdamW."""
    mixing: MixingSettings = field(default_factory=MixingSettings)
    """How batches are made harder than the pictures."""
    averaged_epochs: int = 2
    """Weights are averaged over the ends of so many last epochs (Izmailov et al., UAI 2018)."""


@dataclass(frozen=True)
class TuningRun:
    """One run of `tune`."""

    seed: int
    """Of order, views, mixing and dropout."""
    name: str = "tuning"
    """For the progress bar."""
    progress: Progress = lambda what, done, total: None
    """Told after every step."""
    epoch_ended: Callable[[TunedNetwork, float], None] = lambda network, loss: None
    """Told after every epoch, with its mean loss."""


def tune(
    trunk: Trunk, rows: TuningRows, start: Start, settings: TuningSettings, devices: Devices, run: TuningRun
) -> TunedNetwork:
    """A network tuned to the chosen rows, beginning with the trunk's own weights and the classes' layer `start`."""
    size = -(-min(settings.batch_size, len(rows.chosen)) // devices.count) * devices.count
    shape = BatchShape(size, len(start[1]), trunk.width)
    batches = TuningBatches(rows, shape, settings.mixing, run.seed)
    step_count = settings.epoch_count * batches.count
    with devices.scope():
        network = TunedNetwork(trunk, *start)
        step = devices.compiled(_step(network, _optimizer(network, settings, devices, step_count), size))
    ends: list[list[np.ndarray]] = []
    for epoch in range(settings.epoch_count):
        losses = []
        for done, batch in enumerate(batches.epoch(epoch), start=1):
            losses.append(float(step(*map(devices.share, batch))))
            run.progress(f"{run.name}, loss {losses[-1]:.3f}", epoch * batches.count + done, step_count)
        ends.append([variable.numpy() for variable in network.variables])
        run.epoch_ended(network, float(np.mean(losses)))
    if ends:
        for variable, *values in zip(network.variables, *ends[-settings.averaged_epochs :], strict=True):
            variable.assign(np.mean(values, axis=0))
    return network


def _optimizer(network: TunedNetwork, settings: TuningSettings, devices: Devices, step_count: int) -> Any:
    rising = max(step_count // 20, 1)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(step_count - rising, 1), warmup_target=settings.learning_rate, warmup_steps=rising
    )
    optimizer = devices.optimizer(keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay))
    optimizer.build(network.variables)
    return optimizer


def _step(network: TunedNetwork, optimizer: Any, batch_size: int) -> Any:
    variables = network.variables

    def step(inner: Any, kept: Any, targets: Any, scales: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(network.losses(inner, kept, targets, scales)) / batch_size
            scaled = optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, variables)
        optimizer.apply_gradients(list(zip(gradients, variables, strict=True)))
        return loss

    return step
