"""Parts about ratings that users chose to give: what it is worth to know how they came about."""

from lab.evaluation.reports import Report
from lab.evaluation.sections.telling import Found, Shown, of_each, told, whisker_plot
from lab.reporting.markdown import interval, table

WAYS = {
    "average_rating": "the average rating for all pairs",
    "biases": "users' and items' biases alone",
    "without_propensities": "factorisation without propensities",
    "weighted": "weighted by propensities",
    "with_propensities": "weighted, and exposure told (what the command writes)",
}


def show_ratings(found: Found, name: str) -> Shown:
    """Table and plot of what `lab.evaluation.ratings.study.debiasing` found."""
    ways = {words: found[way] for way, words in WAYS.items() if found.get(way)}
    rows = [(words, interval(each, 3)) for words, each in ways.items()]
    if found.get("gain"):
        rows.append(("**lower with propensities than without, paired**", interval(found["gain"], 3, signed=True)))
    title = f"Error on ratings of random pairs: {name}"
    return table(("trained with", "mean squared error"), rows), whisker_plot(title, ways, "mean squared error")


def _ratings(report: Report) -> Shown:
    shown, plots = show_ratings(report.figures, report.name)
    return f"{told(report)}\n\n{shown}", plots


SAID = (
    "Five-fold estimate of the mean squared error on ratings of random pairs, from chosen ratings weighted by their "
    "inverse propensities; each fold is predicted by what was chosen and trained on the other four. Intervals are "
    "95 %, by bootstrap over users."
)
ratings = of_each("Ratings that users chose to give", SAID, _ratings)
