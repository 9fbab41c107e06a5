"""Removes what could not be shown as an item for sale: without title, price or link."""

from services.page_composer.arrays import Bools
from services.page_composer.candidates import Candidates
from services.page_composer.eligibility import Question

REASON = "undisplayable"


def removed(candidates: Candidates, question: Question) -> Bools:
    """`[n]` candidates that lack a title, a price or a link."""
    return ~question.index.displayable[candidates.rows]
