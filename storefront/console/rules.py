"""One rule: written, checked field by field, previewed, kept or deleted."""

import grpc
from starlette.responses import RedirectResponse, Response

from storefront.console.drafts import DEVICES, EFFECTS, Problems, form_of, rule_of, summary
from storefront.console.preview import Comparison, compare
from storefront.failures import RefusedError, failure_of
from storefront.response import html
from storefront.visit import Visit
from vitrine.page_composer.v1 import merchandising_pb2


async def edit(visit: Visit) -> Response:
    """A form for a new rule, or for the one that is named."""
    rule_id = visit.request.query_params.get("rule_id", "")
    rule = merchandising_pb2.Rule()
    if rule_id:
        answer = await visit.upstreams.merchandising.ListRules(
            merchandising_pb2.ListRulesRequest(shop_id=visit.shop.shop_id)
        )
        found = [one for one in answer.rules if one.rule_id == rule_id]
        if not found:
            raise RefusedError(404, "there is no such rule")
        rule = found[0]
    return await _page(visit, form_of(rule), Problems())


async def change(visit: Visit) -> Response:
    """Check, preview, save or delete, as the button says."""
    form = {name: visit.value(name) for name in visit.form}
    doing = form.get("do", "")
    if doing == "delete":
        return await _delete(visit, form.get("rule_id", ""))
    if doing not in ("check", "preview", "save"):
        raise RefusedError(400, "check, preview, save or delete?")
    problems = Problems()
    rule = rule_of(form, problems)
    await _put(visit, rule, doing == "save" and not problems.found, problems)
    if doing == "save" and not problems.found:
        visit.notice("done.consent")
        return RedirectResponse(visit.href("/console"), status_code=303)
    comparison = None
    if doing == "preview" and not problems.found:
        comparison = await compare(visit, form, rule, problems)
    return await _page(visit, form, problems, comparison, checked=doing == "check" and not problems.found)


async def _put(visit: Visit, rule: merchandising_pb2.Rule, kept: bool, problems: Problems) -> None:
    """Keep the rule, or only check it; what is wrong with it is added to problems."""
    request = merchandising_pb2.PutRuleRequest(
        shop_id=visit.shop.shop_id, request_id=visit.request_id, rule=rule, validate_only=not kept
    )
    try:
        await visit.upstreams.merchandising.PutRule(request)
    except grpc.aio.AioRpcError as error:
        failure = failure_of(error)
        if failure.http_status != 400:
            raise
        told = {name for name, _ in problems.found}
        found = failure.violations or (("rule", failure.message),)
        problems.found += [(name, text) for name, text in found if name not in told]


async def _delete(visit: Visit, rule_id: str) -> Response:
    await visit.upstreams.merchandising.DeleteRule(
        merchandising_pb2.DeleteRuleRequest(shop_id=visit.shop.shop_id, rule_id=rule_id)
    )
    visit.notice("done.consent")
    return RedirectResponse(visit.href("/console"), status_code=303)


async def _page(
    visit: Visit,
    form: dict[str, str],
    problems: Problems,
    comparison: Comparison | None = None,
    checked: bool = False,
) -> Response:
    return await html(
        visit,
        "console/rule.html",
        422 if problems.found else 200,
        form={name: form.get(name, "") for name in (*form_of(merchandising_pb2.Rule()), *_PREVIEW_FIELDS)},
        problems=problems,
        comparison=comparison,
        checked=checked,
        effects=EFFECTS,
        device_names=tuple(DEVICES),
        said=summary(rule_of(form, Problems())),
        active="console",
    )


_PREVIEW_FIELDS = ("as_user", "as_at", "as_locale", "as_region", "as_device", "as_page")
