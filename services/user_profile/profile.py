"""Who a user is, as far as their events tell. Pure: serving and training call the same function with the same rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.user_profile.actions import CART, ENDS_CART, HIDE, IMPRESSION, SEARCH, SEEN, UNDOES, UNHIDE
from services.user_profile.facets import FACET_ORDER, Facets
from services.user_profile.model.encoder import Encoder
from services.user_profile.model.interactions import InteractionVector, Weighting

DAY_US: Final = 86_400_000_000
EXPOSURE_WINDOW_US: Final = 7 * DAY_US
OUTLASTING: Final = frozenset({CART, HIDE, UNHIDE})
"""Actions of which a profile may need one that is older than its window."""


class ProfileEvent(NamedTuple):
    """The part of an event that a profile is made of."""

    occurred_us: int
    """Microseconds since 1970-01-01 UTC."""
    action: int
    """Number of the contract's Action enum."""
    item_id: str
    query: str = ""


@dataclass(frozen=True)
class ProfileLimits:
    """How far back a profile looks and how much of each kind it holds (the contract states the same numbers)."""

    window: int = 500
    """Newest events, impressions not counted, that recent actions, affinities, seen items and the embedding are made
    of.
    """
    recent_actions: int = 200
    """Recent actions."""
    seen_items: int = 500
    """Seen items."""
    hidden_items: int = 2_000
    """Hidden items, the newest."""
    exposures: int = 500
    """Exposures, the most often shown."""
    searches: int = 10
    """Recent searches."""
    values_per_facet: int = 20
    """Affinities of one facet, the strongest."""


class Affinity(NamedTuple):
    """The share of the user's weighted actions that concern one value of a facet."""

    facet: str
    value: str
    weight: float


@dataclass(frozen=True)
class Profile:
    """A profile. Every list is in the contract's order."""

    recent_actions: Sequence[ProfileEvent] = ()
    """Newest first. Actions that stand: what was undone, and what undid it, is left out."""
    searches: Sequence[ProfileEvent] = ()
    affinities: Sequence[Affinity] = ()
    seen_item_ids: Sequence[str] = ()
    hidden_item_ids: Sequence[str] = ()
    exposures: Sequence[tuple[str, int]] = ()
    cart_item_ids: Sequence[str] = ()
    embedding: NDArray[np.float32] | None = None
    """z_u `[64]`; None when no standing action concerns an item that the release knows."""
    event_count: int = 0
    """Events within the window, and impressions within 7 days."""


EMPTY_PROFILE: Final = Profile()


@dataclass
class _Fold:
    """The state after the events so far, oldest first."""

    standing: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    """Positions of actions that something may still undo."""
    undone: set[int] = field(default_factory=set)
    hidden: dict[str, int] = field(default_factory=dict)
    """Hidden item → position of the newest hide; in order of hiding."""
    cart: dict[str, int] = field(default_factory=dict)
    """Item in the cart → position of the newest time it was put in; in that order."""


def build_profile(
    events: Iterable[ProfileEvent],
    now_us: int,
    facets: Facets | None = None,
    encoder: Encoder | None = None,
    limits: ProfileLimits | None = None,
    impression_counts: Mapping[str, int] | None = None,
) -> Profile:
    """The profile at `now_us` from the events before it, in any order; later ones are ignored.

    Events older than the window do not matter, but for hides and for what is in the cart: the same profile comes from
    all events of a user and from what the store keeps. `impression_counts` are the impressions of the last 7 days by
    item, when they were counted beforehand; without it they are counted among `events`. Without `facets` and
    `encoder` (no release is ready) affinities and embedding are absent.
    """
    limits = limits or ProfileLimits()
    past = _about_items((event for event in events if event.occurred_us < now_us), facets)
    if impression_counts is None:
        impression_counts = count_impressions(past, now_us)
    deeds = in_time_order(past)
    fold = _fold(deeds)
    first = max(len(deeds) - limits.window, 0)
    window = deeds[first:]
    standing = _standing(deeds, first, fold)
    affinities, embedding = _taste(standing, now_us, facets, encoder, limits)
    return Profile(
        recent_actions=standing[: limits.recent_actions],
        searches=_searches(window, limits.searches),
        affinities=affinities,
        seen_item_ids=_seen(window, limits.seen_items),
        hidden_item_ids=_newest(fold.hidden, limits.hidden_items),
        exposures=_most_shown(impression_counts, limits.exposures),
        cart_item_ids=_newest(fold.cart, len(fold.cart)),
        embedding=embedding,
        event_count=len(window) + sum(impression_counts.values()),
    )


def interaction_vector(
    events: Iterable[ProfileEvent],
    now_us: int,
    facets: Facets,
    weighting: Weighting,
    limits: ProfileLimits | None = None,
) -> InteractionVector:
    """What the encoder reads of a user at `now_us`: its training calls this, and `build_profile` computes the same."""
    deeds = in_time_order(event for event in events if event.occurred_us < now_us)
    first = max(len(deeds) - (limits or ProfileLimits()).window, 0)
    rows, weights = _weighted(_standing(deeds, first, _fold(deeds)), now_us, facets, weighting)
    return weighting.vector(rows, weights)


