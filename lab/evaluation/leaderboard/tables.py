"""The leaderboard's tables in Markdown."""

from typing import Any

from lab.reporting.markdown import table

Found = dict[str, Any]


def tables(result: Found) -> str:
    """Every table for which there are figures, under a line that says where they come from."""
    made = [_head(result)]
    for name, found in result.get("sequences", {}).items():
        made += [f"**Next item: {name}**", _counts(found), _sequence_rows(found), _cold_rows(name, found)]
    for name, found in result.get("profiles", {}).items():
        made += [f"**New users' items: {name}**", _counts(found), _profile_rows(found)]
    return "\n\n".join(each for each in made if each)


def interval(found: Found | None, digits: int = 4) -> str:
    """A mean with its interval."""
    if not found:
        return ""
    mean, low, high = (f"{found[name]:.{digits}f}".replace("0.", ".", 1) for name in ("mean", "low", "high"))
    return f"{mean} ({low} to {high})"


def _head(result: Found) -> str:
    machine = result.get("machine", {})
    told = [
        f"`{result['command']}`",
        result["date"][:10],
        f"{machine.get('cores')} cores",
        f"{machine.get('memory_gib')} GiB",
    ]
    return ", ".join(told) + ". Intervals are 95 %, by bootstrap over users; differences are paired."


def _counts(found: Found) -> str:
    words = f"{found['users']:,} users, {found['items']:,} items, {found['entries']:,} entries."
    if found.get("held_against"):
        words += f" Differences are to {found['held_against']}, the best of the simple models."
    return words


def _sequence_rows(found: Found) -> str:
    head = (
        "model", "HR@10", "NDCG@10", "difference in NDCG@10", "NDCG@10 on training", "gap", "items shown",
        "popularity of shown", "numbers", "CPU s", "seeds",
    )  # fmt: skip
    return table(
        head,
        [
            (
                row["model"],
                interval(row["hr_10"]),
                interval(row["ndcg_10"]),
                interval(row["difference_in_ndcg_10"]),
                f"{row['train_ndcg_10']:.3f}",
                f"{row['gap']:+.3f}",
                f"{row['coverage']:.0%}",
                f"{row['popularity_of_shown']:.2f}",
                f"{row['numbers']:,}",
                f"{row['cpu_seconds']:,.0f}",
                row["seeds"],
            )
            for row in found["rows"]
        ],
    )


def _cold_rows(name: str, found: Found) -> str:
    rows = [
        (model, point["given"], interval(point["ndcg_10"]), interval(point["gain_in_ndcg_10"]))
        for model, points in found.get("cold_users", {}).items()
        for point in points
    ]
    shown = table(("model", "items given", "NDCG@10", "gain over popularity"), rows)
    return f"**New users, withheld from training: {name}**\n\n{shown}" if shown else ""


def _profile_rows(found: Found) -> str:
    head = ("model", "NDCG@100", "Recall@20", "Recall@50", "difference in NDCG@100")
    return table(
        head,
        [
            (
                row["model"],
                interval(row["ndcg_100"]),
                interval(row["recall_20"]),
                interval(row["recall_50"]),
                interval(row["difference_in_ndcg_100"]),
            )
            for row in found["rows"]
        ],
    )
