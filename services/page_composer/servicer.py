"""PageComposerService: check, compose, convert."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime

import grpc

from services.page_composer.answer import Answer, timestamp, versions_message
from services.page_composer.brief import PageRequest
from services.page_composer.compose import Composer
from services.page_composer.decisions import campaign_of, rule_of, template_of
from services.page_composer.logged_page import LoggedPage
from services.page_composer.page import Page
from services.page_composer.preview import Change, changes
from services.page_composer.requests import check_compose, check_export, check_preview, locale_of, visit_of
from services.page_composer.shops import Shops
from services.page_composer.store.page_store import PageStore
from services.page_composer.visit import Visit
from services.page_composer.wording import Wording
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import page_composer_pb2 as pb
from vitrine.page_composer.v1 import page_composer_pb2_grpc


class PageComposerServicer(page_composer_pb2_grpc.PageComposerServiceServicer):
    """Answers pages."""

    def __init__(
        self,
        composer: Composer,
        shops: Shops,
        store: PageStore,
        tracking_key: bytes,
        language: tuple[Wording, str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._composer = composer
        self._shops = shops
        self._store = store
        self._key = tracking_key
        self._wording, self._default_locale = language
        self._clock = clock

    async def ComposePage(  # type: ignore[override]  # noqa: N802
        self, request: pb.ComposePageRequest, context: grpc.aio.ServicerContext
    ) -> pb.ComposePageResponse:
        """Compose the page of a visit."""
        check_compose(request)
        page = await self._composer.compose(
            PageRequest(
                visit=self._visit(request, self._clock()),
                min_profile_version=request.min_profile_version,
                template_id=request.template_id,
                explain=request.explain,
            )
        )
        answer = pb.ComposePageResponse()
        Answer(page, self._key, explain=request.explain).write(answer.page)
        return answer

    async def PreviewPage(  # type: ignore[override]  # noqa: N802
        self, request: pb.PreviewPageRequest, context: grpc.aio.ServicerContext
    ) -> pb.PreviewPageResponse:
        """Compose the page twice, as it is and as it would be, and say where they differ."""
        check_preview(request)
        at_s = request.at.ToNanoseconds() / 1e9 if request.HasField("at") else self._clock()
        template = template_of(request.template) if request.HasField("template") else None
        asked = PageRequest(
            visit=self._visit(request, at_s),
            template_id=request.template_id,
            explain=True,
            as_of=request.HasField("at"),
        )
        standing = (await self._shops.ready(request.shop_id)).merchandise
        changed = standing.changed(
            [rule_of(rule) for rule in request.rules],
            [campaign_of(campaign) for campaign in request.campaigns],
            template,
        )
        if template is not None:
            asked, before_asked = replace(asked, template_id=template.template_id), replace(asked, template_id="")
        else:
            before_asked = asked
        before = await self._composer.preview(before_asked, standing)
        after = await self._composer.preview(asked, changed)
        answer = pb.PreviewPageResponse(changes=[change_message(change, after) for change in changes(before, after)])
        Answer(after, self._key, explain=True).write(answer.page)
        return answer

    async def ExportPages(  # type: ignore[override]  # noqa: N802
        self, request: pb.ExportPagesRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.ExportPagesResponse]:
        """Stream the log of a time range."""
        from_, before = check_export(request)
        now = datetime.fromtimestamp(self._clock(), UTC)
        async for pages in self._store.export(request.shop_id, from_, before or now):
            yield pb.ExportPagesResponse(pages=[logged_message(page) for page in pages])

    def _visit(self, request: pb.ComposePageRequest | pb.PreviewPageRequest, at_s: float) -> Visit:
        locale = locale_of(request.visit, self._wording, self._default_locale)
        return visit_of(request.shop_id, request.request_id, request.visit, at_s, locale)


def change_message(change: Change, after: Page) -> pb.SlotChange:
    """A slot that differs from the page before, as the contract carries it."""
    return pb.SlotChange(
        placement=common_pb2.Placement(
            page_id=after.page_id,
            section_id=change.section_id,
            row=change.row,
            column=change.column,
            device=common_pb2.Device.ValueType(after.device),
        ),
        before_item_id=change.before_item_id,
        after_item_id=change.after_item_id,
    )


def logged_message(logged: LoggedPage) -> pb.LoggedPage:
    """A logged page as the contract carries it."""
    page = logged.page
    device = common_pb2.Device.ValueType(page.device)
    return pb.LoggedPage(
        page_id=page.page_id,
        composed_at=timestamp(page.composed_at.timestamp()),
        user_pseudonym=logged.pseudonym.hex() if logged.pseudonym else "",
        device=device,
        locale=page.locale,
        region=page.region,
        template_id=page.template_id,
        versions=versions_message(page.versions),
        slots=[
            pb.LoggedSlot(
                placement=common_pb2.Placement(
                    page_id=page.page_id, section_id=slot.section_id, row=slot.row, column=slot.column, device=device
                ),
                item_id=slot.item_id,
                shelf=slot.shelf,
                propensity=slot.propensity,
                origin=pb.SlotOrigin.ValueType(slot.origin),
                p_click_if_seen=slot.p_click,
                p_purchase_if_seen=slot.p_purchase,
            )
            for slot in page.slots
        ],
        arms=page.arms,
        degraded_dependencies=page.degraded,
    )
