"""When and where things happen: events by country, device, weekday and hour (UTC)."""

import ibis

from lab.preparation.actions import weight_halves
from lab.preparation.integers import hour_of_day, weekday
from lab.preparation.steps import Step, Tables


def make(tables: Tables, as_of_us: int) -> ibis.Table:
    """One row a context that had an event."""
    del as_of_us
    events = tables["events"]
    placed = events.select(
        country=events.region.split("-")[0].upper(),
        device=events.device,
        weekday=weekday(events.occurred_us),
        hour=hour_of_day(events.occurred_us),
        subject=events.subject,
        halves=weight_halves(events.action),
    )
    return placed.group_by(["country", "device", "weekday", "hour"]).agg(
        events=placed.count().cast("int64"),
        people=placed.subject.nunique().cast("int64"),
        weight_halves=placed.halves.sum().cast("int64"),
    )


STEP = Step("contexts", make, keys=("country", "device", "weekday", "hour"))
