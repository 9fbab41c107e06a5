"""The finished page: its sections, and everything that it says of itself."""

from collections.abc import Sequence

from services.page_composer.assignment import Stock
from services.page_composer.brief import Brief
from services.page_composer.draft import Draft
from services.page_composer.eligibility import Question
from services.page_composer.explain import explained
from services.page_composer.page import Page, Section, Versions


def finished(brief: Brief, stock: Stock, question: Question, draft: Draft, sections: Sequence[Section]) -> Page:
    """Put the page together."""
    visit = question.visit
    return Page(
        shop_id=visit.shop_id,
        page_id=visit.request_id,
        sections=sections,
        locale=visit.locale,
        device=visit.device,
        template_id=brief.template.template_id,
        versions=Versions(
            release_id=brief.release.release_id,
            item_cursor=question.index.cursor,
            rules_version=brief.merchandise.version,
            profile_version=visit.profile.version,
            model_version=stock.scored.model_version,
            posterior_version=brief.posterior.version,
            weights_version=brief.weights.version,
        ),
        composed_at_s=visit.at_s,
        arms=[each.name for each in brief.assigned],
        degraded=brief.trace.degraded,
        timings=brief.trace.timings,
        personalised=not visit.profile.anonymous,
        dropped=explained(stock.scored, stock.eligible, draft, question) if brief.request.explain else (),
        expected_value=draft.value(),
    )
