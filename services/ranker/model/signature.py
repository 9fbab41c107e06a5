"""The fusion model's signature: names, sizes and types of its tensors. Numpy only."""

from typing import Final

import numpy as np

Tensors = dict[str, np.ndarray]
"""By input or output name."""

EMBEDDING_SIZE: Final = 64
HISTORY_LENGTH: Final = 30
CONTEXT_SIZE: Final = 16
FEATURE_COUNT: Final = 12
CONTENT_SIZE: Final = 128
"""Image 64 + text 64."""
IMAGE_SIZE: Final = 64
ACTION_COUNT: Final = 32
"""Room for the Action enum's numbers; 0 pads."""

SIGNATURE: Final = "serving_default"
"""The signature that scores."""

INPUTS: Final[dict[str, tuple[tuple[int | None, ...], type[np.generic]]]] = {
    "user_embedding": ((1, EMBEDDING_SIZE), np.float32),
    "history_rows": ((1, HISTORY_LENGTH), np.int32),
    "history_actions": ((1, HISTORY_LENGTH), np.int32),
    "history_age_days": ((1, HISTORY_LENGTH), np.float32),
    "context": ((1, CONTEXT_SIZE), np.float32),
    "candidate_rows": ((None,), np.int32),
    "candidate_features": ((None, FEATURE_COUNT), np.float32),
    "new_items": ((None, CONTENT_SIZE), np.float32),
}
"""Input name → (shape, type); None is any size. One user, n candidates, m new items."""

CLICK: Final = "p_click_if_seen"
PURCHASE: Final = "p_purchase_if_seen"
OUTPUTS: Final = (CLICK, PURCHASE)
"""Each `[n] float32`."""

EXPLAIN: Final = "explain"
"""The signature that says what each group of inputs adds to a click's log-odds; its inputs are the same."""
LOG_ODDS: Final = "log_odds"
BASELINE: Final = "baseline_log_odds"
CONTRIBUTIONS: Final = "contributions"
EXPLAIN_OUTPUTS: Final = (LOG_ODDS, BASELINE, CONTRIBUTIONS)
"""`[n]`, `[n]` with every group at its baseline, and `[n, groups]` (`groups.GROUPS`), all float32."""

PER_REQUEST: Final = ("user_embedding", "history_rows", "history_actions", "history_age_days", "context")
"""The inputs that do not depend on the candidates."""


def check_tensors(tensors: Tensors) -> None:
    """Checks names, types and shapes against the signature.

    Raises:
        ValueError: which tensor is wrong, and how.

    """
    if set(tensors) != set(INPUTS):
        raise ValueError(f"Expected tensors {sorted(INPUTS)}, got {sorted(tensors)}.")
    for name, (shape, dtype) in INPUTS.items():
        tensor = tensors[name]
        fits = tensor.ndim == len(shape) and all(
            size in (None, actual) for size, actual in zip(shape, tensor.shape, strict=True)
        )
        if tensor.dtype != dtype or not fits:
            raise ValueError(f"{name} must be {dtype.__name__}{list(shape)}, not {tensor.dtype}{list(tensor.shape)}.")
    if len(tensors["candidate_rows"]) != len(tensors["candidate_features"]):
        raise ValueError("candidate_rows and candidate_features differ in length.")
