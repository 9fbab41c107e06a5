"""The leaderboard's tables in Markdown."""

from typing import Any

from lab.evaluation.leaderboard.published import Published, published
from lab.evaluation.sections.ratings import show_ratings
from lab.reporting.markdown import interval, number, table

Found = dict[str, Any]


def head(result: Found) -> str:
    """The line above everything: where the figures come from."""
    machine = result.get("machine", {})
    told = [
        f"`{result['command']}`",
        result["date"][:10],
        f"{machine.get('cores')} cores",
        f"{machine.get('memory_gib')} GiB",
    ]
    return ", ".join(told) + ". Intervals are 95 %, by bootstrap over users; differences are paired."


def sequence_tables(name: str, found: Found) -> str:
    """The rows of a data set with published figures beside them, what they cost, and new users."""
    known = published(name, found["users"], found["entries"])
    left = found.get("left_out") or []
    said = [
        _counts(found),
        "Leave-one-out: trained on all but a user's last two items, set up on the second last, tested on the last; "
        "every item that the user has not used is ranked.",
        f"Left out, because nothing is known of the items' attributes: {', '.join(left)}." if left else "",
        _sources(known),
    ]
    shown = [
        "**Next item**",
        _quality(found, known),
        "**What it costs, what is shown, and over-fitting**",
        _costs(found),
        _cold_rows(found),
    ]
    return "\n\n".join(each for each in [" ".join(filter(None, said)), *shown] if each)


def profile_counts(found: Found) -> str:
    """The line above a table of profiles."""
    return f"{_counts(found)} {found['judges']:,} judges in {found['splits']} splits; 80 % of their items are given."


def rating_counts(found: Found) -> str:
    """The line above a table of ratings."""
    return f"{found['ratings']:,} ratings of {found['users']:,} users and {found['items']:,} items."


def tables(result: Found) -> str:
    """Every table for which there are figures, for a terminal."""
    made = [head(result)]
    for name, found in result.get("sequences", {}).items():
        made += [f"**Next item: {name}**", sequence_tables(name, found)]
    for name, found in result.get("profiles", {}).items():
        made += [f"**New users' items: {name}**", profile_counts(found), profile_table(found)]
    for name, found in result.get("ratings", {}).items():
        made += [f"**Ratings: {name}**", rating_counts(found), show_ratings(found, name)[0]]
    return "\n\n".join(each for each in made if each)


def profile_table(found: Found) -> str:
    """Rows of profiles."""
    from lab.evaluation.sections.profiles import show_profiles

    return show_profiles(found["rows"], "")[0]


def _counts(found: Found) -> str:
    words = f"{found['users']:,} users, {found['items']:,} items, {found['entries']:,} entries."
    if found.get("held_against"):
        words += f" Differences are to {found['held_against']}, the best of the simple models."
    return words


def _sources(known: dict[str, Published] | Any) -> str:
    """Whose figures the column of published ones has, each source with its models."""
    by_source: dict[str, list[str]] = {}
    for model, figures in known.items():
        by_source.setdefault(figures.source, []).append(model)
    told = "; ".join(f"{', '.join(models)}: {source}" for source, models in by_source.items())
    return f"Published figures are of the same protocol and data ({told})." if told else ""


def _quality(found: Found, known: Any) -> str:
    more = ["NDCG@10 to published"] if known else []
    columns = ["model", "HR@10", "NDCG@10", "difference in NDCG@10", *more, "seeds"]
    rows = [
        (
            row["model"],
            interval(row["hr_10"]),
            interval(row["ndcg_10"]),
            interval(row["difference_in_ndcg_10"], signed=True),
            *([_ratio(row, known.get(row["model"]))] if known else []),
            row["seeds"],
        )
        for row in found["rows"]
    ]
    return table(columns, rows)


def _ratio(row: Found, figures: Published | None) -> str:
    if figures is None:
        return ""
    return f"{row['ndcg_10']['mean'] / figures.ndcg_10:.2f} of {number(figures.ndcg_10, 4)}"


def _costs(found: Found) -> str:
    columns = (
        "model", "CPU seconds", "numbers in the model", "items shown", "popularity of shown", "NDCG@10 on training",
        "gap to held-out", "settings chosen",
    )  # fmt: skip
    rows = [
        (
            row["model"],
            f"{row['cpu_seconds']:,.1f}",
            f"{row['numbers']:,}",
            f"{row['coverage']:.0%}",
            f"{row['popularity_of_shown']:.2f}",
            number(row["train_ndcg_10"], 3),
            number(row["gap"], 3, signed=True),
            _settings(row),
        )
        for row in found["rows"]
    ]
    return table(columns, rows)


def _settings(row: Found) -> str:
    """What differs from the defaults; of a mixture all of it."""
    told = str(row["settings"])
    if told == row["model"]:
        return "defaults"
    return told.removeprefix(f"{row['model']}(").removesuffix(")") if told.count("(") == 1 else told


def _cold_rows(found: Found) -> str:
    rows = [
        (model, point["given"], interval(point["ndcg_10"]), interval(point["gain_in_ndcg_10"], signed=True))
        for model, points in found.get("cold_users", {}).items()
        for point in points
    ]
    shown = table(("model", "items given", "NDCG@10 of the next", "gain over popularity"), rows)
    return f"**New users, withheld from training**\n\n{shown}" if shown else ""
