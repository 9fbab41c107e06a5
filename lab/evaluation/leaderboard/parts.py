"""The leaderboard as parts of a page: one for each data set and way of judging."""

from typing import Any

from lab.evaluation.leaderboard.plots import sequence_plots
from lab.evaluation.leaderboard.tables import profile_counts, rating_counts, sequence_tables
from lab.evaluation.sections.profiles import show_profiles
from lab.evaluation.sections.ratings import SAID, show_ratings
from lab.reporting.page import Part


def parts(result: dict[str, Any]) -> list[Part]:
    """Every part for which there are figures."""
    made = []
    for name, found in result.get("sequences", {}).items():
        made.append(Part(f"Next item: {name}", sequence_tables(name, found), sequence_plots(found)))
    for name, found in result.get("profiles", {}).items():
        shown, plots = show_profiles(found["rows"], name)
        made.append(Part(f"New users' items: {name}", f"{profile_counts(found)}\n\n{shown}", plots))
    for name, found in result.get("ratings", {}).items():
        shown, plots = show_ratings(found, name)
        made.append(Part(f"Ratings: {name}", f"{rating_counts(found)} {SAID}\n\n{shown}", plots))
    return made
