"""Parts about users and their items without order: models of profiles on users held out."""

from typing import Any

from lab.evaluation.reports import Report
from lab.evaluation.sections.telling import Found, Shown, of_each, told, whisker_plot
from lab.evaluation.strong_generalisation import YARDSTICK
from lab.reporting.markdown import interval, table

HEAD = ("model", "NDCG@100", "Recall@20", "Recall@50", f"NDCG@100 above {YARDSTICK}")


def profile_rows(models: Found) -> list[dict[str, Any]]:
    """What `strong_generalisation.compare` found, a row a model, the best first."""
    rows = [
        {
            "model": name,
            **row["measures"],
            "difference_in_ndcg_100": None if name == YARDSTICK else row[f"above_{YARDSTICK}"]["ndcg_100"],
        }
        for name, row in models.items()
    ]
    return sorted(rows, key=lambda row: -row["ndcg_100"]["mean"])


def show_profiles(rows: list[dict[str, Any]], name: str) -> Shown:
    """Table and plot."""
    shown = [
        (
            row["model"],
            interval(row["ndcg_100"]),
            interval(row["recall_20"]),
            interval(row["recall_50"]),
            interval(row["difference_in_ndcg_100"], signed=True),
        )
        for row in rows
    ]
    figures = {row["model"]: row["ndcg_100"] for row in rows}
    return table(HEAD, shown), whisker_plot(f"New users' items: {name}", figures, "NDCG@100")


def _strong_generalisation(report: Report) -> Shown:
    found = report.figures
    counts = [f"{found['judges']:,} judges of {found['users']:,} users", f"{found['splits']} splits"]
    shown, plots = show_profiles(profile_rows(found["models"]), report.name)
    return f"{told(report, counts)}\n\n{shown}", plots


strong_generalisation = of_each(
    "Users who are new, by what they have",
    f"Users held out, 80 % of their items given; intervals are 95 %, over users; those to {YARDSTICK} are paired.",
    _strong_generalisation,
)
