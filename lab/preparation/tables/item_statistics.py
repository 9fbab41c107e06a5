"""How each item of the catalogue did: popularity by window, counts by action, rates."""

import ibis

from lab.preparation.actions import weight_halves
from lab.preparation.integers import DAY_US, WINDOWS_DAYS, count_where, share, total_where
from lab.preparation.steps import Step, Tables
from vitrine.common.v1 import common_pb2 as pb


def make(tables: Tables, as_of_us: int) -> ibis.Table:
    """One row an item, those without events included.

    `popularity_<d>d_halves` are the weighted actions of the last d whole days before the day of `as_of_us`, in halves;
    rates are null where nothing was shown (click) or looked at (purchase).
    """
    events, items = tables["events"], tables["items"]
    counted = events.mutate(halves=weight_halves(events.action))
    end_us = as_of_us - as_of_us % DAY_US
    windows = {
        f"popularity_{days}d_halves": total_where(
            (counted.occurred_us >= end_us - days * DAY_US) & (counted.occurred_us < end_us), counted.halves
        )
        for days in WINDOWS_DAYS
    }
    action = counted.action
    sums = counted.group_by("item_id").agg(
        **windows,
        impressions=count_where(action == pb.ACTION_IMPRESSION),
        views=count_where(action == pb.ACTION_VIEW),
        clicks=count_where(action == pb.ACTION_CLICK),
        carts=count_where(action == pb.ACTION_CART),
        purchases=count_where(action == pb.ACTION_PURCHASE),
        people=ibis.ifelse(counted.halves > 0, counted.subject, ibis.null("string")).nunique().cast("int64"),
        last_us=counted.occurred_us.max(),
    )
    joined = items.select("item_id", "department").left_join(sums, "item_id")
    counts = {name: joined[name].fill_null(0) for name in sums.columns if name not in ("item_id", "last_us")}
    rows = joined.select(joined.item_id, joined.department, **counts, last_us=joined.last_us)
    return rows.mutate(
        click_rate=share(rows.clicks, rows.impressions), purchase_rate=share(rows.purchases, rows.views + rows.clicks)
    )


STEP = Step("item_statistics", make, keys=("item_id",))
