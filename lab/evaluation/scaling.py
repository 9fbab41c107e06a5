"""The fusion model's quality against its size and cost, from thousands of parameters to what two cores can train."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lab.evaluation.fusion_rows import FusionRows, fusion_rows
from services.ranker.model.configuration import FusionConfig
from services.ranker.model.export import export_fusion
from services.ranker.model.weighing import weigh
from services.ranker.training.fusion import TrainingConfig, train_fusion

if TYPE_CHECKING:
    from lab.commands.evaluate import EvaluationContext

Progress = Callable[[str, int, int], None]

TRAINING = TrainingConfig(validation_share=0.1, held_out_share=0.2)
SIZES: Final[Mapping[str, FusionConfig]] = {
    "8": FusionConfig(width=8, id_size=2, attribute_size=2, cross_layers=1, cross_rank=4, hidden=(8,)),
    "16": FusionConfig(width=16, id_size=4, attribute_size=4, cross_layers=1, cross_rank=8, hidden=(16,)),
    "32": FusionConfig(width=32, id_size=8, attribute_size=8, cross_layers=1, cross_rank=16, hidden=(32,)),
    "64": FusionConfig(),
    "128": FusionConfig(width=128, interests=16, heads=4, id_size=32, cross_rank=64, hidden=(128, 64)),
    "256": FusionConfig(
        width=256, interests=32, heads=4, blocks=2, id_size=64, attribute_size=16, cross_rank=128, hidden=(256, 128)
    ),
}
"""By width; that of a release with many impressions is "64"."""
WIDTH_OF_RATE: Final = 64
"""The width that the learning rate was chosen at; wider models learn at a rate that falls with their width."""


def run(context: "EvaluationContext") -> dict[str, Any]:
    """Train every size on a shop's logged pages, and judge them on the latest of them."""
    return compare_sizes(fusion_rows(context, TRAINING), context.progress.show)


def compare_sizes(given: FusionRows, progress: Progress, sizes: Mapping[str, FusionConfig] = SIZES) -> dict[str, Any]:
    """One entry a size, in the order given: parameters, held-out figures, the gap to training, bytes and CPU time."""
    entries: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="vitrine-scaling-") as work:
        folders = []
        for name, config in sizes.items():
            # Steps of a model twice as wide add up to twice as much: at a rate of 1e-2 a width of 256 diverges.
            slower = min(1.0, WIDTH_OF_RATE / config.width)
            training = replace(given.training, learning_rate=given.training.learning_rate * slower)
            trained = train_fusion(given.rows, given.table, config, training, progress)
            folders.append(Path(work) / name / "1")
            export_fusion(trained.model, folders[-1], [], "fusion-study")
            entries[name] = {
                "parameters": sum(int(np.prod(each.shape)) for each in trained.model.trainable_weights),
                **{f"held_out_{each}": trained.metrics[f"held_out.{each}"] for each in ("click_auc", "click_log_loss")},
                "gap_click_auc": trained.metrics["gap.click_auc"],
            }
        for entry, weight in zip(entries.values(), weigh(folders, len(given.table.content)), strict=True):
            entry |= {"weights_bytes": weight.weights_bytes, "cpu_ms": weight.cpu_ms}
    rounded = {name: {key: round(value, 6) for key, value in entry.items()} for name, entry in entries.items()}
    return {"held_out_impressions": len(given.held_out), "sizes": rounded}
