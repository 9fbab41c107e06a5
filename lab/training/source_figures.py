"""How good each candidate source is: what the latest visitors clicked, against what it would have proposed to them.

Nothing is fitted on these pages: the tables judged are those trained on what happened before. An item counts when it
was clicked, is new to the visitor and was there at the time; every source proposes among such items only. Clicks are
on what was shown, so a source that is like what chose the pages looks better than it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.statistics import Interval, bootstrap
from lab.training.logged_pages import LoggedPage
from services.ranker.recommend import in_turn
from services.ranker.source import AllowedMask, Seeds, Source, history_seeds
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary

BASELINE: Final = "popular"
CANDIDATES: Final = 300
RANKED: Final = 10


@dataclass(frozen=True)
class JudgedPage:
    """A page whose clicks a source should have foreseen."""

    subject: int
    visitor: Visitor
    clicked: NDArray[np.int32]
    """`[n ≥ 1]` rows of clicked items that are new to the visitor."""
    known: NDArray[np.int32]
    """Rows of items that are not new to the visitor."""
    occurred_us: int

    def allowed(self, created_us: NDArray[np.int64]) -> NDArray[np.bool_]:
        """`[items]` which items were there by then, and are new to the visitor."""
        return _allowed(created_us, self.occurred_us, self.known)


@dataclass(frozen=True)
class SourceFigures:
    """One source, on the visitors that it can answer for. Figures are means over visitors."""

    name: str
    recall: float
    """Share of the clicked items among the source's 300 candidates."""
    ndcg: float
    """NDCG@10 of the source's own order."""
    recall_gain: Interval
    """Over the baseline, on the same visitors."""
    ndcg_gain: Interval
    adds: Interval
    """What the union of all sources finds more than the union of the others, both of 300 candidates; all visitors."""


@dataclass(frozen=True)
class SourceReport:
    """All sources of a release, and what they find together."""

    sources: Sequence[SourceFigures]
    union_recall: Interval
    """Share of the clicked items among 300 candidates that the sources give in turn."""
    pages: int

    def metrics(self) -> dict[str, float]:
        """By name, intervals as `…_low` and `…_high`."""
        figures = _named("union.recall_300", self.union_recall) | {"pages": float(self.pages)}
        for source in self.sources:
            figures |= {f"{source.name}.recall_300": source.recall, f"{source.name}.ndcg_10": source.ndcg}
            figures |= _named(f"{source.name}.adds_recall_300", source.adds)
            if source.name != BASELINE:
                figures |= _named(f"{source.name}.above_popular_recall_300", source.recall_gain)
                figures |= _named(f"{source.name}.above_popular_ndcg_10", source.ndcg_gain)
        return figures


def judged_pages(
    pages: Iterable[tuple[LoggedPage, Visitor]], vocabulary: Vocabulary, created_us: NDArray[np.int64]
) -> list[JudgedPage]:
    """The pages with a click on an item that is new to the visitor; `created_us [items]` is when each item came."""
    judged = []
    for page, visitor in pages:
        known = history_seeds(visitor, vocabulary).rows
        clicked = page.items[page.clicked]
        clicked = clicked[_allowed(created_us, page.occurred_us, known)[clicked]]
        if len(clicked):
            judged.append(JudgedPage(page.subject, visitor, clicked, known, page.occurred_us))
    return judged


def measure_sources(
    sources: Mapping[str, Source], pages: Sequence[JudgedPage], created_us: NDArray[np.int64]
) -> SourceReport | None:
    """Figures of every source, popular among them; None without pages to judge by."""
    if not pages:
        return None
    proposed = _proposed(sources, pages, created_us)
    subjects = np.array([page.subject for page in pages])
    recalls = {name: _recalls(lists, pages) for name, lists in proposed.items()}
    ndcgs = {name: _ndcgs(lists, pages) for name, lists in proposed.items()}
    union = _union_recalls(proposed, pages)
    found = []
    for name, source in sources.items():
        answered = np.array([not source.uses_seeds or len(_seeds(source, page)) > 0 for page in pages])
        if not answered.any():
            continue
        of_visitor = _Visitors(subjects[answered])
        without = _union_recalls({other: lists for other, lists in proposed.items() if other != name}, pages)
        found.append(
            SourceFigures(
                name=name,
                recall=float(of_visitor.means(recalls[name][answered]).mean()),
                ndcg=float(of_visitor.means(ndcgs[name][answered]).mean()),
                recall_gain=bootstrap(of_visitor.means((recalls[name] - recalls[BASELINE])[answered])),
                ndcg_gain=bootstrap(of_visitor.means((ndcgs[name] - ndcgs[BASELINE])[answered])),
                adds=bootstrap(_Visitors(subjects).means(union - without)),
            )
        )
    return SourceReport(found, bootstrap(_Visitors(subjects).means(union)), len(pages))


class _Visitors:
    """Means over each visitor's pages, so that who opens many pages does not count more."""

    def __init__(self, subjects: NDArray[np.int64]) -> None:
        _, self._of_page = np.unique(subjects, return_inverse=True)

    def means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """`[visitors]` from `[pages]`."""
        return np.bincount(self._of_page, values) / np.bincount(self._of_page)


def _seeds(source: Source, page: JudgedPage) -> Seeds:
    return source.seeds(page.visitor, np.zeros(0, np.int32))


def _proposed(
    sources: Mapping[str, Source], pages: Sequence[JudgedPage], created_us: NDArray[np.int64]
) -> dict[str, list[NDArray[np.int32]]]:
    """By source, for every page `[k ≤ 300]` rows, best first; none where the source has nothing to start from."""
    proposed: dict[str, list[NDArray[np.int32]]] = {name: [] for name in sources}
    for page in pages:
        allowed = AllowedMask(page.allowed(created_us))
        for name, source in sources.items():
            seeds = _seeds(source, page)
            rows = np.zeros(0, np.int32)
            if len(seeds) or not source.uses_seeds:
                rows, _ = source.best(page.visitor, seeds, allowed, CANDIDATES)
            proposed[name].append(rows)
    return proposed


def _allowed(created_us: NDArray[np.int64], at_us: int, known: NDArray[np.int32]) -> NDArray[np.bool_]:
    allowed = created_us <= at_us
    allowed[known] = False
    return allowed


def _recalls(lists: Sequence[NDArray[np.int32]], pages: Sequence[JudgedPage]) -> NDArray[np.float64]:
    """`[pages]` share of each page's clicked items that its list holds."""
    return np.array([np.isin(page.clicked, rows).mean() for rows, page in zip(lists, pages, strict=True)])


def _ndcgs(lists: Sequence[NDArray[np.int32]], pages: Sequence[JudgedPage]) -> NDArray[np.float64]:
    """`[pages]` NDCG@10 with a gain of 1 a clicked item (Järvelin & Kekäläinen, TOIS 2002)."""
    discounts = 1.0 / np.log2(np.arange(2.0, RANKED + 2.0))
    return np.array(
        [
            discounts[: len(rows)][np.isin(rows[:RANKED], page.clicked)].sum() / discounts[: len(page.clicked)].sum()
            for rows, page in zip(lists, pages, strict=True)
        ]
    )


def _union_recalls(
    proposed: Mapping[str, Sequence[NDArray[np.int32]]], pages: Sequence[JudgedPage]
) -> NDArray[np.float64]:
    """`[pages]` recall of as many candidates as one source has, each source giving its best in turn."""
    if not proposed:
        return np.zeros(len(pages))
    return _recalls([in_turn(lists, CANDIDATES) for lists in zip(*proposed.values(), strict=True)], pages)


def _named(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}
