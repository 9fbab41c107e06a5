"""Makes a trained fusion model smaller or faster, and says what that costs (ADR 0030)."""

from dataclasses import dataclass, replace
from math import isnan

from services.ranker.model.choices import Compression
from services.ranker.model.configuration import FusionConfig, ItemTable
from services.ranker.model.packed import PackedModel
from services.ranker.model.servable import Servable
from services.ranker.training.fusion import Progress, TrainedFusion, TrainingConfig, figures_of, train_fusion
from services.ranker.training.rows import ImpressionRows


@dataclass(frozen=True)
class CompressedFusion:
    """What is exported instead of the model that was trained."""

    original: TrainedFusion
    """What was compressed."""
    trained: TrainedFusion
    """The model behind what is served: the original, or a student of it."""
    served: Servable
    metrics: dict[str, float]
    """`held_out.…` of what is served, and `lost.click_auc`, `lost.purchase_auc`: how much lower they are."""


def compress(
    trained: TrainedFusion,
    rows: ImpressionRows,
    table: ItemTable,
    how: Compression,
    training: TrainingConfig,
    progress: Progress | None = None,
) -> CompressedFusion:
    """Compresses a model that was trained on the same rows; what is given stays as it is.

    Raises:
        ValueError: there is no way of compressing called `how`.

    """
    if how == "distilled":
        student = student_of(trained.model.config)
        learnt = train_fusion(rows, table, student, training, progress, trained.model)
        served: Servable = learnt.model
    elif how in ("float16", "int8"):
        learnt, served = trained, PackedModel(trained.model, how)
    else:
        raise ValueError(f"Compression must be float16, int8 or distilled, not {how!r}.")
    _, _, held_out = rows.split_by_time(training.validation_share, training.held_out_share)
    figures = figures_of(served, held_out, learnt.examination)
    metrics = {f"held_out.{name}": value for name, value in figures.items() if not isnan(value)}
    for name in ("click_auc", "purchase_auc"):
        before, after = trained.metrics.get(f"held_out.{name}"), metrics.get(f"held_out.{name}")
        if before is not None and after is not None:
            metrics[f"lost.{name}"] = before - after
    return CompressedFusion(trained, learnt, served, metrics)


def student_of(config: FusionConfig) -> FusionConfig:
    """A model of half the width with one cross and one dense layer, for `distilled`: what 300 candidates wait for."""
    return replace(
        config,
        width=config.width // 2,
        cross_layers=min(config.cross_layers, 1),
        cross_rank=config.cross_rank // 2,
        hidden=config.hidden[1:] or config.hidden,
    )
