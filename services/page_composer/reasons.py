"""What the page says: titles, reasons with their evidence, badges."""

from collections.abc import Sequence

from services.page_composer.item_facts import ItemFacts
from services.page_composer.item_index import ItemIndex
from services.page_composer.page import Display
from services.page_composer.proposal import Evidence, Proposal
from services.page_composer.visit import DAY_S, INTEREST, Visit
from services.page_composer.wording import Wording, day, in_language, money, percent, territory

NEW_WITHIN_DAYS = 30
FEW_LEFT = 3
LEAST_REDUCTION = 0.05
LEAST_LIKING = 0.1
"""A brand or category below this share of the visitor's actions is not "often"."""

_CHANGES = {
    "price_drop": ("price_dropped", "price_dropped_s"),
    "back_in_stock": ("restocked", "restocked_s"),
    "new_arrivals": ("recently_added", "created_s"),
}
"""Shelves of changes: the kind of evidence, and the fact that dates it."""
_SAYS_IT_ALL = frozenset(
    {
        "because_viewed",
        "similar_looks",
        "complete_the_look",
        "continue_browsing",
        "buy_again",
        "favourites",
        "brand_arrivals",
        "category_favourites",
    }
)
"""Shelves whose own reason holds for each of their items."""


class Reasons:
    """Says things about one page, in its language."""

    def __init__(self, wording: Wording, locale: str, visit: Visit, index: ItemIndex) -> None:
        self._wording = wording
        self._locale = locale
        self._visit = visit
        self._index = index
        self._new_since_s = visit.at_s - NEW_WITHIN_DAYS * DAY_S
        self._new_badge = wording.say("badge.new", locale)
        self._acted = {item_id: did.at_s for item_id, did in visit.profile.items_of(*INTEREST).items()}
        self._often = {facet: _often(visit, facet) for facet in ("brand", "category")}
        self._said: dict[Evidence, str] = {}

    def title(self, proposal: Proposal) -> str:
        """The title of a shelf; the shop's own words come first."""
        return proposal.title or self.section_title(proposal.shelf, proposal.evidence)

    def section_title(self, shelf: str, evidence: Evidence) -> str:
        """The catalogue's title of a section."""
        return self._say(f"{shelf}.title", evidence)

    def section_reason(self, shelf: str, evidence: Evidence) -> str:
        """Why a section is on the page."""
        return self._say(f"{shelf}.reason.{evidence.kind}", evidence) or self._say(f"{shelf}.reason", evidence)

    def item(self, facts: ItemFacts, shelf: str, speaker: str = "") -> tuple[str, Evidence | None]:
        """Why an item is here, where more can be said than the section's reason says; ("", None) otherwise."""
        evidence = self._evidence(facts, shelf, speaker)
        if evidence is None:
            return "", None
        if not evidence.at_s or evidence.item_ids:  # a page says the same of a brand or a seed again and again
            if evidence not in self._said:
                kind = "speaker" if evidence.item_ids else evidence.kind
                self._said[evidence] = self._say(f"slot.{kind}", evidence)
            return self._said[evidence], evidence
        since = day(int(evidence.at_s // DAY_S), self._locale) if evidence.at_s else ""
        price = money(facts.previous_price_minor, facts.currency, self._locale) if facts.previous_price_minor else ""
        return self._say(f"slot.{evidence.kind}", evidence, price=price, day=since), evidence

    def badges(self, facts: ItemFacts, display: Display) -> tuple[str, ...]:
        """Short labels: the reduction, whether it is new, whether few are left."""
        badges = []
        if display.list_price_minor > display.price_minor:
            share = round(1.0 - display.price_minor / display.list_price_minor, 2)
            if share >= LEAST_REDUCTION:
                badges.append(self._wording.say("badge.reduced", self._locale, percent=percent(share, self._locale)))
        if facts.created_s >= self._new_since_s:
            badges.append(self._new_badge)
        if 0 < facts.stock <= FEW_LEFT:
            badges.append(self._wording.say("badge.few_left", self._locale, count=facts.stock))
        return tuple(badges)

    def _evidence(self, facts: ItemFacts, shelf: str, speaker: str) -> Evidence | None:
        if shelf in _CHANGES:
            kind, moment = _CHANGES[shelf]
            at_s: float = getattr(facts, moment)
            return Evidence(kind, at_s=at_s) if at_s else None
        if shelf in _SAYS_IT_ALL:
            return None
        if speaker in self._acted:
            return Evidence("viewed_item", item_ids=(speaker,), at_s=self._acted[speaker])
        if facts.brand in self._often["brand"]:
            return Evidence("brand_affinity", values=(facts.brand,))
        if facts.category in self._often["category"]:
            return Evidence("category_affinity", values=(facts.category,))
        return None

    def _say(self, key: str, evidence: Evidence, **words: str) -> str:
        return self._wording.say(
            key,
            self._locale,
            count=max(len(evidence.item_ids), 1),
            item=self._item_title(evidence.item_ids),
            value=shown_value(evidence),
            region=territory(self._visit.region, self._locale),
            **words,
        )

    def _item_title(self, item_ids: Sequence[str]) -> str:
        facts = self._index.get(item_ids[0]) if item_ids else None
        return in_language(facts.titles, self._locale) if facts else ""


def _often(visit: Visit, facet: str) -> frozenset[str]:
    likings = visit.profile.likings.get(facet, ())
    return frozenset(each.value for each in likings if each.value and each.weight >= LEAST_LIKING)


def shown_value(evidence: Evidence) -> str:
    """The facet value as people say it: of a category path the last level."""
    value = evidence.values[0] if evidence.values else ""
    return value.rpartition("/")[2] if evidence.kind.startswith("category") else value
