"""The gate every export passes: loaded and run by the C++ runtime, with the same numbers as Python.

Both signatures are run: the scores, and what explains them.

Both a good and a bad export of a Keras 3 model load; only running tells. The runtime runs in a process of its own,
without TensorFlow's Python side: a crash there is a refusal here, and nothing of this process is shared with it.
`python -m services.ranker.model.gate FOLDER REQUESTS.npz ANSWERS.npz` is that process.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.ranker.model.signature import (
    ACTION_COUNT,
    CONTENT_SIZE,
    CONTEXT_SIZE,
    EMBEDDING_SIZE,
    EXPLAIN,
    EXPLAIN_OUTPUTS,
    FEATURE_COUNT,
    HISTORY_LENGTH,
    INPUTS,
    OUTPUTS,
    SIGNATURE,
    Tensors,
)

TOLERANCE = 1e-5
TIMEOUT_S = 120.0
EXPLAIN_TOLERANCE = 5e-3
"""Of contributions to log-odds: a unit that switches on a rounding error sooner moves one of a hundred steps."""
EXPLAINED = ((1, 0), (7, 0), (3, 2))
"""(candidates, new items) of the explanations that are compared."""
SHAPES = ((1, 0), (1, 1), (7, 0), (64, 3), (300, 0), (300, 5))
"""(candidates, new items) of the requests that are compared."""


class ExportRefused(Exception):  # noqa: N818 - it says what the gate did
    """The export must not be published; the message says why."""


Answer = Callable[[Tensors], Tensors]
"""A signature in Python: its inputs to its outputs."""


@dataclass(frozen=True)
class Case:
    """A request that the exported model must answer as Python does."""

    signature: str
    request: Tensors
    outputs: Sequence[str]
    expected: Tensors
    tolerance: float

    def __str__(self) -> str:
        return f"{len(self.request['candidate_rows'])} candidates and {len(self.request['new_items'])} new items"


def check_export(folder: Path, answer: Answer, items: int, seed: int = 20, explain: Answer | None = None) -> float:
    """Compares the exported model with Python's own on random requests and returns the largest difference of scores.

    Args:
        folder: the SavedModel.
        answer: the model in Python.
        items: rows of the vocabulary.
        seed: of the requests.
        explain: the signature `explain` in Python; None where the export has none.

    Raises:
        ExportRefused: it does not load, does not run, has another signature, or answers other numbers.

    """
    return check_cases(folder, cases_of(answer, items, seed, explain))


def cases_of(answer: Answer, items: int, seed: int = 20, explain: Answer | None = None) -> list[Case]:
    """What Python answers to random requests: with it a model can be checked that is no longer in memory."""
    random = np.random.default_rng(seed)
    scored = [random_request(random, items, *shape) for shape in SHAPES]
    cases = [Case(SIGNATURE, request, OUTPUTS, answer(request), TOLERANCE) for request in scored]
    if explain is not None:
        explained = [random_request(random, items, *shape) for shape in EXPLAINED]
        cases += [Case(EXPLAIN, each, EXPLAIN_OUTPUTS, explain(each), EXPLAIN_TOLERANCE) for each in explained]
    return cases


def check_cases(folder: Path, cases: Sequence[Case]) -> float:
    """As `check_export`, with answers that were taken before. Raises: ExportRefused."""
    answers = _run_elsewhere(folder, cases)
    worst = [_difference(folder, case, answered) for case, answered in zip(cases, answers, strict=True)]
    return max(each for each, case in zip(worst, cases, strict=True) if case.signature == SIGNATURE)


def _difference(folder: Path, case: Case, answered: Tensors) -> float:
    """The largest difference of an answer. Raises: ExportRefused."""
    worst = 0.0
    for name in case.outputs:
        got, expected = answered[name], np.asarray(case.expected[name])
        if got.shape != expected.shape or not np.isfinite(got).all():
            raise ExportRefused(f"{folder}: {name} of {case} has shape {list(got.shape)} or is not finite.")
        difference = float(np.abs(got - expected).max(initial=0.0))
        if difference > case.tolerance:
            message = f"{name} of {case} differs from Python by {difference:.2g} > {case.tolerance:g}"
            raise ExportRefused(f"{folder}: {message}.")
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


def _run_elsewhere(folder: Path, cases: Sequence[Case]) -> list[Tensors]:
    with tempfile.TemporaryDirectory(prefix="vitrine-gate-") as work:
        asked, answered = Path(work) / "requests.npz", Path(work) / "answers.npz"
        columns = {
            f"{index}/{case.signature}/{name}": each
            for index, case in enumerate(cases)
            for name, each in case.request.items()
        }
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
            return [{name: file[f"{index}/{name}"] for name in case.outputs} for index, case in enumerate(cases)]


def _run_here(folder: Path, asked: Path, answered: Path) -> str:
    """Runs every request; the reason for refusal, or nothing."""
    from services.ranker.model.runtime import LoadedModel, RuntimeRefusal

    requests: dict[tuple[int, str], Tensors] = {}
    with np.load(asked, allow_pickle=False) as file:
        for key in file.files:
            index, signature, name = key.split("/")
            requests.setdefault((int(index), signature), {})[name] = file[key]
    answers: Tensors = {}
    try:
        model = LoadedModel(folder)
        if set(model.inputs) != set(INPUTS) or set(model.outputs) != set(OUTPUTS):
            return f"The signature is {sorted(model.inputs)} -> {sorted(model.outputs)}."
        for (index, signature), request in requests.items():
            if signature not in model.signatures:
                return f"There is no signature {signature}."
            outputs = model.run(request, signature)
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
