"""What a page asks of other services, each once and within its share of the deadline, and what stands in when one
is down.

A dependency that is down or late is named in the answer. A dependency that refuses our request is our bug:
RemoteError passes through and the call ends as INTERNAL.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.kit.errors import DependencyDown
from services.page_composer.brief import Brief
from services.page_composer.candidates import Candidates, Scored, located
from services.page_composer.draft import Draft
from services.page_composer.hydrate import Check, Displays, hydrate
from services.page_composer.item_index import ItemIndex
from services.page_composer.pools import Pool
from services.page_composer.ports import NOBODY, Catalogue, LateCheck, Met, Profiles, Ranker, Views
from services.page_composer.proposal import Proposal
from services.page_composer.rules.campaign import Campaign, Spent, campaigns_in_force
from services.page_composer.stand_ins import pools_without_ranker, segment_of
from services.page_composer.visit import Visit

# Shares of what is left of the caller's deadline, one call after the other. With 50 ms in all and every dependency
# hanging, 28 ms are shared out and 6 of them are left over: such a page is still answered.
PROFILE_SHARE = 0.25
VIEWS_SHARE = 0.10
RECOMMEND_SHARE = 0.50
DISPLAY_SHARE = 0.40
FIRST_INDEX_SHARE = 0.30

RECOMMEND_AT_MOST_MS = 400.0
"""The ranker answers in a tenth of this: what takes longer is not coming, however patient the caller."""

CHECKED_AT_ONCE = 1_000
"""Items that one late check asks about at most: what GetItems takes."""
TURNS_TO_SEND = 2
"""Turns of the event loop after which a call is on its way: our task's first, and that in which gRPC sends."""


