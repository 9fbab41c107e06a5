"""The states that changed items went through, oldest first: the state at creation, then one line a change."""

import numpy as np

from lab.boutique.calendar import Calendar, timestamps
from lab.boutique.catalogue import Catalogue
from lab.boutique.changes import Offer, Plan, applied, changed_at_ms
from lab.boutique.item_lines import Line


def change_lines(catalogue: Catalogue, plan: Plan, calendar: Calendar, final_lines: list[Line]) -> list[Line]:
    """Lines like `final_lines` plus `changed_at`; the last line of an item is its line in the item file."""
    touched = sorted({item for change in plan.changes for item in change.items})
    offer = plan.first
    moments = [int(catalogue.created_ms[item]) for item in touched]
    lines = [_state(final_lines[item], offer, item) for item in touched]
    orders: dict[int, int] = {}
    for change in plan.changes:
        offer = applied(offer, change)
        order = orders[change.day] = orders.get(change.day, -1) + 1
        for item in change.items:
            moments.append(changed_at_ms(calendar, change.day, order))
            lines.append(_state(final_lines[item], offer, item))
    for line, moment in zip(lines, timestamps(np.array(moments, dtype=np.int64)), strict=True):
        line["changed_at"] = moment
    return sorted(lines, key=lambda line: str(line["changed_at"]))


def _state(line: Line, offer: Offer, item: int) -> Line:
    return {
        **line,
        "price_minor": int(offer.price_minor[item]),
        "list_price_minor": int(offer.list_price_minor[item]),
        "stock": int(offer.stock[item]),
    }
