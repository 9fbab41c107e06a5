"""Figures of fusion models on held-out pages, with intervals over users."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from services.ranker.training.fusion import TrainedFusion
from services.ranker.training.metrics import area_under_curve
from services.ranker.training.rows import ImpressionRows
from services.ranker.training.scoring import Scorer

RESAMPLES = 200
"""An area under the curve sorts every row, so there are fewer than of means."""

Rows = NDArray[np.int64]


def by_user(values: NDArray[np.float64], rows: ImpressionRows) -> NDArray[np.float64]:
    """`[users]` mean of the values of each user's requests."""
    _, user = np.unique(rows.users, return_inverse=True)
    means: NDArray[np.float64] = np.bincount(user, values) / np.bincount(user)
    return means


def click_log_loss(trained: TrainedFusion, rows: ImpressionRows) -> NDArray[np.float64]:
    """`[requests]` mean log loss of examination × p_click_if_seen."""
    click, _ = Scorer(trained.model).probabilities(rows)
    if trained.examination is not None:
        devices = rows.devices[rows.request_of_row]
        click = click * trained.examination.probability(devices, rows.page_rows, rows.page_columns)
    click = np.clip(click, 1e-7, 1 - 1e-7)
    loss = -np.where(rows.clicked, np.log(click), np.log1p(-click))
    means: NDArray[np.float64] = np.bincount(rows.request_of_row, loss, rows.request_count) / np.diff(rows.offsets)
    return means


def auc_difference(
    first: NDArray[np.float64], second: NDArray[np.float64], rows: ImpressionRows, seed: int = 1
) -> dict[str, float]:
    """Click AUC of the first minus that of the second scores, with a 95 % interval: users are drawn again."""

    def difference(drawn: Rows) -> float:
        clicked = rows.clicked[drawn]
        return area_under_curve(first[drawn], clicked) - area_under_curve(second[drawn], clicked)

    return _over_users(difference, rows, seed)


def auc(scores: NDArray[np.float64], rows: ImpressionRows, seed: int = 1) -> dict[str, float]:
    """Click AUC with a 95 % interval: users are drawn again, each with all of their rows."""
    return _over_users(lambda drawn: area_under_curve(scores[drawn], rows.clicked[drawn]), rows, seed)


def _over_users(figure: Callable[[Rows], float], rows: ImpressionRows, seed: int) -> dict[str, float]:
    users = rows.users[rows.request_of_row]
    order = np.argsort(users, kind="stable")
    of_user = np.split(order, np.flatnonzero(np.diff(users[order])) + 1)
    random = np.random.default_rng(seed)
    drawn = (random.integers(0, len(of_user), len(of_user)) for _ in range(RESAMPLES))
    found = [figure(np.concatenate([of_user[user] for user in chosen])) for chosen in drawn]
    low, high = np.nanquantile(found, (0.025, 0.975))
    return {"mean": round(figure(order), 6), "low": round(float(low), 6), "high": round(float(high), 6)}
