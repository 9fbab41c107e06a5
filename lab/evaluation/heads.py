"""What the fusion model's two heads are worth: order, calibration, and whether learning both together costs anything.

The model is trained on a shop's logged pages as `ablation` does, with several seeds, and once more with each task
alone (same inputs, same encoder, same budget). Everything is judged on the latest pages, which nothing was fitted on,
as what a log can show: examination × p_…_if_seen. Figures are means over seeds of each model's own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.fusion_rows import FusionRows, fusion_rows
from lab.evaluation.probability_figures import (
    EVERYTHING,
    Calibration,
    Drawn,
    Figure,
    Numbers,
    Resampling,
    calibrations,
    measures,
)
from lab.training.fusion_size import sized
from services.ranker.model.configuration import FusionConfig
from services.ranker.model.features import REGION_COLUMNS
from services.ranker.training.calibration import Observed, fit_calibration
from services.ranker.training.fusion import Task, TrainedFusion, train_fusion
from services.ranker.training.rows import ImpressionRows
from services.ranker.training.scoring import Scorer, sigmoid
from vitrine.common.v1 import common_pb2

if TYPE_CHECKING:
    from lab.commands.evaluate import EvaluationContext

SEEDS = (20, 21, 22)
HEADS = ("click", "purchase")
LESS_IS_BETTER = ("log_loss", "ece")
COMPARED = ("auc", "user_auc", "log_loss")
"""What the model of both tasks must not be worse in than the one of a single task."""


@dataclass(frozen=True)
class Predicted:
    """`[N]` examination × p_click_if_seen and examination × p_purchase_if_seen of the held-out rows."""

    click: Numbers
    purchase: Numbers


Learn = Callable[[Task, int], Predicted]
"""A task and a seed → what the model that was trained so says of the held-out rows."""


def run(context: "EvaluationContext") -> dict[str, Any]:
    """Train and report; `passed` when probabilities are right wherever that can be told, and both tasks learn together
    as well as alone.
    """
    study = fusion_rows(context)

    def learn(task: Task, seed: int) -> Predicted:
        return learnt(study, task, seed, context.progress.show)

    return {"simulated": True, **judge_heads(study, learn)}


def learnt(study: FusionRows, task: Task, seed: int, progress: Callable[[str, int, int], None]) -> Predicted:
    """Trains one model and asks it about the held-out rows."""
    training = replace(study.training, seed=seed, task=task)
    config = sized(FusionConfig(seed=seed), study.rows)
    trained = train_fusion(study.rows, study.table, config, training, progress)
    examined = _examined(trained, study.held_out)
    if task == "purchase":
        return Predicted(np.zeros(len(examined)), examined * _purchases_alone(study, trained))
    click, purchase = Scorer(trained.model).probabilities(study.held_out)
    return Predicted(examined * click, examined * purchase)


def _examined(trained: TrainedFusion, rows: ImpressionRows) -> Numbers:
    if trained.examination is None:
        return np.ones(len(rows))
    devices = rows.devices[rows.request_of_row]
    return trained.examination.probability(devices, rows.page_rows, rows.page_columns).astype(np.float64)


def _purchases_alone(study: FusionRows, trained: TrainedFusion) -> Numbers:
    """`[held-out rows]` p_purchase_if_seen of a model of purchases alone, calibrated on the validation pages as clicks
    are where there are both.
    """
    training, scorer = study.training, Scorer(trained.model)
    _, validation, held_out = study.rows.split_by_time(training.validation_share, training.held_out_share)

    def logits(rows: ImpressionRows) -> Numbers:
        click, conversion = (np.clip(sigmoid(each), 1e-6, 1 - 1e-6) for each in scorer.logits(rows))
        both = click * conversion
        return np.asarray(np.log(both) - np.log1p(-both))

    bought, nothing = validation.purchased, np.zeros(len(validation))
    fit = fit_calibration(Observed(logits(validation), nothing, _examined(trained, validation), bought, bought))
    return sigmoid(fit.click_scale * logits(held_out) + fit.click_shift)


def judge_heads(study: FusionRows, learn: Learn, seeds: Sequence[int] = SEEDS) -> dict[str, Any]:
    """Figures of both heads, predicted/observed by segment, and the differences to the models of one task."""
    held_out = study.held_out
    resampling = Resampling.of(held_out.users[held_out.request_of_row].astype(np.int64), seed=1)
    happened = {"click": held_out.clicked, "purchase": held_out.purchased}
    both = [learn("both", seed) for seed in seeds]
    answer: dict[str, Any] = {"held_out_impressions": len(held_out), "seeds": list(seeds)}
    segments = segments_of(held_out, study.regions)
    off, worse = [], []
    for head in HEADS:
        together = _over_seeds(both, head, happened[head], resampling)
        alone = _over_seeds([learn(head, seed) for seed in seeds], head, happened[head], resampling)  # type: ignore[arg-type]
        gains = {name: _gain(name, together[name], alone[name]) for name in together}
        mean = np.mean([getattr(each, head) for each in both], axis=0)
        ratios = calibrations(head, mean, happened[head], segments, resampling)
        off += [f"{head}, {each.segment}" for each in ratios if each.off]
        worse += [f"{head}, {name}" for name in COMPARED if gains[name].high < 0]
        answer[head] = {
            "positives": int(happened[head].sum()),
            **{name: _rounded(drawn.figure()) for name, drawn in together.items()},
            "predicted_over_observed": [_ratio(each) for each in ratios],
            "gain_over_one_task": {name: _rounded(gain) for name, gain in gains.items()},
        }
    return {**answer, "predicted_over_observed_off": off, "worse_than_one_task": worse, "passed": not off and not worse}


def segments_of(rows: ImpressionRows, regions: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """Name → `[N]` whether a row is of it: everything, each row and column of the page (from 1), device, region."""
    of_row = rows.request_of_row
    found: dict[str, NDArray[np.bool_]] = {EVERYTHING: np.ones(len(rows), np.bool_)}
    for name, places in (("row", rows.page_rows), ("column", rows.page_columns)):
        found |= {f"{name} {place + 1}": places == place for place in range(int(places.max(initial=0)) + 1)}
    devices = rows.devices[of_row]
    for device in np.unique(devices).tolist():
        name = common_pb2.Device.Name(device).removeprefix("DEVICE_").lower()
        found[f"device {name}"] = np.equal(devices, device)
    named = rows.context[:, REGION_COLUMNS][of_row] > 0
    found |= {f"region {region}": named[:, place] for place, region in enumerate(regions)}
    if regions:
        found["region other"] = np.asarray(~named.any(axis=1))
    return found


def _over_seeds(
    predicted: Sequence[Predicted], head: str, happened: NDArray[np.bool_], resampling: Resampling
) -> dict[str, Drawn]:
    """Each measure, averaged over the seeds' models."""
    each = [measures(getattr(one, head), happened, resampling) for one in predicted]
    return {
        name: Drawn(
            float(np.mean([one[name].value for one in each])), np.mean([one[name].draws for one in each], axis=0)
        )
        for name in each[0]
    }


def _gain(name: str, together: Drawn, alone: Drawn) -> Figure:
    """How much better learning together is: positive is better, whatever the measure."""
    return (alone.minus(together) if name in LESS_IS_BETTER else together.minus(alone)).figure()


def _ratio(each: Calibration) -> Mapping[str, Any]:
    return {"segment": each.segment, "positives": each.observed, **_rounded(each.ratio), "off": each.off}


def _rounded(figure: Figure) -> dict[str, float]:
    return {name: round(value, 6) for name, value in asdict(figure).items()}
