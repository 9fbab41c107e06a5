"""A page as somebody would see it, before and after a draft rule."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from storefront.console.drafts import DEVICES, Form, Problems, time_of
from storefront.response import maker
from storefront.sections import PageView, page_view
from storefront.visit import Visit
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import merchandising_pb2, page_composer_pb2

Place = tuple[str, int, int]


@dataclass(frozen=True)
class Comparison:
    """The same page without and with the draft."""

    before: PageView
    after: PageView
    changes: Sequence[page_composer_pb2.SlotChange]
    left: frozenset[Place]
    """Places whose item is another one afterwards."""

    def moved(self, section_id: str, view: PageView, index: int) -> bool:
        """Whether the slot at this index of the section differs."""
        for section in view.page.sections:
            if section.section_id == section_id:
                return place_of(section.slots[index].placement) in self.left
        return False


def place_of(placement: common_pb2.Placement) -> Place:
    """A placement as a key."""
    return (placement.section_id, placement.row, placement.column)


async def compare(visit: Visit, form: Form, rule: merchandising_pb2.Rule | None, problems: Problems) -> Comparison:
    """Preview the page as the form says, with and without the rule. Raises: AioRpcError."""
    request = page_composer_pb2.PreviewPageRequest(
        shop_id=visit.shop.shop_id, request_id=visit.request_id, visit=_context(visit, form)
    )
    at = time_of(form.get("as_at", ""), "at", problems)
    if at is not None:
        request.at.CopyFrom(at)
    changed = page_composer_pb2.PreviewPageRequest()
    changed.CopyFrom(request)
    if rule is not None:
        changed.rules.append(rule)
    stub = visit.upstreams.composer
    before, after = await asyncio.gather(stub.PreviewPage(request), stub.PreviewPage(changed))
    make = maker(visit)
    return Comparison(
        before=page_view(before.page, make),
        after=page_view(after.page, make),
        changes=after.changes,
        left=frozenset(place_of(change.placement) for change in after.changes),
    )


def _context(visit: Visit, form: Form) -> common_pb2.VisitContext:
    user_id = form.get("as_user", "")
    return common_pb2.VisitContext(
        user_id=user_id,
        session_id="" if user_id else f"preview-{visit.request_id}",
        channel="web",
        locale=form.get("as_locale", "") or visit.language.tag,
        region=form.get("as_region", ""),
        device=DEVICES.get(form.get("as_device", ""), common_pb2.DEVICE_DESKTOP),
        page=form.get("as_page", "") or "home",
    )
