"""Removes what a merchandiser's rule excludes."""

from services.page_composer.arrays import Bools
from services.page_composer.candidates import Candidates
from services.page_composer.eligibility import Question, nothing
from services.page_composer.rules.exclude import exclusions

REASON = "rule"


def removed(candidates: Candidates, question: Question) -> Bools:
    """`[n]` candidates that any rule in force excludes."""
    mask = nothing(candidates)
    for _, excluded in exclusions(question.rules, question.index):
        mask |= excluded[candidates.rows]
    return mask


def rule_of(row: int, question: Question) -> str:
    """The first rule that excludes the item in this row."""
    return next((rule_id for rule_id, excluded in exclusions(question.rules, question.index) if excluded[row]), "")
