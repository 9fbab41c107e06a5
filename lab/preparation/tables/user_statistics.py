"""What each user (or session) did: counts and recency."""

import ibis

from lab.preparation.integers import DAY_US, count_where, day_start, quotient
from lab.preparation.steps import Step, Tables
from vitrine.common.v1 import common_pb2 as pb


def make(tables: Tables, as_of_us: int) -> ibis.Table:
    """One row a pseudonym. `recency_days` are whole days from the newest event to `as_of_us`, at least 0."""
    events = tables["events"]
    action = events.action
    return events.group_by("subject").agg(
        events=events.count().cast("int64"),
        impressions=count_where(action == pb.ACTION_IMPRESSION),
        views=count_where(action == pb.ACTION_VIEW),
        searches=count_where(action == pb.ACTION_SEARCH),
        clicks=count_where(action == pb.ACTION_CLICK),
        carts=count_where(action == pb.ACTION_CART),
        purchases=count_where(action == pb.ACTION_PURCHASE),
        items=events.item_id.nullif("").nunique().cast("int64"),
        active_days=day_start(events.occurred_us).nunique().cast("int64"),
        first_us=events.occurred_us.min(),
        last_us=events.occurred_us.max(),
        recency_days=quotient(ibis.greatest(as_of_us - events.occurred_us.max(), 0), DAY_US),
    )


STEP = Step("user_statistics", make, keys=("subject",))
