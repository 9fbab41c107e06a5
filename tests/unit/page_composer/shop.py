"""The small shop as the composer's domain sees it, and a visitor of it."""

from dataclasses import replace

import numpy as np

from services.page_composer.candidates import Candidates, FilledPool, Scored
from services.page_composer.index_builder import IndexBuilder
from services.page_composer.item_facts import ItemFacts
from services.page_composer.item_index import ItemIndex
from services.page_composer.reading import facts_of
from services.page_composer.visit import Consents, Did, Liking, Profile, Searched, Visit
from tests.small_shop import NOW, small_items

NOW_S = NOW.timestamp()
DAY_S = 86_400.0


def facts(count: int = 60) -> list[ItemFacts]:
    return [facts_of(item.facts()) for item in small_items(count)]


def index_of(items: list[ItemFacts]) -> ItemIndex:
    builder = IndexBuilder()
    builder.put(items)
    return builder.snapshot()


def small_index(**changes: dict[str, object]) -> ItemIndex:
    """The small shop's index; `changes` by item id, with '_' for '-'."""
    return index_of([replace(item, **changes.get(item.item_id.replace("-", "_"), {})) for item in facts()])


def did(action: str, number: int, hours: float = 1.0) -> Did:
    return Did(action, f"item-{number:03}", NOW_S - 3_600 * hours)


def profile(*actions: Did, **fields: object) -> Profile:
    known = {
        "anonymous": False,
        "version": 3,
        "likings": {"brand": (Liking("Aster", 0.6),), "category": (Liking("Women/Dresses", 0.5),)},
        "consents": Consents(True, True, True),
    }
    return Profile(actions=actions, **{**known, **fields})


def visit(who: Profile | None = None, **fields: object) -> Visit:
    return Visit("boutique", "request-1", NOW_S, **{"user_id": "ada", "profile": who or Profile(), **fields})


def searched(query: str, hours: float = 1.0) -> Searched:
    return Searched(query, NOW_S - 3_600 * hours)


def scored(rows: list[int], pools: list[list[int]]) -> Scored:
    """Candidates in these rows with equal scores, in pools of positions."""
    candidates = Candidates(np.asarray(rows, np.int64), np.full(len(rows), 0.1), np.full(len(rows), 0.01))
    return Scored(candidates, [FilledPool(np.asarray(pool, np.int64)) for pool in pools])
