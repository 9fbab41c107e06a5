"""Removes what the visitor may be too young for."""

from services.page_composer.arrays import Bools
from services.page_composer.candidates import Candidates
from services.page_composer.eligibility import Question

REASON = "minimum_age"


def removed(candidates: Candidates, question: Question) -> Bools:
    """`[n]` candidates for people older than the visitor is taken to be."""
    return question.index.minimum_age[candidates.rows] > question.assumed_age
