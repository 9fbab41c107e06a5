"""What a report's figures are held against."""

from collections.abc import Iterator, Sequence
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
    def at_most(cls, what: str, limit: float, value: float, runs: "Runs") -> "Aim":
        """Something that should be small, measured in these runs."""
        return cls(what, f"≤ {limit:g}", runs.told(f"{value:.2f}"), value <= limit and not runs.faults)


@dataclass(frozen=True)
class Runs:
    """How sound the runs were that a figure comes from."""

    faults: Sequence[str] = ()
    """What broke their own rules: no aim is met by such a run."""
    disturbed: bool = False
    """Whether others took too much of the machine meanwhile; the figure stands, with a mark."""

    @classmethod
    def of(cls, *found: Found, faults: Sequence[str] = ()) -> "Runs":
        """Look at what the runs say of themselves."""
        counts = {
            "errors": sum(sum((each.get("errors") or {}).values()) for each in found),
            "degraded": sum(each.get("degraded", 0) for each in found),
            "stale": sum(each.get("stale", 0) for each in found),
        }
        counted = [f"{count} {name}" for name, count in counts.items() if count]
        return cls([*faults, *counted], any(each.get("disturbed") is True for each in found))

    def told(self, measured: str) -> str:
        """The figure with what is to be known of its runs."""
        return ", ".join([measured, *self.faults, *(["disturbed"] if self.disturbed else [])])


def aims(result: Found) -> list[Aim]:
    """Every aim for which the report holds a figure."""
    return [*_by_size(result), *_of_size(result), *_once(result)]


def _by_size(result: Found) -> Iterator[Aim]:
    for found in result["catalogues"].values():
        items = f"{found['items']:,} items"
        if "floor_ratio" in found:
            yield Aim.at_most(
                f"floor ratio, {items}", MOST_FLOOR_RATIO, found["floor_ratio"], Runs.of(found.get("floor_noise", {}))
            )
        if "swap" in found:
            what = f"p99 during a swap, as a multiple of before, {items}"
            yield Aim.at_most(what, MOST_SWAP_RATIO, found["swap"]["p99_ratio"], Runs.of(found["swap"]))


def _of_size(result: Found) -> Iterator[Aim]:
    catalogues = result["catalogues"]
    found = catalogues.get("100000", {})
    half = found.get("half")
    if half and half["latency_ms"]:
        runs = Runs.of(half, faults=() if found.get("highest") else ["no highest load was sustained"])
        what = "p99 ms at half the highest load, 100,000 items"
        yield Aim.at_most(what, MOST_P99_MS, half["latency_ms"]["p99"], runs)
    alone = [catalogues.get(size, {}).get("alone", {}) for size in ("20000", "1000000")]
    costs = [each.get("services_cpu_ms_a_page") for each in alone]
    if all(costs):
        what = "CPU of a page with 1,000,000 items, as a multiple of that with 20,000"
        yield Aim.at_most(what, MOST_COST_OF_A_MILLION, costs[1] / costs[0], Runs.of(*alone))


def _once(result: Found) -> Iterator[Aim]:
    events, users, soak = (result.get(part) or {} for part in ("events", "users", "soak"))
    if events:
        measured = events["events_a_second"]
        met = measured >= LEAST_EVENTS_A_SECOND
        told = Runs.of(events).told(f"{measured:,.0f}")
        yield Aim("events a second", f"≥ {LEAST_EVENTS_A_SECOND:,.0f}", told, met)
    if "memory_mib_per_million_users" in users:
        gib = users["memory_mib_per_million_users"] / 1024.0
        yield Aim.at_most("memory per million users, GiB", MOST_GIB_PER_MILLION_USERS, gib, Runs.of(*users["steps"]))
    if soak:
        grows = ", ".join(soak["growing"]) or "nothing"
        runs = Runs.of(soak, faults=[f"{name} vanished" for name in soak.get("vanished", ())])
        what = f"what grows in a soak of {soak['minutes']:g} minutes"
        yield Aim(what, "nothing", runs.told(grows), soak["flat"] and not runs.faults)
