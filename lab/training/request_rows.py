"""Training rows of logged pages, built by the functions that serve: profile, visitor, item facts, tensors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from lab.training.logged_pages import LoggedPage
from lab.training.popularity import Popularity
from lab.training.shop_data import DAY_US, EventColumns, ShopData
from services.ranker.items import Items
from services.ranker.model.features import raw_candidate_features, stack_visitor_tensors, visitor_tensors
from services.ranker.model.normalisation import Normalisation, fit_normalisation
from services.ranker.ranker_release import RankerRelease
from services.ranker.training.rows import ImpressionRows
from services.ranker.visitor import Visitor
from services.ranker.visits import visitor_of
from services.ranker.vocabulary import Vocabulary
from services.user_profile.facets import Facets
from services.user_profile.history import History
from services.user_profile.messages import profile_message
from services.user_profile.model.encoder import Encoder
from services.user_profile.profile import ProfileEvent, ProfileLimits
from vitrine.common.v1 import common_pb2

Progress = Callable[[str, int, int], None]

RECENT_ACTIONS = 50
"""How many recent actions a page asks the profile for: the contract's default."""


@dataclass(frozen=True)
class ServingParts:
    """The parts of the release in the making that serving would use to build tensors."""

    release: RankerRelease
    items: Items
    facets: Facets
    encoder: Encoder
    popularity: Popularity


class Requests:
    """Builds what serving would have built for past requests."""

    def __init__(self, data: ShopData, parts: ServingParts) -> None:
        self._data, self._parts = data, parts
        self._histories = _Histories(data.events)
        self._limits = ProfileLimits(recent_actions=RECENT_ACTIONS)
        self._day, self._release = -1, parts.release
        self._latest: tuple[tuple[object, ...], Visitor] | None = None

    @property
    def vocabulary(self) -> Vocabulary:
        """The release's items by row."""
        return self._parts.release.vocabulary

    def visitor(self, page: LoggedPage) -> Visitor:
        """The visitor as the ranker would have seen them, from events before the page.

        Pages of one person at one moment and place (the lines of a basket) that follow one another share their visitor.
        """
        events = self._data.events
        situation = events.device[page.event], events.region[page.event], events.locale[page.event]
        key = (page.subject, page.occurred_us, *situation)
        if self._latest is None or self._latest[0] != key:
            self._latest = key, self._visitor(page)
        return self._latest[1]

    def _visitor(self, page: LoggedPage) -> Visitor:
        parts, events = self._parts, self._data.events
        profile = self._histories.of(page.subject).profile(page.occurred_us, parts.facets, parts.encoder, self._limits)
        visit = common_pb2.VisitContext(
            device=int(events.device[page.event]),  # type: ignore[arg-type]
            region=events.region[page.event],
            locale=events.locale[page.event],
        )
        message = profile_message(profile, 0, (), parts.encoder, RECENT_ACTIONS)
        return visitor_of(visit, message, _moment(page.occurred_us), parts.encoder.space_id)

    def raw_features(self, page: LoggedPage, visitor: Visitor, items: NDArray[np.int32]) -> NDArray[np.float64]:
        """`[n, 12]` features of items as of the page, before standardisation."""
        release = self._as_of(page.occurred_us)
        facts = release.facts(self._parts.items, items.astype(np.int64), page.occurred_us / 1e6)
        return raw_candidate_features(visitor, facts, release.normalisation)

    def _as_of(self, at_us: int) -> RankerRelease:
        """The release with the popularity of that day."""
        if at_us // DAY_US != self._day:
            self._day = at_us // DAY_US
            self._release = replace(self._parts.release, row_popularity=self._parts.popularity.before(at_us))
        return self._release


def impression_rows(
    data: ShopData, pages: Sequence[LoggedPage], requests: Requests, prices: Normalisation, progress: Progress
) -> tuple[ImpressionRows, Normalisation]:
    """The rows of logged pages, normalised, and the normalisation fitted on them. Pages are in time order."""
    return standardised_rows(data, pages, requests, prices, progress, None)


def standardised_rows(
    data: ShopData,
    pages: Sequence[LoggedPage],
    requests: Requests,
    prices: Normalisation,
    progress: Progress,
    log_q: NDArray[np.float32] | None,
) -> tuple[ImpressionRows, Normalisation]:
    """As `impression_rows`; `log_q [rows]` for sampled negatives."""
    features: list[NDArray[np.float64]] = []
    seen: list[Visitor] = []
    for done, page in enumerate(pages, start=1):
        visitor = requests.visitor(page)
        features.append(requests.raw_features(page, visitor, page.items))
        seen.append(visitor)
        if done % 500 == 0 or done == len(pages):
            progress("requests rebuilt", done, len(pages))
    raw = np.concatenate(features)
    normalisation = fit_normalisation(
        prices, raw, [visitor.situation.region for visitor in seen], [visitor.situation.locale for visitor in seen]
    )
    visitors = [visitor_tensors(visitor, requests.vocabulary, normalisation) for visitor in seen]
    lengths = np.array([len(page.items) for page in pages])
    rows = ImpressionRows(
        **stack_visitor_tensors(visitors),
        users=np.array([page.subject for page in pages], np.int32),
        devices=data.events.device[[page.event for page in pages]],
        occurred_at=np.array([page.occurred_us for page in pages], np.int64),
        offsets=np.concatenate([[0], lengths.cumsum()]).astype(np.int64),
        candidate_rows=np.concatenate([page.items for page in pages]),
        candidate_features=normalisation.standardise(raw),
        page_rows=np.concatenate([page.rows for page in pages]),
        page_columns=np.concatenate([page.columns for page in pages]),
        clicked=np.concatenate([page.clicked for page in pages]),
        purchased=np.concatenate([page.purchased & page.clicked for page in pages]),
        log_q=log_q,
    )
    return rows, normalisation


class _Histories:
    """Each subject's history, made when it is first asked for: most of a large shop's subjects never are."""

    def __init__(self, events: EventColumns) -> None:
        self._events = events
        self._order = np.argsort(events.subject, kind="stable")
        self._bounds = np.searchsorted(events.subject[self._order], np.arange(len(events.subjects) + 1))
        self._made: dict[int, History] = {}

    def of(self, subject: int) -> History:
        """All events of a subject."""
        if subject not in self._made:
            events = self._events
            own = self._order[self._bounds[subject] : self._bounds[subject + 1]]
            self._made[subject] = History(
                ProfileEvent(at_us, action, events.item_ids[event], events.queries[event])
                for event, at_us, action in zip(
                    own.tolist(), events.occurred_us[own].tolist(), events.action[own].tolist(), strict=True
                )
            )
        return self._made[subject]


def _moment(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1e6, UTC)
