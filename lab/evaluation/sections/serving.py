"""Parts about what is served: the value of pages, before and after."""

from collections.abc import Sequence

from lab.evaluation.reports import Report
from lab.evaluation.sections.telling import told, whisker_plot
from lab.reporting.markdown import interval, table
from lab.reporting.page import Part


def pages(reports: Sequence[Report]) -> Part:
    """A row a report, in the order given: two are before and after."""
    rows, figures = [], {}
    for report in reports:
        taste = report.figures["taste"]
        rows.append(
            (
                report.name,
                report.figures.get("release_id", ""),
                f"{report.figures['users']:,}",
                interval(taste["page_p_click_if_seen"]),
                interval(taste["popularity_p_click_if_seen"]),
                interval(taste["difference"], signed=True),
                f"{taste['ratio']:.3f}",
            )
        )
        figures[f"popularity, {report.name}"] = taste["popularity_p_click_if_seen"]
        figures[f"page, {report.name}"] = taste["page_p_click_if_seen"]
    head = ("report", "release", "users", "page", "popularity", "difference", "ratio")
    said = "Mean true P(click | seen) of the items shown, known because the users are simulated; 95 % over users."
    lines = [f"{report.name}: {told(report)}" for report in reports]
    markdown = "\n\n".join([said, *lines, table(head, rows)])
    return Part("What pages are worth", markdown, whisker_plot("Pages", figures, "P(click | seen) of what is shown"))