def _about_items(events: Iterable[ProfileEvent], facets: Facets | None) -> list[ProfileEvent]:
    """The events, those that name a variant with its item instead, as in the events that training reads."""
    item_of = facets.item_of_variant if facets is not None else {}
    if not item_of:
        return list(events)
    return [event._replace(item_id=item_of.get(event.item_id, event.item_id)) for event in events]


def in_time_order(events: Iterable[ProfileEvent]) -> list[ProfileEvent]:
    """All but the impressions, oldest first. Ties go by action, so that an undoing follows what it undoes, then by
    item: the order never depends on how the events were stored.
    """
    return sorted(event for event in events if event.action != IMPRESSION)


def count_impressions(events: Iterable[ProfileEvent], now_us: int) -> dict[str, int]:
    """Impressions by item in the 7 days before `now_us`."""
    since_us = now_us - EXPOSURE_WINDOW_US
    counts: dict[str, int] = {}
    for event in events:
        if event.action == IMPRESSION and since_us <= event.occurred_us < now_us:
            counts[event.item_id] = counts.get(event.item_id, 0) + 1
    return counts


def kept_beyond_window(deeds: Sequence[ProfileEvent], window: int) -> list[int]:
    """Positions of the events (oldest first, no impressions) that a profile needs: the newest `window`, and before
    them the last hide or unhide of an item and what is in the cart. What the store prunes by.
    """
    fold = _fold(deeds)
    last_word = {event.item_id: index for index, event in enumerate(deeds) if event.action in (HIDE, UNHIDE)}
    first = max(len(deeds) - window, 0)
    return sorted({*range(first, len(deeds)), *last_word.values(), *fold.cart.values()})


def _fold(deeds: Sequence[ProfileEvent]) -> _Fold:
    fold = _Fold()
    undoable = frozenset(UNDOES.values())
    for position, event in enumerate(deeds):
        action, item_id = event.action, event.item_id
        if action in undoable:
            fold.standing.setdefault((action, item_id), []).append(position)
        elif action in UNDOES:
            fold.undone.update(fold.standing.pop((UNDOES[action], item_id), ()))
        if action == CART:
            fold.cart.pop(item_id, None)
            fold.cart[item_id] = position
        elif action in ENDS_CART:
            fold.cart.pop(item_id, None)
        elif action == HIDE:
            fold.hidden.pop(item_id, None)
            fold.hidden[item_id] = position
        elif action == UNHIDE:
            fold.hidden.pop(item_id, None)
    return fold


def _standing(deeds: Sequence[ProfileEvent], first: int, fold: _Fold) -> list[ProfileEvent]:
    """Actions on items from position `first` on that were not undone, newest first."""
    standing = [
        event
        for position, event in enumerate(deeds[first:], first)
        if event.item_id and event.action not in UNDOES and position not in fold.undone
    ]
    standing.reverse()
    return standing


def _weighted(
    standing: Sequence[ProfileEvent], now_us: int, facets: Facets, weighting: Weighting
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Vocabulary row and discounted weight of each action."""
    rows = facets.rows([event.item_id for event in standing])
    ages = (now_us - np.array([event.occurred_us for event in standing], np.float64)) / DAY_US
    return rows, weighting.discounted([event.action for event in standing], ages)


def _taste(
    standing: Sequence[ProfileEvent],
    now_us: int,
    facets: Facets | None,
    encoder: Encoder | None,
    limits: ProfileLimits,
) -> tuple[list[Affinity], NDArray[np.float32] | None]:
    """Affinities and embedding of the actions that stand."""
    if facets is None or not standing:
        return [], None
    weighting = encoder.weighting if encoder else Weighting()
    rows, weights = _weighted(standing, now_us, facets, weighting)
    affinities = _affinities(rows, weights, facets, limits.values_per_facet)
    if encoder is None:
        return affinities, None
    vector = weighting.vector(rows, weights)
    return affinities, encoder.encode(vector) if len(vector) else None


def _affinities(
    rows: NDArray[np.int32], weights: NDArray[np.float64], facets: Facets, per_facet: int
) -> list[Affinity]:
    known = np.flatnonzero((rows >= 0) & (weights > 0))
    if not len(known):
        return []
    codes = facets.codes[:, rows[known]]
    shares = np.bincount(codes.ravel(), np.tile(weights[known] / weights.sum(), len(codes)), len(facets.names))
    found: list[Affinity] = []
    taken: dict[str, int] = {}
    # Strongest first; ties go by code, so that the same events give the same list.
    for code in np.argsort(-shares, kind="stable")[: np.count_nonzero(shares)].tolist():
        facet, value = facets.names[code]
        if value and taken.get(facet, 0) < per_facet:
            taken[facet] = taken.get(facet, 0) + 1
            found.append(Affinity(facet, value, float(shares[code])))
    return sorted(found, key=lambda affinity: FACET_ORDER[affinity.facet])


def _seen(window: Sequence[ProfileEvent], limit: int) -> list[str]:
    seen = dict.fromkeys(event.item_id for event in reversed(window) if event.action in SEEN and event.item_id)
    return list(seen)[:limit]


def _searches(window: Sequence[ProfileEvent], limit: int) -> list[ProfileEvent]:
    return [event for event in reversed(window) if event.action == SEARCH][:limit]


def _newest(ordered: Mapping[str, int], limit: int) -> list[str]:
    return list(ordered)[::-1][:limit]


def _most_shown(counts: Mapping[str, int], limit: int) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
