"""One page, from call to answer: the eight steps of the design, in order. Every step is a file or a folder of its
name.
"""

import asyncio

from services.page_composer.assignment import Stock, assignment, pin_proposals
from services.page_composer.brief import Brief, PageRequest, Settings, settle, wanted_release
from services.page_composer.dependencies import Dependencies
from services.page_composer.eligibility import Question
from services.page_composer.eligibility.sieve import sift
from services.page_composer.finish import finished
from services.page_composer.hydrate import Displays
from services.page_composer.layout import Material, lay_out
from services.page_composer.merchandise import Merchandise
from services.page_composer.page import Page
from services.page_composer.page_metrics import PageMetrics
from services.page_composer.ports import PageLog, ReleaseRefused
from services.page_composer.promote import promote
from services.page_composer.proposal import Scene
from services.page_composer.reasons import Reasons
from services.page_composer.releases import Releases
from services.page_composer.rules.boost import boosts
from services.page_composer.rules.rule import in_force
from services.page_composer.shelves.registry import propose
from services.page_composer.shops import Shops
from services.page_composer.small_shops import choose, mended
from services.page_composer.visit import Visit


class Composer:
    """Composes pages."""

    def __init__(
        self, shops: Shops, releases: Releases, dependencies: Dependencies, log: PageLog, settings: Settings
    ) -> None:
        self._shops = shops
        self._releases = releases
        self._ask = dependencies
        self._log = log
        self._settings = settings
        self._metrics = PageMetrics()

    async def compose(self, request: PageRequest) -> Page:
        """Compose the page of a visit and log it.

        Raises: NotFound (TEMPLATE_UNKNOWN); NotReady (SHOP_NOT_READY).
        """
        shop = await self._shops.ready(request.visit.shop_id)
        page, visit = await self._with_one_release(request, shop.merchandise)
        asyncio.get_running_loop().call_soon(self._after_answer, page, visit)  # 8. After the answer
        return page

    async def preview(self, request: PageRequest, merchandise: Merchandise) -> Page:
        """Compose a page with other merchandise than what is in force; nothing is written. Raises: as `compose`."""
        page, _ = await self._with_one_release(request, merchandise)
        return page

    def _after_answer(self, page: Page, visit: Visit) -> None:
        self._log.put(page, visit)
        self._metrics.count(page)

    async def _with_one_release(self, request: PageRequest, merchandise: Merchandise) -> tuple[Page, Visit]:
        """Make the page with one release; one that a service turns out not to have is given up once, then no
        ranking is asked for.
        """
        shop_id = request.visit.shop_id
        brief = settle(request, self._shops.open(shop_id), merchandise, self._settings)
        choices = self._releases.choices(shop_id, wanted_release(merchandise, request.visit))
        for release in choices[:2]:
            if release.release_id:
                try:
                    return await self._make(brief(release, ranked=True))
                except ReleaseRefused:
                    continue
        return await self._make(brief(choices[0], ranked=False))

    async def _make(self, brief: Brief) -> tuple[Page, Visit]:
        stage = brief.trace.stage
        index = await self._ask.item_index(brief)
        with stage("profile"):  # 1. Visit
            visit, met, campaigns = await self._ask.visitor(brief)
            rules = in_force(brief.merchandise.rules, visit)
        with stage("propose"):  # 2. Proposals
            proposals = [*propose(Scene(visit, index, campaigns, brief.sources)), *pin_proposals(rules)]
        with stage("recommend"):  # 3. Pools in, scored pools out
            scored = await self._ask.candidates(brief, visit, met, proposals, index)
        displays = Displays(scored.candidates.rows, index, visit.locale)
        with stage("eligibility"):  # 4. Eligibility
            checking = await self._ask.begin_check(brief, scored.candidates, displays)  # 6. begins: answered meanwhile
            question = Question(visit, index, rules, brief.assumed_age)
            boosted = boosts(rules, index, scored.candidates.rows)
            stock = Stock(proposals, scored, sift(scored, proposals, question), boosted)
        with stage("select"):  # 5. Whole-page selection
            promoted = promote(brief.template.places, campaigns, visit)
            task = assignment(brief, stock, question, promoted)
            draft = choose(task, visit)
        with stage("hydrate"):  # 6. Hydration and late check
            await self._ask.displays(brief, draft, displays, checking)
            draft = mended(draft, task, displays, visit)
        with stage("layout"):  # 7. Answer
            reasons = Reasons(brief.wording, visit.locale, visit, index)
            sections = lay_out(Material(draft, promoted, stock, displays, reasons, visit.locale))
        return finished(brief, stock, question, draft, sections), visit
