"""The catalogue as features need it: department, price band, age."""

import ibis

from lab.preparation.integers import DAY_US, Column, quotient
from lab.preparation.steps import Step, Tables
from lab.preparation.tables.price_bands import EDGES, FIFTHS, department


def make(tables: Tables, as_of_us: int) -> ibis.Table:
    """One row an exported item. `price_band` is 1 (the cheapest fifth of its department) to 5, 0 without a price."""
    raw = tables["exported_items"]
    rows = raw.select(
        item_id=raw.item_id,
        family_id=raw.family_id.fill_null(""),
        brand=raw.brand.fill_null(""),
        category=raw.category.fill_null(""),
        department=department(raw.category),
        price_minor=raw.price_minor,
        list_price_minor=raw.list_price_minor.fill_null(0),
        age_days=quotient(ibis.greatest(as_of_us - raw.created_us, 0), DAY_US),
    )
    bands = tables["price_bands"]
    own = rows.left_join(bands, "department").select(rows, **{f"own_{k}": bands[f"edge_{k}_fifths"] for k in EDGES})
    shop = bands.filter(bands.department == "").select(**{f"shop_{k}": bands[f"edge_{k}_fifths"] for k in EDGES})
    both = own.cross_join(shop)
    return both.select(*rows.columns, price_band=_band(both).cast("int32"))


def _band(rows: ibis.Table) -> Column:
    edges = [ibis.coalesce(rows[f"own_{k}"], rows[f"shop_{k}"]) for k in EDGES]
    reached = [ibis.ifelse(rows.price_minor * FIFTHS >= edge, 1, 0) for edge in edges]
    return ibis.ifelse(rows.price_minor > 0, 1 + reached[0] + reached[1] + reached[2] + reached[3], 0)


STEP = Step("items", make, keys=("item_id",))
