"""Each user's actions in order: what sequence models read."""

import ibis

from lab.preparation.actions import weight_halves
from lab.preparation.steps import Step, Tables


def make(tables: Tables, as_of_us: int) -> ibis.Table:
    """One row an action on an item. `position` counts from 0, the oldest; ties go by action, then by event id."""
    del as_of_us
    events = tables["events"]
    said = events.filter((weight_halves(events.action) > 0) & (events.item_id != ""))
    position = ibis.row_number().over(group_by=said.subject, order_by=[said.occurred_us, said.action, said.event_id])
    return said.select(
        said.subject, position.cast("int64").name("position"), said.item_id, said.action, said.occurred_us
    )


STEP = Step("sequences", make, keys=("subject", "position"))
