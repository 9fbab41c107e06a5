"""The gate every export passes: loaded and run by the C++ runtime, with the same numbers as Python.

Both a good and a bad export of a Keras 3 model load; only running tells. The runtime runs in a process of its own,
without TensorFlow's Python side: a crash there is a refusal here, and nothing of this process is shared with it.
`python -m services.ranker.model.gate FOLDER REQUESTS.npz ANSWERS.npz` is that process.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from services.ranker.model.signature import (
    ACTION_COUNT,
    CONTENT_SIZE,
    CONTEXT_SIZE,
    EMBEDDING_SIZE,
    FEATURE_COUNT,
    HISTORY_LENGTH,
    INPUTS,
    OUTPUTS,
    Tensors,
)

TOLERANCE = 1e-5
TIMEOUT_S = 120.0
SHAPES = ((1, 0), (1, 1), (7, 0), (64, 3), (300, 0), (300, 5))
"""(candidates, new items) of the requests that are compared."""


class ExportRefused(Exception):  # noqa: N818 - it says what the gate did
    """The export must not be published; the message says why."""


def check_export(folder: Path, answer: Callable[[Tensors], Tensors], items: int, seed: int = 20) -> float:
    """Compares the exported model with Python's own on random requests and returns the largest difference.

    Args:
        folder: the SavedModel.
        answer: the model in Python: the signature's inputs to its outputs.
        items: rows of the vocabulary.
        seed: of the requests.

    Raises:
        ExportRefused: it does not load, does not run, has another signature, or answers other numbers.

    """
    random = np.random.default_rng(seed)
    requests = [random_request(random, items, *shape) for shape in SHAPES]
    answers = _run_elsewhere(folder, requests)
    worst = 0.0
    for (candidates, new), request, answered in zip(SHAPES, requests, answers, strict=True):
        expected = answer(request)
        for name in OUTPUTS:
            case = f"{name} of {candidates} candidates and {new} new items"
            if answered[name].shape != (candidates,) or not np.isfinite(answered[name]).all():
                raise ExportRefused(f"{folder}: {case} has shape {list(answered[name].shape)} or is not finite.")
            difference = float(np.abs(answered[name] - np.asarray(expected[name])).max())
            if difference > TOLERANCE:
                raise ExportRefused(f"{folder}: {case} differs from Python by {difference:.2g} > {TOLERANCE:g}.")
            worst = max(worst, difference)
    return worst


def random_request(random: np.random.Generator, items: int, candidates: int, new: int) -> Tensors:
    """A request of the signature with a history of random length."""
    length = int(random.integers(0, HISTORY_LENGTH + 1))
    start = HISTORY_LENGTH - length
    rows = np.full((1, HISTORY_LENGTH), -1, np.int32)
    actions = np.zeros((1, HISTORY_LENGTH), np.int32)
    ages = np.zeros((1, HISTORY_LENGTH), np.float32)
    rows[0, start:] = random.integers(0, items, length)
    actions[0, start:] = random.integers(1, min(ACTION_COUNT, 19), length)
    ages[0, start:] = np.sort(random.random(length).astype(np.float32) * 60.0)[::-1]
    return {
        "user_embedding": random.normal(size=(1, EMBEDDING_SIZE)).astype(np.float32),
        "history_rows": rows,
        "history_actions": actions,
        "history_age_days": ages,
        "context": random.random((1, CONTEXT_SIZE)).astype(np.float32),
        "candidate_rows": random.integers(0, items + new, candidates).astype(np.int32),
        "candidate_features": random.normal(size=(candidates, FEATURE_COUNT)).astype(np.float32),
        "new_items": random.normal(size=(new, CONTENT_SIZE)).astype(np.float32) / 8.0,
    }


def _run_elsewhere(folder: Path, requests: Sequence[Tensors]) -> list[Tensors]:
    with tempfile.TemporaryDirectory(prefix="vitrine-gate-") as work:
        asked, answered = Path(work) / "requests.npz", Path(work) / "answers.npz"
        columns = {f"{index}/{name}": each for index, request in enumerate(requests) for name, each in request.items()}
        np.savez(asked, allow_pickle=False, **columns)
        command = [sys.executable, "-m", __spec__.name, str(folder), str(asked), str(answered)]
        try:
            process = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            raise ExportRefused(f"{folder}: the C++ runtime did not finish within {TIMEOUT_S:g} s.") from None
        if process.returncode != 0:
            said = process.stdout.strip() or process.stderr.strip()[-500:] or "nothing"
            raise ExportRefused(f"{folder}: the C++ runtime ended with {process.returncode} and said: {said}")
        with np.load(answered, allow_pickle=False) as file:
            return [{name: file[f"{index}/{name}"] for name in OUTPUTS} for index in range(len(requests))]


def _run_here(folder: Path, asked: Path, answered: Path) -> str:
    """Runs every request; the reason for refusal, or nothing."""
    from services.ranker.model.runtime import LoadedModel, RuntimeRefusal

    with np.load(asked, allow_pickle=False) as file:
        columns = {name: file[name] for name in file.files}
    count = 1 + max(int(name.partition("/")[0]) for name in columns)
    answers: Tensors = {}
    try:
        model = LoadedModel(folder)
        if set(model.inputs) != set(INPUTS) or set(model.outputs) != set(OUTPUTS):
            return f"The signature is {sorted(model.inputs)} -> {sorted(model.outputs)}."
        for index in range(count):
            outputs = model.run({name: columns[f"{index}/{name}"] for name in INPUTS})
            answers.update({f"{index}/{name}": each for name, each in outputs.items()})
        model.close()
    except RuntimeRefusal as refusal:
        return str(refusal)
    np.savez(answered, allow_pickle=False, **answers)
    return ""


def main(arguments: Sequence[str]) -> int:
    """The process of its own: 0 when everything ran, else 1 and the reason on standard output."""
    folder, asked, answered = (Path(argument) for argument in arguments)
    reason = _run_here(folder, asked, answered)
    if reason:
        sys.stdout.write(reason + "\n")
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
