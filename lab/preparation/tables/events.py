"""Events in time order, with numbers for names; what training's columns are read from."""

import ibis

from lab.preparation.actions import action_number, device_number
from lab.preparation.steps import Step, Tables


def make(tables: Tables, as_of_us: int) -> ibis.Table:
    """One row an exported event that names a user or a session. Missing texts are empty, missing places 0."""
    del as_of_us
    raw = tables["exported_events"]
    rows = raw.select(
        occurred_us=raw.occurred_us,
        action=action_number(raw.action),
        event_id=raw.event_id,
        subject=ibis.coalesce(raw.user_pseudonym.nullif(""), raw.session_pseudonym.nullif("")),
        item_id=raw.item_id.fill_null(""),
        page_id=raw.page_id.fill_null(""),
        row=raw.row.fill_null(0).cast("int32"),
        column=raw.column.fill_null(0).cast("int32"),
        device=device_number(raw.device),
        region=raw.region.fill_null(""),
        locale=raw.locale.fill_null(""),
        query=raw.query.fill_null(""),
    )
    return rows.filter(rows.subject.notnull())


STEP = Step("events", make, keys=("occurred_us", "action", "event_id"))