@dataclass(frozen=True)
class Dependencies:
    """The services a page is made with."""

    profiles: Profiles
    ranker: Ranker
    catalogue: Catalogue
    views: Views

    async def item_index(self, brief: Brief) -> ItemIndex:
        """The shop's item index; until the catalogue has been read once, the release's fallback items stand in."""
        shop = brief.shop
        fallback = brief.release.fallback.index(brief.request.visit.country)
        if not shop.is_known and not len(fallback) and not shop.index_read.is_set():
            try:
                async with asyncio.timeout(_seconds(brief, FIRST_INDEX_SHARE)):
                    await shop.index_read.wait()
            except TimeoutError:
                pass
        if shop.is_known:
            return shop.index
        brief.trace.missing("item_vision", "not_ready" if shop.index_read.is_set() else "unavailable", "static_page")
        return fallback

    async def visitor(self, brief: Brief) -> tuple[Visit, Met, list[Campaign]]:
        """The visit with its profile, and the campaigns it may see; both questions are asked at once, that which takes
        longer first.
        """
        meeting = asyncio.create_task(self._profile(brief))
        try:
            await _sent()
            views = await self._views(brief)
            visit, met = await meeting
        finally:
            meeting.cancel()
        return visit, met, _campaigns(brief, visit, views)

    async def _profile(self, brief: Brief) -> tuple[Visit, Met]:
        """The visit with its profile; an anonymous visit, consent refused, stands in."""
        visit = brief.request.visit
        if not visit.subject:
            return visit, NOBODY
        try:
            met = await self.profiles.meet(
                visit,
                brief.release.release_id if brief.ranked else "",
                brief.request.min_profile_version,
                as_of=brief.request.as_of,
                timeout_s=_seconds(brief, PROFILE_SHARE),
            )
        except DependencyDown as down:
            brief.trace.missing("user_profile", down.cause, "anonymous_visit")
            return visit, NOBODY
        return replace(visit, profile=met.profile), met

    async def _views(self, brief: Brief) -> Mapping[str, int] | DependencyDown:
        """How often the visitor saw each capped campaign that is running and for them, or why that cannot be said."""
        visit = brief.request.visit
        capped = [
            campaign.campaign_id
            for campaign in brief.merchandise.campaigns
            if campaign.frequency_cap and campaign.period.has(visit.at_s) and campaign.segment.has(visit)
        ]
        if not capped or not visit.subject:
            return {}
        try:
            return await self.views.seen(visit, capped, _seconds(brief, VIEWS_SHARE))
        except DependencyDown as down:
            return down

    async def candidates(
        self, brief: Brief, visit: Visit, met: Met, proposals: Sequence[Proposal], index: ItemIndex
    ) -> Scored:
        """All pools, scored once; cached anonymous pools of the segment stand in, or the item index alone."""
        pools = {proposal.section_id: proposal.pool for proposal in proposals}
        brief.shop.segments.want(segment_of(visit))
        cause = "not_ready"
        if brief.ranked:
            try:
                return await self._recommended(brief, visit, met, pools, index)
            except DependencyDown as down:
                cause = down.cause
        cached = brief.shop.segments.get(segment_of(visit))
        static = index is not brief.shop.index
        brief.trace.missing("ranker", cause, "static_page" if static else "segment_pools" if cached else "item_index")
        popularity = brief.release.fallback.p_click
        scored = pools_without_ranker(proposals, cached, index, popularity, visit.at_s)
        return replace(located(scored, pools, index), static=static)

    async def begin_check(self, brief: Brief, candidates: Candidates, displays: Displays) -> asyncio.Task[None]:
        """Send the late check of all candidates, so that it is answered while selection is at work; where there are
        more than fit, of the likeliest to be clicked.

        Returns when it is on its way; `displays` waits for its end.
        """
        asked: Iterable[int] = range(len(candidates)) if brief.shop.is_known else ()
        if asked and len(candidates) > CHECKED_AT_ONCE:
            asked = np.argsort(-candidates.p_click, kind="stable")[:CHECKED_AT_ONCE].tolist()
        checking = asyncio.create_task(displays.check(asked, self._late_check(brief)))
        checking.add_done_callback(lambda ended: None if ended.cancelled() else ended.exception())
        await _sent()
        return checking

    async def displays(self, brief: Brief, draft: Draft, displays: Displays, checking: asyncio.Task[None]) -> None:
        """Refill what the late check found to be gone; without it the index's own facts stand in."""
        try:
            await checking
            await hydrate(draft, displays, self._late_check(brief))
        except DependencyDown as down:
            stand_in = "item_index" if brief.shop.is_known else "static_page"
            brief.trace.missing("item_vision", down.cause, stand_in)

    def _late_check(self, brief: Brief) -> Check:
        async def check(held: Mapping[str, int]) -> LateCheck:
            visit = brief.request.visit
            return await self.catalogue.late_check(visit.shop_id, held, visit.locale, _seconds(brief, DISPLAY_SHARE))

        return check

    async def _recommended(
        self, brief: Brief, visit: Visit, met: Met, pools: Mapping[str, Pool], index: ItemIndex
    ) -> Scored:
        answer = await self.ranker.recommend(
            visit,
            brief.release.release_id,
            met,
            pools,
            brief.budget.share(RECOMMEND_SHARE, at_most_ms=RECOMMEND_AT_MOST_MS),
        )
        if answer.degraded is not None:
            brief.trace.missing(answer.degraded.dependency, answer.degraded.cause, answer.degraded.stand_in)
        return located(answer.scored, pools, index)


async def _sent() -> None:
    """Let a call that was just begun get on its way."""
    for _ in range(TURNS_TO_SEND):
        await asyncio.sleep(0)


def _campaigns(brief: Brief, visit: Visit, views: Mapping[str, int] | DependencyDown) -> list[Campaign]:
    """The campaigns that the visit may see. Where views cannot be counted, a capped campaign counts as worn out."""
    if brief.shop.merchandise_missing:
        brief.trace.missing("postgresql", brief.shop.merchandise_missing, "loaded_rules")
    spent = Spent({} if isinstance(views, DependencyDown) else views, brief.merchandise.cost_minor)
    possible = campaigns_in_force(brief.merchandise.campaigns, visit, spent)
    if not isinstance(views, DependencyDown) or not any(campaign.frequency_cap for campaign in possible):
        return possible
    brief.trace.missing("postgresql", views.cause, "loaded_rules")
    return [campaign for campaign in possible if not campaign.frequency_cap]


def _seconds(brief: Brief, share: float) -> float:
    return brief.budget.share(share)
