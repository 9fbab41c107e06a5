"""`vitrine evaluate heads`: what the fusion model's click and purchase heads are worth."""

from pathlib import Path
from typing import Annotated

import typer

from lab.commands.options import DEFAULT_SHOP, DEFAULT_WORK, Shop, Work


def heads(
    report: Annotated[Path | None, typer.Option("--report", help="Write the result as JSON.")] = None,
    shop: Shop = DEFAULT_SHOP,
    work: Work = DEFAULT_WORK,
) -> None:
    """Judge clicks and purchases on held-out visits: order, calibration by place and segment, one task against both."""
    from lab.commands.evaluate import EvaluationOptions, evaluate

    evaluate("heads", EvaluationOptions(shop, 0, 1, work, report))
