"""Which report becomes which part of the page. A new one is a function in a file here, and a line below."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from lab.evaluation.reports import Report, ReportRefused, read_report
from lab.evaluation.sections import fusion, pictures, probabilities, profiles, ratings, serving
from lab.reporting.page import Part

Section = Callable[[Sequence[Report]], Part]
"""From all reports of one evaluation, in the order given, to one part."""

SECTIONS: Mapping[str, Section] = {
    "pages": serving.pages,
    "ablation": fusion.ablation,
    "history-ablation": fusion.history_ablation,
    "heads": probabilities.heads,
    "impressions": probabilities.impressions,
    "cold-items": fusion.cold_items,
    "scaling": fusion.scaling,
    "compression": fusion.compression,
    "large": fusion.large,
    "images": pictures.images,
    "fashion": pictures.fashion,
    "strong-generalisation": profiles.strong_generalisation,
    "ratings": ratings.ratings,
}
"""By the command that made the report, in the order of the page."""


def parts_of(paths: Sequence[Path]) -> tuple[list[Report], list[Part]]:
    """Read reports, and make a part of those of each evaluation. Raises: ReportRefused."""
    order = list(SECTIONS)
    reports = []
    for path in paths:
        report = read_report(path)
        if report.evaluation not in SECTIONS:
            raise ReportRefused(
                f"{path} is a report of `vitrine evaluate {report.evaluation}`, of which this page shows nothing; "
                f"give reports of {', '.join(SECTIONS)}"
            )
        reports.append(report)
    ordered = sorted(reports, key=lambda report: order.index(report.evaluation))
    groups = groupby(ordered, key=lambda report: report.evaluation)
    return ordered, [_part(evaluation, list(found)) for evaluation, found in groups]


def _part(evaluation: str, reports: Sequence[Report]) -> Part:
    try:
        return SECTIONS[evaluation](reports)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        names = ", ".join(report.name for report in reports)
        raise ReportRefused(
            f"{names}: not as `vitrine evaluate {evaluation}` writes it ({type(error).__name__}: {error}); "
            "it may be of an older version: run the command again with --report"
        ) from error
