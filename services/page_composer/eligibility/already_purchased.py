"""Removes what the visitor bought lately: nobody wants the same coat again the week after."""

import numpy as np

from services.page_composer.arrays import Bools
from services.page_composer.candidates import Candidates
from services.page_composer.eligibility import Question, nothing

REASON = "already_purchased"
EXEMPT_SHELVES = frozenset({"buy_again"})

PURCHASED_WITHIN_DAYS = 90.0


def removed(candidates: Candidates, question: Question) -> Bools:
    """`[n]` candidates bought within 90 days and not returned, and variants of the same product."""
    visit = question.visit
    bought = visit.profile.standing("purchase", "return")
    recent = [item_id for item_id, did in bought.items() if visit.days_since(did.at_s) <= PURCHASED_WITHIN_DAYS]
    rows = question.index.rows(recent)
    rows = rows[rows >= 0]
    if not len(rows):
        return nothing(candidates)
    return np.isin(question.index.family[candidates.rows], question.index.family[rows])
