"""Removes what the visitor does not want to see again, in any variant."""

import numpy as np

from services.page_composer.arrays import Bools
from services.page_composer.candidates import Candidates
from services.page_composer.eligibility import Question, nothing

REASON = "hidden"


def removed(candidates: Candidates, question: Question) -> Bools:
    """`[n]` candidates that the visitor hid, and variants of the same product."""
    hidden = question.index.rows(question.visit.profile.hidden_item_ids)
    hidden = hidden[hidden >= 0]
    if not len(hidden):
        return nothing(candidates)
    return np.isin(question.index.family[candidates.rows], question.index.family[hidden])
