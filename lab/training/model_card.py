"""What a release is, for people: its data, its figures, its limits."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lab.evaluation.statistics import Interval
from lab.training.shop_data import ShopData
from lab.training.source_figures import BASELINE, SourceReport

SPLITS = ("train", "validation", "held_out", "gap")

_IN_TABLES = re.compile(rf"sources\.|fusion\.({'|'.join(SPLITS)})\.")
"""Figures that stand in tables of their own."""


@dataclass(frozen=True)
class CardNotes:
    """What a card says besides figures."""

    bounds: Sequence[str] = ()
    """Sentences on what the catalogue's size left out."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """How the models were made, by name."""
    sources: SourceReport | None = None
    """How good the candidate sources are; None where too few pages were logged to say."""


def model_card(
    data: ShopData, release_id: str, metrics: Mapping[str, float], calibrated: bool, notes: CardNotes | None = None
) -> str:
    """Markdown."""
    notes = notes or CardNotes()
    taken = datetime.fromtimestamp(data.now_us / 1e6, UTC)
    events = data.events
    lines = [
        f"# Release {release_id} of shop {data.shop_id}",
        "",
        f"Trained on {len(data.items):,} items and {len(events):,} events of {len(events.subjects):,} people and",
        f"sessions, exported on {taken:%Y-%m-%d %H:%M} UTC (sha256 `{data.sha256[:16]}`). People are pseudonyms; those",
        "who refused analytics are not in it, and no row of any person is in the release.",
        "",
        "Probabilities are "
        + (
            "calibrated on logged impressions."
            if calibrated
            else "**not calibrated**: there were too few logged impressions, so the model learnt from sampled "
            "negatives. They order items; their size means nothing."
        ),
        "",
        *_choices(notes.choices),
        *(["## Bounds", "", *(f"- {bound}" for bound in notes.bounds), ""] if notes.bounds else []),
        *source_lines(notes.sources),
        *_fusion(metrics),
        "## Other figures",
        "",
        "| figure | value |",
        "|---|---|",
        *(f"| {name} | {value:.4f} |" for name, value in sorted(metrics.items()) if not _IN_TABLES.match(name)),
        "",
    ]
    return "\n".join(lines)


def _choices(choices: Mapping[str, str]) -> list[str]:
    if not choices:
        return []
    listed = "; ".join(f"{name.replace('_', ' ')}: {choice}" for name, choice in choices.items())
    lines = [f"Choices: {listed}.", ""]
    if choices.get("compression", "none") != "none":
        lines += [
            "`compression.held_out` figures are of what is served; `lost` is how much better the model is that it was",
            "made of; `times_smaller` (weights) and `times_less_cpu` (a request of 300 candidates) are against it.",
            "",
        ]
    return lines


def _fusion(metrics: Mapping[str, float]) -> list[str]:
    """The fusion model on what it learnt from and on what it did not, side by side."""
    names = sorted({name.split(".", 2)[2] for name in metrics if re.match(r"fusion\.(train|held_out)\.", name)})
    rows = []
    for name in names:
        cells = (metrics.get(f"fusion.{split}.{name}") for split in SPLITS)
        rows.append(f"| {name} | " + " | ".join("" if cell is None else f"{cell:.4f}" for cell in cells) + " |")
    return [
        "## Clicks and purchases",
        "",
        "`held_out` is of the latest pages, which nothing was fitted on; `gap` is training minus held-out: how far the",
        "model learnt its data by heart. A `purchase` is one after a click; `..._rate` is how often it happened to an",
        "item that was shown, `..._predicted` how often the model expected it to.",
        "",
        f"| figure | {' | '.join(SPLITS)} |",
        "|---|---|---|---|---|",
        *rows,
        "",
    ]


def source_lines(report: SourceReport | None) -> list[str]:
    """How good the candidate sources are, as the card says it."""
    heading = ["## Candidate sources", ""]
    if report is None:
        return [*heading, "Not measured: too few pages were logged to hold any out.", ""]
    rows = [
        f"| {each.name} | {each.recall:.3f} | {_gain(each.recall_gain, each.name)} | {each.ndcg:.4f} | "
        f"{_gain(each.ndcg_gain, each.name)} | {_signed(each.adds)} | "
        f"{_verdict(each.recall_gain, each.ndcg_gain) if each.name != BASELINE else 'the baseline'} |"
        for each in report.sources
    ]
    union = report.union_recall
    return [
        *heading,
        f"On the {report.pages:,} latest pages with a click on an item that was new to the visitor; the sources judged",
        "were made of what happened before. Recall: share of the clicked items among a source's 300 candidates. NDCG:",
        f"of its own order. Differences are to `{BASELINE}` on the same visitors, those that the source can answer,",
        "with 95 % intervals over visitors. The union is of 300 candidates that all sources give in turn; what a",
        "source adds is the union's recall minus that of the others'. Clicks are on what was shown, so what is like",
        "the way the pages were chosen is favoured.",
        "",
        "| source | recall@300 | difference | NDCG@10 | difference | adds to the union | against its baseline |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
        f"Recall of the union: {union.mean:.3f} ({union.low:.3f} to {union.high:.3f}).",
        "",
    ]


def _verdict(recall: Interval, ndcg: Interval) -> str:
    """What the intervals allow to say."""
    sides = {"recall": _side(recall), "NDCG": _side(ndcg)}
    if len(set(sides.values())) == 1:
        return sides["recall"]
    return ", ".join(f"{name} {side}" for name, side in sides.items())


def _side(gain: Interval) -> str:
    if gain.low > 0.0:
        return "above"
    return "**below**" if gain.high < 0.0 else "not told apart"


def _gain(gain: Interval, name: str) -> str:
    return "" if name == BASELINE else _signed(gain)


def _signed(gain: Interval) -> str:
    return f"{gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
