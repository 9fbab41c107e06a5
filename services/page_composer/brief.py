"""What a page is made with, settled before it is made: state of the shop, arms, weights, template, and one release."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.kit.deadline import Budget
from services.kit.errors import NotFound
from services.page_composer.experiments import Assigned, assign
from services.page_composer.merchandise import Merchandise
from services.page_composer.page_release import PageRelease
from services.page_composer.shops import Shop
from services.page_composer.template import Template, choose_template
from services.page_composer.trace import Trace
from services.page_composer.visit import Visit
from services.page_composer.weighing import Posterior, Weights
from services.page_composer.wording import Wording

DEFAULT_DEADLINE_MS = 1_000.0
RESERVE_MS = 22.0
RESERVE_SHARE = 0.15
"""Kept back for our own work (selection, layout, the answer's encoding): so much, or this share of the deadline
where that is more, since a caller with more time may be calling a machine with more to do.
"""


@dataclass(frozen=True)
class PageRequest:
    """A page to make."""

    visit: Visit
    """With an empty profile."""
    min_profile_version: int = 0
    template_id: str = ""
    explain: bool = False
    as_of: bool = False
    """Whether the profile is wanted as of the visit's time, not as of now."""


@dataclass(frozen=True)
class Settings:
    """What does not change from page to page, or changes by hot reload."""

    wording: Wording
    weights: Callable[[], Weights]
    posterior: Callable[[], Posterior]
    assumed_age: int = 0


@dataclass(frozen=True)
class Brief:
    """Everything settled for one attempt at one page."""

    request: PageRequest
    shop: Shop
    merchandise: Merchandise
    assigned: Sequence[Assigned]
    weights: Weights
    posterior: Posterior
    template: Template
    release: PageRelease
    ranked: bool
    """Whether the ranker is asked: false where no release is ready for it."""
    wording: Wording
    assumed_age: int
    budget: Budget
    trace: Trace

    @property
    def sources(self) -> frozenset[str] | None:
        """The candidate sources that can be asked; None where the ranker is not asked."""
        return self.release.sources if self.ranked else None


def settle(request: PageRequest, shop: Shop, merchandise: Merchandise, settings: Settings) -> Callable[..., Brief]:
    """Settle all but the release: the answer takes `release` and `ranked`, and gives each attempt a trace of its own.

    Raises: NotFound (TEMPLATE_UNKNOWN).
    """
    assigned = assign(merchandise.experiments, request.visit)
    weights = settings.weights()
    for each in assigned:
        weights = weights.changed(each.arm.weights, each.name)
    arm_template = next((each.arm.template_id for each in assigned if each.arm.template_id), "")
    template = _template(merchandise, request.template_id, arm_template, request.visit)
    deadline_ms = Budget.of_call(DEFAULT_DEADLINE_MS).remaining_ms
    budget = Budget(deadline_ms, reserve_ms=max(RESERVE_MS, RESERVE_SHARE * deadline_ms))

    def with_release(release: PageRelease, *, ranked: bool) -> Brief:
        return Brief(
            request=request,
            shop=shop,
            merchandise=merchandise,
            assigned=assigned,
            weights=weights,
            posterior=settings.posterior(),
            template=template,
            release=release,
            ranked=ranked,
            wording=settings.wording,
            assumed_age=settings.assumed_age,
            budget=budget,
            trace=Trace(),
        )

    return with_release


def wanted_release(merchandise: Merchandise, visit: Visit) -> str:
    """The release that an arm of the visit wants; empty when none does."""
    return next((each.arm.release_id for each in assign(merchandise.experiments, visit) if each.arm.release_id), "")


def _template(merchandise: Merchandise, asked: str, of_arm: str, visit: Visit) -> Template:
    """The template asked for, else the arm's (while it exists), else the one in force for the page and device."""
    if asked:
        if asked not in merchandise.templates:
            raise NotFound(
                f"there is no template {asked}; ListTemplates names those there are",
                reason="TEMPLATE_UNKNOWN",
                metadata={"template_id": asked},
            )
        return merchandise.templates[asked]
    if of_arm in merchandise.templates:
        return merchandise.templates[of_arm]
    return choose_template(merchandise.templates, visit)
