"""The executable half of the contracts' comments: what a request must be, and the visit it speaks of."""

from datetime import UTC, datetime

from services.kit.call_context import new_request_id
from services.kit.checks import Checks
from services.page_composer.decision_checks import DECISION_ID, check_campaign, check_rule, check_template
from services.page_composer.visit import Device, Visit
from services.page_composer.wording import Wording
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import page_composer_pb2 as pb

CHANGES_AT_MOST = 20


def check_compose(request: pb.ComposePageRequest) -> None:
    """Raises: InvalidRequest."""
    checks = Checks()
    _check_visitor(checks, request)
    checks.that(
        request.min_profile_version >= 0, "min_profile_version", "send 0 or a version that RecordEvents answered"
    )
    _check_template_id(checks, request.template_id)
    checks.raise_if_any()


def check_preview(request: pb.PreviewPageRequest) -> None:
    """Raises: InvalidRequest."""
    checks = Checks()
    _check_visitor(checks, request)
    checks.timestamp("at", request.at)
    _check_template_id(checks, request.template_id)
    checks.count("rules", request.rules, 0, CHANGES_AT_MOST)
    checks.count("campaigns", request.campaigns, 0, CHANGES_AT_MOST)
    for number, rule in enumerate(request.rules[:CHANGES_AT_MOST]):
        check_rule(checks, f"rules[{number}]", rule)
    for number, campaign in enumerate(request.campaigns[:CHANGES_AT_MOST]):
        check_campaign(checks, f"campaigns[{number}]", campaign)
    if request.HasField("template"):
        check_template(checks, "template", request.template)
    checks.raise_if_any()


def check_export(request: pb.ExportPagesRequest) -> tuple[datetime, datetime | None]:
    """The time range asked for. Raises: InvalidRequest."""
    checks = Checks()
    checks.shop_id(request.shop_id)
    checks.request_id(request.request_id)
    valid = checks.timestamp("composed_from", request.composed_from)
    valid = checks.timestamp("composed_before", request.composed_before) and valid
    since, before = None, None
    if valid:
        since = request.composed_from.ToDatetime(UTC)
        before = request.composed_before.ToDatetime(UTC) if request.HasField("composed_before") else None
        checks.that(before is None or since < before, "composed_from", "send a time before composed_before")
    checks.raise_if_any()
    return since or datetime.fromtimestamp(0, UTC), before


def visit_of(shop_id: str, request_id: str, message: common_pb2.VisitContext, at_s: float, locale: str) -> Visit:
    """The visit with its defaults; `locale` is the page's."""
    return Visit(
        shop_id=shop_id,
        request_id=request_id or new_request_id(),
        at_s=at_s,
        user_id=message.user_id,
        session_id=message.session_id,
        channel=message.channel or "web",
        locale=locale,
        region=message.region,
        currency=message.currency,
        device=Device(message.device or Device.DESKTOP),
        page=message.page or "home",
        referrer=message.referrer,
    )


def locale_of(message: common_pb2.VisitContext, wording: Wording, default: str) -> str:
    """The language that the page will be in."""
    return wording.page_locale(message.locale or default, default)


def _check_visitor(checks: Checks, request: pb.ComposePageRequest | pb.PreviewPageRequest) -> None:
    checks.shop_id(request.shop_id)
    checks.request_id(request.request_id)
    if checks.that(request.HasField("visit"), "visit", "required: who is visiting; empty fields make it anonymous"):
        checks.visit_context("visit", request.visit)


def _check_template_id(checks: Checks, template_id: str) -> None:
    valid = not template_id or DECISION_ID.fullmatch(template_id) is not None
    checks.that(valid, "template_id", "send 1 to 64 characters of a-z, A-Z, 0-9, '-', '_' and '.'")
