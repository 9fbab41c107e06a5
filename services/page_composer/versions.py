"""The versions that a page depends on."""

from services.page_composer.brief import Brief
from services.page_composer.candidates import Scored
from services.page_composer.item_index import ItemIndex
from services.page_composer.page import Versions
from services.page_composer.visit import Visit


def versions(brief: Brief, index: ItemIndex, visit: Visit, scored: Scored) -> Versions:
    """Everything that, with the request, decides the page."""
    return Versions(
        release_id=brief.release.release_id,
        item_cursor=index.cursor,
        rules_version=brief.merchandise.version,
        profile_version=visit.profile.version,
        model_version=scored.model_version,
        posterior_version=brief.posterior.version,
        weights_version=brief.weights.version,
    )
