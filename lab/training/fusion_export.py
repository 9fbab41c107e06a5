"""Writes the fusion model that is served into a release: exported, gated, and weighed where it was compressed."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from lab.training.learning import LearntFusion
from services.kit.release_writer import ReleaseWriter
from services.ranker.model.export import export_fusion
from services.ranker.model.gate import check_export
from services.ranker.model.servable import Servable
from services.ranker.model.signature import Tensors
from services.ranker.model.weighing import weigh
from services.ranker.model_client import model_name


def write_fusion(
    writer: ReleaseWriter, fusion: LearntFusion, items: int, warm_up: Sequence[Tensors]
) -> dict[str, float]:
    """Answers what compression costs and brings, by `compression.<figure>`; nothing where nothing is compressed.

    Args:
        writer: of the release.
        fusion: what was learnt.
        items: rows of the vocabulary.
        warm_up: requests that the model server plays.

    Raises: ExportRefused when the C++ runtime does not run the model as Python does.

    """
    compressed = fusion.compressed
    served: Servable = fusion.trained.model if compressed is None else compressed.served
    name = model_name(writer.shop_id)
    export_fusion(served, writer.fusion_folder, warm_up, name)
    check_export(writer.fusion_folder, served.serve, items, explain=served.explain)
    fusion.normalisation.save(writer.path("fusion/features.json"))
    fusion.trained.calibration.save(writer.path("fusion/calibration.json"))
    if compressed is None:
        return {}
    with tempfile.TemporaryDirectory(prefix="vitrine-uncompressed-") as work:
        whole = Path(work) / "1"
        export_fusion(compressed.original.model, whole, [], name)
        before, after = weigh([whole, writer.fusion_folder], items)
    return {f"compression.{figure}": value for figure, value in compressed.metrics.items()} | {
        "compression.times_smaller": before.weights_bytes / after.weights_bytes,
        "compression.times_less_cpu": before.cpu_ms / after.cpu_ms,
    }
