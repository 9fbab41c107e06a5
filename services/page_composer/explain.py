"""Why what could have been shown is not: for pages that are asked to explain themselves."""

import numpy as np

from services.page_composer.candidates import Scored
from services.page_composer.draft import Draft
from services.page_composer.eligibility import Dropped, Question
from services.page_composer.eligibility.sieve import Eligible, reasons

ITEMS_AT_MOST = 1_000


def explained(scored: Scored, eligible: Eligible, draft: Draft, question: Question) -> list[Dropped]:
    """Every candidate that is not on the page, with the reason; at most 1,000."""
    dropped = reasons(scored, eligible, question)
    placed = {slot.position for shelf in draft.shelves for slot in shelf.slots}
    rows, item_ids = scored.candidates.rows, question.index.item_ids
    for position in np.flatnonzero(eligible.kept()).tolist():
        if position not in placed:
            dropped.append(Dropped(item_ids[rows[position]], draft.ledger.why_not(position)))
    return dropped[:ITEMS_AT_MOST]
