"""What an evaluation found, as a file: JSON that says which command made it, when, and on what machine."""

import json
import math
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.benchmark.machine import machine

EVALUATION = "evaluation"
"""The key that tells which command made a report."""


class ReportRefused(ValueError):  # noqa: N818  named like the errors of kit
    """A file that is no report of an evaluation; the message names file, reason and remedy."""


@dataclass(frozen=True)
class Report:
    """What one run of an evaluation wrote."""

    name: str
    """Of the file, without `.json`."""
    evaluation: str
    """The command: `ablation` of `vitrine evaluate ablation`."""
    figures: Mapping[str, Any]


def origin() -> dict[str, Any]:
    """`command` as it was called, without folders; `date` and `machine`."""
    words = (Path(each).name if "/" in each else each for each in sys.argv[1:])
    return {
        "command": shlex.join(["vitrine", *words]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
    }


def write_report(path: Path, evaluation: str, figures: Mapping[str, Any]) -> None:
    """Write the figures of `vitrine evaluate <evaluation>`, with what tells where they come from."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {EVALUATION: evaluation, **origin(), **figures}
    text = json.dumps(finite(told), indent=2, ensure_ascii=False, allow_nan=False, default=str)
    path.write_text(text + "\n", encoding="utf-8")


def read_report(path: Path) -> Report:
    """Read what `write_report` wrote. Raises: ReportRefused."""
    remedy = "give what a command of `vitrine evaluate` wrote with --report FILE.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda _: None)
    except OSError as error:
        raise ReportRefused(f"{path} cannot be read ({error.strerror}); {remedy}") from error
    except ValueError as error:
        raise ReportRefused(f"{path} is no JSON ({error}); {remedy}") from error
    evaluation = found.get(EVALUATION) if isinstance(found, dict) else None
    if not isinstance(evaluation, str):
        raise ReportRefused(
            f'{path} does not say which evaluation made it (no "{EVALUATION}"): it is something else, or was made by '
            f'an older version; run its command again with --report, or add "{EVALUATION}": "ablation" (its command)'
        )
    return Report(path.stem, evaluation, found)


def finite(value: Any) -> Any:
    """The same with None in place of numbers that JSON has not: what is not finite was not measured."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {name: finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return value
