"""Removes what may not be sold where the visitor is."""

from services.page_composer.arrays import Bools
from services.page_composer.candidates import Candidates
from services.page_composer.eligibility import Question

REASON = "region"


def removed(candidates: Candidates, question: Question) -> Bools:
    """`[n]` candidates restricted to other regions; of an unknown region only what is sold everywhere stays."""
    return ~question.index.region_mask(question.visit.region, candidates.rows)
