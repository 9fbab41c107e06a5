"""What a report's figures are held against."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Found = dict[str, Any]

MOST_FLOOR_RATIO = 4.0
MOST_P99_MS = 80.0
"""At half the highest load, with 100,000 items."""
MOST_COST_OF_A_MILLION = 2.0
"""CPU of a page with 1,000,000 items, as a multiple of that with 20,000."""
MOST_SWAP_RATIO = 1.5
LEAST_EVENTS_A_SECOND = 5_000.0
MOST_GIB_PER_MILLION_USERS = 0.8


@dataclass(frozen=True)
class Aim:
    """One aim, and what was measured."""

    what: str
    aim: str
    measured: str
    met: bool

    @classmethod
    def at_most(cls, what: str, limit: float, value: float) -> "Aim":
        """Something that should be small."""
        return cls(what, f"≤ {limit:g}", f"{value:.2f}", value <= limit)


def aims(result: Found) -> list[Aim]:
    """Every aim for which the report holds a figure."""
    return [*_by_size(result), *_of_size(result), *_once(result)]


def _by_size(result: Found) -> Iterator[Aim]:
    for found in result["catalogues"].values():
        items = f"{found['items']:,} items"
        if "floor_ratio" in found:
            yield Aim.at_most(f"floor ratio, {items}", MOST_FLOOR_RATIO, found["floor_ratio"])
        if "swap" in found:
            what = f"p99 during a swap, as a multiple of before, {items}"
            yield Aim.at_most(what, MOST_SWAP_RATIO, found["swap"]["p99_ratio"])


def _of_size(result: Found) -> Iterator[Aim]:
    catalogues = result["catalogues"]
    half = catalogues.get("100000", {}).get("half")
    if half and half["latency_ms"]:
        yield Aim.at_most("p99 ms at half the highest load, 100,000 items", MOST_P99_MS, half["latency_ms"]["p99"])
    costs = [catalogues.get(size, {}).get("alone", {}).get("services_cpu_ms_a_page") for size in ("20000", "1000000")]
    if all(costs):
        what = "CPU of a page with 1,000,000 items, as a multiple of that with 20,000"
        yield Aim.at_most(what, MOST_COST_OF_A_MILLION, costs[1] / costs[0])


def _once(result: Found) -> Iterator[Aim]:
    events, users, soak = (result.get(part) or {} for part in ("events", "users", "soak"))
    if events:
        measured = events["events_a_second"]
        met = measured >= LEAST_EVENTS_A_SECOND
        yield Aim("events a second", f"≥ {LEAST_EVENTS_A_SECOND:,.0f}", f"{measured:,.0f}", met)
    if "memory_mib_per_million_users" in users:
        gib = users["memory_mib_per_million_users"] / 1024.0
        yield Aim.at_most("memory per million users, GiB", MOST_GIB_PER_MILLION_USERS, gib)
    if soak:
        grows = ", ".join(soak["growing"]) or "nothing"
        yield Aim(f"what grows in a soak of {soak['minutes']:g} minutes", "nothing", grows, soak["flat"])
