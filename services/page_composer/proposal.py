"""What a shelf generator says: this shelf could stand on the page, for this true reason, filled from this pool."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.page_composer.arrays import Ints
from services.page_composer.item_index import ItemIndex
from services.page_composer.pools import Pool
from services.page_composer.rules.campaign import Campaign
from services.page_composer.visit import Visit


@dataclass(frozen=True)
class Evidence:
    """What a reason rests on. Every id in it is true: the user did it, the item has it, the rule is in force."""

    kind: str
    item_ids: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    rule_id: str = ""
    at_s: float = 0.0
    """When the thing happened, where it is one thing; else 0."""


@dataclass(frozen=True)
class Proposal:
    """A shelf that could stand on the page."""

    section_id: str
    """Unique on the page, such as "because_viewed:1"."""
    shelf: str
    evidence: Evidence
    pool: Pool
    more_link: str = ""
    title: str = ""
    """Said by the shop itself (a campaign); otherwise the message catalogue says it."""


@dataclass(frozen=True)
class Suggestion:
    """What one generator brings, before it has a place among the others."""

    evidence: Evidence
    pool: Pool
    more_link: str = ""
    title: str = ""


@dataclass(frozen=True)
class Scene:
    """What generators look at."""

    visit: Visit
    index: ItemIndex
    campaigns: Sequence[Campaign] = ()
    """In force for this visit, by priority."""
    sources: frozenset[str] | None = None
    """Candidate sources that can be asked; None when it does not matter."""

    @cached_property
    def seen_rows(self) -> Ints:
        """Rows of the items that the visitor has seen, as far as they are in the index."""
        rows = self.index.rows(self.visit.profile.seen_item_ids)
        return rows[rows >= 0]


Generator = Callable[[Scene], Iterable[Suggestion]]
