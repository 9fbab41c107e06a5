"""What each way of compressing the fusion model costs in quality and brings in bytes and CPU time."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lab.evaluation.fusion_figures import auc_difference
from lab.evaluation.fusion_rows import FusionRows, fusion_rows
from services.ranker.model.choices import Compression
from services.ranker.model.configuration import FusionConfig
from services.ranker.model.export import export_fusion
from services.ranker.model.gate import check_export
from services.ranker.model.servable import Servable
from services.ranker.model.weighing import weigh
from services.ranker.training.compression import compress
from services.ranker.training.fusion import TrainingConfig, train_fusion
from services.ranker.training.scoring import Scorer

if TYPE_CHECKING:
    from lab.commands.evaluate import EvaluationContext

Progress = Callable[[str, int, int], None]

WAYS: tuple[Compression, ...] = ("float16", "int8", "distilled")
TRAINING = TrainingConfig(validation_share=0.1, held_out_share=0.2)
MOST_LOST_AUC = 0.002
LEAST_SMALLER, LEAST_FASTER = 3.0, 1.5


def run(context: "EvaluationContext") -> dict[str, Any]:
    """Train once, compress in every way, compare on held-out pages."""
    return compare_compressions(fusion_rows(context, TRAINING), context.progress.show)


def compare_compressions(given: FusionRows, progress: Progress, config: FusionConfig | None = None) -> dict[str, Any]:
    """`passed` when some way is 3 times smaller or takes 1.5 times less CPU and loses .002 of AUC at most.

    Raises: ExportRefused when an export does not answer what Python does.
    """
    trained = train_fusion(given.rows, given.table, config, given.training, progress)
    made = {how: compress(trained, given.rows, given.table, how, given.training, progress) for how in WAYS}
    models: dict[Compression, Servable] = {"none": trained.model}
    models |= {how: each.served for how, each in made.items()}
    items, held_out = len(given.table.content), given.held_out
    with tempfile.TemporaryDirectory(prefix="vitrine-compression-") as work:
        folders = [Path(work) / name / "1" for name in models]
        for folder, model in zip(folders, models.values(), strict=True):
            export_fusion(model, folder, [], "fusion-study")
            check_export(folder, model.serve, items, explain=model.explain)
        weights = dict(zip(models, weigh(folders, items), strict=True))
    click = {name: Scorer(model).probabilities(held_out)[0] for name, model in models.items()}
    whole = weights["none"]
    ways = {
        name: {
            "click_auc": round(trained.metrics["held_out.click_auc"] if name == "none" else _auc(made[name]), 6),
            "click_auc_lost": auc_difference(click["none"], click[name], held_out),
            "largest_change_of_p_click": round(float(np.abs(click[name] - click["none"]).max()), 6),
            "weights_bytes": weight.weights_bytes,
            "graph_bytes": weight.graph_bytes,
            "cpu_ms": round(weight.cpu_ms, 4),
            "times_smaller": round(whole.weights_bytes / weight.weights_bytes, 2),
            "times_less_cpu": round(whole.cpu_ms / weight.cpu_ms, 2),
        }
        for name, weight in weights.items()
    }
    return {"held_out_impressions": len(held_out), "ways": ways, "passed": any(_good(ways[how]) for how in WAYS)}


def _auc(made: Any) -> float:
    return float(made.metrics["held_out.click_auc"])


def _good(way: dict[str, Any]) -> bool:
    gains = way["times_smaller"] >= LEAST_SMALLER or way["times_less_cpu"] >= LEAST_FASTER
    return bool(gains and way["click_auc_lost"]["mean"] <= MOST_LOST_AUC)
