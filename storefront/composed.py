"""Asking page_composer for a page."""

import dataclasses
import logging
import time

import grpc

from storefront.failures import failure_of
from storefront.response import maker
from storefront.sections import PageView, page_view
from storefront.visit import Visit
from vitrine.page_composer.v1 import page_composer_pb2

logger = logging.getLogger(__name__)


async def compose(visit: Visit, page: str = "home") -> PageView:
    """The composed page, knowing everything the visitor did before. Raises: AioRpcError."""
    request = page_composer_pb2.ComposePageRequest(
        shop_id=visit.shop.shop_id,
        request_id=visit.request_id,
        visit=visit.context(page),
        min_profile_version=visit.profile_version,
        explain=visit.visitor.explained,
    )
    deadline = visit.premises.settings.page_deadline_ms / 1_000
    started = time.perf_counter()
    answer = await visit.upstreams.composer.ComposePage(request, timeout=deadline)
    visit.request.state.compose_ms = (time.perf_counter() - started) * 1_000
    return page_view(answer.page, maker(visit))


async def compose_beside(visit: Visit, page: str, limit: int) -> PageView | None:
    """The first shelves of a composed page, beside something that stands without them; None when they cannot be had."""
    try:
        view = await compose(visit, page)
        shelves = tuple(section for section in view.sections if section.cards)[:limit]
        return dataclasses.replace(view, sections=shelves)
    except grpc.aio.AioRpcError as error:
        failure = failure_of(error)
        logger.warning("page %s not composed: %s %s", page, failure.code.name, failure.message)
        return None
