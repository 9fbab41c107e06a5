"""Removes what a merchandiser's rule excludes."""

import numpy as np

from services.page_composer.arrays import Bools
from services.page_composer.candidates import Candidates
from services.page_composer.eligibility import Question, nothing
from services.page_composer.rules.exclude import exclusions

REASON = "rule"


def removed(candidates: Candidates, question: Question) -> Bools:
    """`[n]` candidates that any rule in force excludes."""
    mask = nothing(candidates)
    for _, excluded in exclusions(question.rules, question.index, candidates.rows):
        mask |= excluded
    return mask


def rule_of(row: int, question: Question) -> str:
    """The first rule that excludes the item in this row."""
    by_rule = exclusions(question.rules, question.index, np.asarray([row]))
    return next((rule_id for rule_id, excluded in by_rule if excluded[0]), "")
