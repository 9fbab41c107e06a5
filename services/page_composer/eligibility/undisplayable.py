"""Removes what could not be shown as an item for sale: without title, price or link."""

import numpy as np

from services.page_composer.arrays import Bools
from services.page_composer.candidates import Candidates
from services.page_composer.eligibility import Question

REASON = "undisplayable"


def removed(candidates: Candidates, question: Question) -> Bools:
    """`[n]` candidates that lack a title, a price or a link."""
    facts = question.index.facts
    complete = [bool(facts[row].titles and facts[row].link) for row in candidates.rows.tolist()]
    return ~np.asarray(complete, np.bool_) | (question.index.price_minor[candidates.rows] <= 0)
