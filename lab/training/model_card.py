"""What a release is, for people: its data, its figures, its limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lab.training.shop_data import ShopData


@dataclass(frozen=True)
class CardNotes:
    """What a card says besides figures."""

    bounds: Sequence[str] = ()
    """Sentences on what the catalogue's size left out."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """How the models were made, by name."""


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
        *(["## Bounds", "", *(f"- {bound}" for bound in notes.bounds), "", "## Figures", ""] if notes.bounds else []),
        "`held_out` figures are of the latest pages, which nothing was fitted on; `gap` is training minus held-out.",
        "",
        "| figure | value |",
        "|---|---|",
        *(f"| {name} | {value:.4f} |" for name, value in sorted(metrics.items())),
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
