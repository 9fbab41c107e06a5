"""Removes what cannot be bought now."""

import numpy as np

from services.page_composer.arrays import Bools
from services.page_composer.candidates import Candidates
from services.page_composer.eligibility import Question

REASON = "out_of_stock"


def removed(candidates: Candidates, question: Question) -> Bools:
    """`[n]` candidates whose stock is tracked and used up."""
    return np.asarray(question.index.stock[candidates.rows] == 0, np.bool_)
