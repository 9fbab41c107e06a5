"""Tables in Markdown: what documents show and pages are made of."""

import re
from collections.abc import Mapping, Sequence
from typing import Any


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; "" without rows."""
    if not rows:
        return ""
    lines = [list(head), ["---"] * len(head), *[[str(cell) for cell in row] for row in rows]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def interval(found: Mapping[str, Any] | None, digits: int = 4, signed: bool = False) -> str:
    """A figure, called `mean` or `value`, with its interval where there is one; "" for none. `signed`: a difference."""
    if not found:
        return ""
    figures = [found["mean"] if "mean" in found else found["value"], found.get("low"), found.get("high")]
    if figures[0] is None:
        return ""
    shown = [number(each, digits, signed) for each in figures if each is not None]
    return f"{shown[0]} ({shown[1]} to {shown[2]})" if len(shown) == 3 else shown[0]


def number(value: float, digits: int, signed: bool = False) -> str:
    """With so many decimals, and without the zero before them."""
    return re.sub(r"^([+-]?)0\.", r"\1.", f"{value:{'+' if signed else ''}.{digits}f}")
