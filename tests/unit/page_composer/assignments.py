"""Random assignments for tests of selection, by hypothesis."""

import numpy as np
from hypothesis import strategies as st

from services.page_composer.examination import Examination
from services.page_composer.explore import seeded
from services.page_composer.fill import PinnedCandidate
from services.page_composer.ledger import PageLedger
from services.page_composer.objective import Objective
from services.page_composer.pools import Pool
from services.page_composer.proposal import Evidence, Proposal
from services.page_composer.rules.cap import Limit
from services.page_composer.select import Assignment, select
from services.page_composer.template import Place
from services.page_composer.visit import Device
from services.page_composer.weighing import read_weights

WEIGHTS = read_weights()
SHELVES = ("for_you", "popular", "deals", "because_viewed")


@st.composite
def assignments(draw: st.DrawFn, *, caps: bool = True, pins: bool = True) -> Assignment:
    """A page to select: up to 40 candidates in up to 6 pools, for up to 4 places, with caps and pins."""
    count = draw(st.integers(1, 40))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    families = random.integers(0, max(count // 2, 1), count)
    clusters = random.integers(0, max(count * 2 // 3, 1), count)
    codes = np.stack(
        [random.integers(0, 3, count), 3 + random.integers(0, 4, count), 7 + random.integers(0, 2, count)], 1
    )
    objective = Objective(random.gamma(2.0, 3.0, count), codes, np.array([3.0, 2.0, 1.0]), 1.5)
    shelves = draw(st.lists(st.sampled_from(SHELVES), min_size=1, max_size=6))
    proposals = [
        Proposal(f"{shelf}:{number}", shelf, Evidence("popularity"), Pool("popular"))
        for number, shelf in enumerate(shelves)
    ]
    pools = [random.choice(count, size=random.integers(0, count + 1), replace=False) for _ in shelves]
    limits = [Limit(random.integers(-1, 3, count), 3, draw(st.integers(1, 6)))] if caps and draw(st.booleans()) else []
    ledger = PageLedger(families, clusters, limits)
    pinned = [PinnedCandidate(int(random.integers(count)), draw(st.sampled_from(("", *SHELVES))), 1, "pin")]
    return Assignment(
        proposals=proposals,
        pools=pools,
        objective=objective,
        ledger=ledger,
        places=draw(st.lists(places(), min_size=1, max_size=4)),
        promoted_rows={},
        device=draw(st.sampled_from(Device)),
        examination=Examination(),
        weights=WEIGHTS,
        shelf_logits={"for_you": 1.0},
        pinned=pinned if pins and draw(st.booleans()) else [],
    )


@st.composite
def places(draw: st.DrawFn) -> Place:
    """A place for a shelf."""
    columns, rows = draw(st.integers(1, 4)), draw(st.integers(1, 2))
    style = draw(st.sampled_from(("row", "grid")))
    capacity = draw(st.integers(1, columns * rows if style == "grid" else 8))
    return Place(
        kind="shelf",
        style=style,
        columns=columns,
        rows=rows,
        capacity=capacity,
        minimum_fill=draw(st.integers(1, capacity)),
        exploration_count=draw(st.integers(0, 2)),
        shelves=draw(st.sampled_from(((), ("for_you", "popular")))),
    )


def selected(assignment: Assignment, request_id: str = "page"):
    """The draft that selection makes of it."""
    return select(assignment, seeded("shop", request_id))
