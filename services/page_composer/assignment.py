"""From eligible candidates to what selection works on."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

import numpy as np

from services.page_composer.arrays import NONE, Ints
from services.page_composer.brief import Brief
from services.page_composer.candidates import Scored
from services.page_composer.eligibility import Question
from services.page_composer.eligibility.sieve import Eligible
from services.page_composer.fill import PinnedCandidate
from services.page_composer.ledger import PageLedger
from services.page_composer.objective import objective
from services.page_composer.pools import GIVEN, Pool
from services.page_composer.promote import Promoted
from services.page_composer.proposal import Evidence, Proposal
from services.page_composer.rules.boost import Boosts
from services.page_composer.rules.cap import limits
from services.page_composer.rules.pin import pins
from services.page_composer.rules.rule import Rule
from services.page_composer.select import Assignment

PIN_POOL = "pinned:1"


@dataclass(frozen=True)
class Stock:
    """What came of the earlier steps: proposals, their scored pools, and what of these is eligible."""

    proposals: Sequence[Proposal]
    scored: Scored
    eligible: Eligible
    boosted: Boosts


def pin_proposals(rules: Sequence[Rule]) -> list[Proposal]:
    """A pool of its own for pinned items, so that they are scored; it never becomes a section."""
    given = tuple(pinned.pin.item_id for pinned in pins(rules))
    return [Proposal(PIN_POOL, "pinned", Evidence("rule"), Pool(GIVEN, given=given))] if given else []


def assignment(brief: Brief, stock: Stock, question: Question, promoted: Iterable[Promoted]) -> Assignment:
    """Put together what to select from, into what, and by what."""
    index, candidates = question.index, stock.scored.candidates
    rows = candidates.rows
    pools = list(zip(stock.proposals, stock.eligible.pools, strict=True))
    shelves = [(proposal, pool) for proposal, pool in pools if proposal.section_id != PIN_POOL]
    pinnable = {position for proposal, pool in pools if proposal.section_id == PIN_POOL for position in pool.tolist()}
    families, clusters = (np.unique(each[rows], return_inverse=True)[1] for each in (index.family, index.cluster))
    ledger = PageLedger(families, clusters, limits(question.rules, index, rows))
    return Assignment(
        proposals=[proposal for proposal, _ in shelves],
        pools=[pool for _, pool in shelves],
        objective=objective(candidates, index, question.visit.profile, stock.boosted.factors, brief.weights),
        ledger=ledger,
        places=brief.template.places,
        promoted_rows={each.number: each.place.rows for each in promoted},
        device=question.visit.device,
        examination=brief.release.examination,
        weights=brief.weights,
        shelf_logits=brief.posterior.of(question.visit),
        pinned=_compatible(_pinned(question, pinnable, rows), ledger),
    )


def _pinned(question: Question, allowed: Set[int], rows: Ints) -> list[PinnedCandidate]:
    """The pins whose item is eligible."""
    if not allowed:
        return []
    place_of = {row: position for position, row in enumerate(rows.tolist())}
    found = []
    for pinned in pins(question.rules):
        row = int(question.index.rows([pinned.pin.item_id])[0])
        position = place_of.get(row, NONE)
        if position in allowed:
            found.append(PinnedCandidate(position, pinned.pin.shelf, pinned.pin.position, pinned.rule_id))
    return found


def _compatible(pinned: Sequence[PinnedCandidate], ledger: PageLedger) -> list[PinnedCandidate]:
    """The pins that can stand on one page together; of one product only the first."""
    kept = []
    for pin in pinned:
        if ledger.free(np.asarray([pin.position]))[0]:
            ledger.take(pin.position)
            kept.append(pin)
    for pin in kept:
        ledger.release(pin.position)
    return kept
