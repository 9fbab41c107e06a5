"""Small assignments that several tests of selection use."""

from dataclasses import replace

import numpy as np
import pytest

from services.page_composer.examination import Examination
from services.page_composer.ledger import PageLedger
from services.page_composer.objective import Objective
from services.page_composer.pools import Pool
from services.page_composer.proposal import Evidence, Proposal
from services.page_composer.select import Assignment
from services.page_composer.template import Place
from services.page_composer.visit import Device
from tests.unit.page_composer.assignments import WEIGHTS


@pytest.fixture
def two_equal_pools() -> Assignment:
    """Twelve candidates of equal worth in two pools of six, one place of three."""
    proposals = [
        Proposal(f"{shelf}:1", shelf, Evidence("popularity"), Pool("popular")) for shelf in ("popular", "deals")
    ]
    codes = np.stack([np.zeros(12, np.int64), np.ones(12, np.int64), np.full(12, 2)], axis=1)
    return Assignment(
        proposals=proposals,
        pools=[np.arange(6), np.arange(6, 12)],
        objective=Objective(np.full(12, 5.0), codes, np.array([1.0, 1.0, 1.0]), 1.5),
        ledger=PageLedger(np.arange(12), np.arange(12)),
        places=[Place("shelf", "row", columns=3, rows=1, capacity=3, minimum_fill=1)],
        promoted_rows={},
        device=Device.DESKTOP,
        examination=Examination(),
        weights=WEIGHTS,
        shelf_logits={"popular": 1.0},
    )


@pytest.fixture
def one_place_of_nothing(two_equal_pools: Assignment) -> Assignment:
    return replace(two_equal_pools, pools=[np.zeros(0, np.int64), np.zeros(0, np.int64)])
