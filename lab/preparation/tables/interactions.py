"""Who did what with which item: users by items, with weights."""

import ibis

from lab.preparation.actions import weight_halves
from lab.preparation.integers import count_where
from lab.preparation.steps import Step, Tables
from vitrine.common.v1 import common_pb2 as pb


def make(tables: Tables, as_of_us: int) -> ibis.Table:
    """One row a pair that has an action that says something; weights are not discounted by age, times tell how."""
    del as_of_us
    events = tables["events"]
    said = events.select("subject", "item_id", "action", "occurred_us", halves=weight_halves(events.action))
    said = said.filter((said.halves > 0) & (said.item_id != ""))
    return said.group_by(["subject", "item_id"]).agg(
        actions=said.count().cast("int64"),
        purchases=count_where(said.action == pb.ACTION_PURCHASE),
        weight_halves=said.halves.sum().cast("int64"),
        first_us=said.occurred_us.min(),
        last_us=said.occurred_us.max(),
    )


STEP = Step("interactions", make, keys=("subject", "item_id"))
