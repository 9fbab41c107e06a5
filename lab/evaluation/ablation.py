"""What each input is worth in the fusion model, by training without it.

Each variant is trained alike, with several seeds; on held-out pages, which nothing was fitted on, the log loss of
clicks is compared page by page, and the interval is over users. Positive gains mean that the input helps.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.fusion_figures import by_user, click_log_loss
from lab.evaluation.fusion_rows import FusionRows, fusion_rows
from lab.evaluation.statistics import bootstrap
from lab.training.fusion_size import sized
from services.ranker.model.configuration import FusionConfig, FusionInputs
from services.ranker.training.fusion import train_fusion

if TYPE_CHECKING:
    from lab.commands.evaluate import EvaluationContext

SEEDS = (20, 21, 22)
VARIANTS = {
    "without_user_embedding": FusionInputs(user_embedding=False),
    "without_pictures": FusionInputs(image=False),
    "without_text": FusionInputs(text=False),
    "without_history": FusionInputs(history=False),
    "without_attributes": FusionInputs(attributes=False),
    "without_context": FusionInputs(context=False),
}
MUST_HELP = ("without_user_embedding", "without_pictures")
"""The mission's two pillars; what else does not help says so."""


def run(context: "EvaluationContext") -> dict[str, Any]:
    """Train with everything and without each, and compare; `passed` when both pillars' intervals lie above zero."""
    study = fusion_rows(context)
    whole = _losses(study, FusionInputs(), context)
    gains = {
        name: bootstrap(by_user(_losses(study, inputs, context) - whole, study.held_out)).as_dict()
        for name, inputs in VARIANTS.items()
    }
    return {
        "simulated": True,
        "held_out_pages": study.held_out.request_count,
        "held_out_impressions": len(study.held_out),
        "seeds": list(SEEDS),
        "log_loss": round(float(np.average(whole, weights=np.diff(study.held_out.offsets))), 6),
        "gain_in_log_loss": gains,
        "passed": all(gains[name]["low"] > 0 for name in MUST_HELP),
    }


def _losses(study: FusionRows, inputs: FusionInputs, context: "EvaluationContext") -> NDArray[np.float64]:
    """`[requests]` mean log loss of clicks on each held-out page, averaged over seeds."""
    losses = np.zeros(study.held_out.request_count)
    for seed in SEEDS:
        config = sized(FusionConfig(inputs=inputs, seed=seed), study.rows)
        training = replace(study.training, seed=seed)
        trained = train_fusion(study.rows, study.table, config, training, context.progress.show)
        losses += click_log_loss(trained, study.held_out) / len(SEEDS)
    return losses
