"""What a release is, for people: its data, its figures, its limits."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from lab.training.shop_data import ShopData


def model_card(
    data: ShopData, release_id: str, metrics: Mapping[str, float], calibrated: bool, bounds: Sequence[str] = ()
) -> str:
    """Markdown. `bounds` are sentences on what the catalogue's size left out."""
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
        *(["## Bounds", "", *(f"- {bound}" for bound in bounds), "", "## Figures", ""] if bounds else []),
        "`held_out` figures are of the latest pages, which nothing was fitted on; `gap` is training minus held-out.",
        "",
        "| figure | value |",
        "|---|---|",
        *(f"| {name} | {value:.4f} |" for name, value in sorted(metrics.items())),
        "",
    ]
    return "\n".join(lines)
