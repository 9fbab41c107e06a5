"""The edges between price bands by department, exactly: fifths of a minor unit."""

import ibis

from lab.preparation.integers import Column, count_where, quotient, total_where
from lab.preparation.steps import Step, Tables
from services.ranker.price_bands import FEWEST_ITEMS

FIFTHS = 5
EDGES = (1, 2, 3, 4)


def make(tables: Tables, as_of_us: int) -> ibis.Table:
    """Quintiles of the known prices of each department of at least 25 items, and of the whole shop as "".

    `edge_k_fifths` is five times the k-th quintile with linear interpolation: price at rank (n − 1) k / 5.
    """
    del as_of_us
    raw = tables["exported_items"]
    priced = raw.select(department=department(raw.category), price=raw.price_minor)
    everything = priced.select(department=ibis.literal(""), price=priced.price)
    both = everything.union(priced.filter(priced.department != ""))
    sizes = both.group_by("department").agg(
        item_count=both.count().cast("int64"), priced_count=count_where(both.price > 0)
    )
    sizes = sizes.filter((sizes.item_count >= FEWEST_ITEMS) | (sizes.department == ""))
    known = both.filter(both.price > 0)
    place = ibis.row_number().over(group_by=known.department, order_by=known.price)
    ranked = known.select(known.department, known.price, place=place.cast("int64"))
    joined = ranked.join(sizes, "department")
    edges = joined.group_by("department").agg(**{f"edge_{k}_fifths": _edge(joined, k) for k in EDGES})
    found = sizes.left_join(edges, "department")
    return found.select(
        found.department,
        found.item_count,
        found.priced_count,
        **{f"edge_{k}_fifths": found[f"edge_{k}_fifths"].fill_null(0) for k in EDGES},
    )


def department(category: Column) -> Column:
    """The first level of a category path; "" for none."""
    return category.fill_null("").split("/")[0]


def _edge(rows: ibis.Table, k: int) -> Column:
    """Five times the k-th quintile: the two neighbouring prices by how near each is."""
    fifths = (rows.priced_count - 1) * k
    rest = (fifths % FIFTHS).cast("int64")
    lower = quotient(fifths, FIFTHS)
    return total_where(rows.place == lower, rows.price * (FIFTHS - rest)) + total_where(
        rows.place == lower + 1, rows.price * rest
    )


STEP = Step("price_bands", make, keys=("department",))
