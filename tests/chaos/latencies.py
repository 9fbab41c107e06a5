"""How long pages took while something was down: written down and shown, never asserted."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.e2e.visitors import Asked


@dataclass
class Latencies:
    """One row for each thing that was broken."""

    path: Path
    rows: list[dict[str, object]] = field(default_factory=list)

    def take(self, what: str, pages: Sequence[Asked], recovery_s: float) -> None:
        """Add a row and write all of them."""
        p50, p95 = np.quantile([each.took_ms for each in pages], (0.5, 0.95))
        said = Counter(f"{name}: {stand_in}" for each in pages for name, stand_in in each.degraded.items())
        row = {
            "broken": what,
            "pages": len(pages),
            "p50_ms": round(float(p50), 1),
            "p95_ms": round(float(p95), 1),
            "recovery_s": round(recovery_s, 1),
            "degraded": dict(said.most_common()),
        }
        self.rows.append(row)
        self.path.write_text(json.dumps(self.rows, indent=2) + "\n", encoding="utf-8")

    def lines(self) -> list[str]:
        """The rows for the terminal."""
        head = f"{'broken':<34}{'pages':>6}{'p50 ms':>9}{'p95 ms':>9}{'whole after s':>15}  degraded"
        return [head, *(self._line(row) for row in self.rows)]

    def _line(self, row: dict[str, object]) -> str:
        said = ", ".join(f"{name} ({count})" for name, count in dict(row["degraded"]).items())  # type: ignore[call-overload]
        figures = f"{row['pages']:>6}{row['p50_ms']:>9}{row['p95_ms']:>9}{row['recovery_s']:>15}"
        return f"{row['broken']:<34}{figures}  {said}"
