"""MerchandisingService: check, keep, list, delete."""

from typing import Any

import grpc
from google.protobuf.json_format import ParseDict

from services.kit.checks import Checks
from services.page_composer.decision_checks import check_campaign, check_decision_id, check_rule, check_template
from services.page_composer.decisions import template_message
from services.page_composer.keeping import Keeping
from services.page_composer.template import Template
from vitrine.page_composer.v1 import merchandising_pb2 as pb
from vitrine.page_composer.v1 import merchandising_pb2_grpc


class MerchandisingServicer(merchandising_pb2_grpc.MerchandisingServiceServicer):
    """Keeps what merchandisers decide."""

    def __init__(self, keeping: Keeping, built_in: dict[str, Template]) -> None:
        self._keeping = keeping
        self._built_in = [template_message(each) for each in built_in.values()]

    async def PutCampaign(  # type: ignore[override]  # noqa: N802
        self, request: pb.PutCampaignRequest, context: grpc.aio.ServicerContext
    ) -> pb.PutCampaignResponse:
        """Create or replace a campaign."""
        checks = _checks(request)
        check_campaign(checks, "campaign", request.campaign)
        checks.raise_if_any()
        version = await self._keeping.put("campaign", request, request.campaign.campaign_id, request.campaign)
        return pb.PutCampaignResponse(campaign=request.campaign, rules_version=version)

    async def ListCampaigns(  # type: ignore[override]  # noqa: N802
        self, request: pb.ListCampaignsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListCampaignsResponse:
        """List campaigns by id."""
        _checks(request).raise_if_any()
        kept = await self._keeping.listed("campaign", request.shop_id)
        return pb.ListCampaignsResponse(campaigns=[ParseDict(each, pb.Campaign()) for each in kept])

    async def DeleteCampaign(  # type: ignore[override]  # noqa: N802
        self, request: pb.DeleteCampaignRequest, context: grpc.aio.ServicerContext
    ) -> pb.DeleteCampaignResponse:
        """Delete a campaign."""
        checks = _checks(request)
        check_decision_id(checks, "campaign_id", request.campaign_id)
        checks.raise_if_any()
        version = await self._keeping.delete("campaign", request.shop_id, request.campaign_id)
        return pb.DeleteCampaignResponse(rules_version=version)

    async def PutRule(  # type: ignore[override]  # noqa: N802
        self, request: pb.PutRuleRequest, context: grpc.aio.ServicerContext
    ) -> pb.PutRuleResponse:
        """Create or replace a rule."""
        checks = _checks(request)
        check_rule(checks, "rule", request.rule)
        checks.raise_if_any()
        version = await self._keeping.put("rule", request, request.rule.rule_id, request.rule)
        return pb.PutRuleResponse(rule=request.rule, rules_version=version)

    async def ListRules(  # type: ignore[override]  # noqa: N802
        self, request: pb.ListRulesRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListRulesResponse:
        """List rules by id."""
        _checks(request).raise_if_any()
        kept = await self._keeping.listed("rule", request.shop_id)
        return pb.ListRulesResponse(rules=[ParseDict(each, pb.Rule()) for each in kept])

    async def DeleteRule(  # type: ignore[override]  # noqa: N802
        self, request: pb.DeleteRuleRequest, context: grpc.aio.ServicerContext
    ) -> pb.DeleteRuleResponse:
        """Delete a rule."""
        checks = _checks(request)
        check_decision_id(checks, "rule_id", request.rule_id)
        checks.raise_if_any()
        version = await self._keeping.delete("rule", request.shop_id, request.rule_id)
        return pb.DeleteRuleResponse(rules_version=version)

    async def PutTemplate(  # type: ignore[override]  # noqa: N802
        self, request: pb.PutTemplateRequest, context: grpc.aio.ServicerContext
    ) -> pb.PutTemplateResponse:
        """Create or replace a template."""
        checks = _checks(request)
        check_template(checks, "template", request.template)
        checks.raise_if_any()
        version = await self._keeping.put("template", request, request.template.template_id, request.template)
        return pb.PutTemplateResponse(template=request.template, rules_version=version)

    async def ListTemplates(  # type: ignore[override]  # noqa: N802
        self, request: pb.ListTemplatesRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListTemplatesResponse:
        """List templates by id; a shop's own hides the built-in one of its id."""
        _checks(request).raise_if_any()
        kept = await self._keeping.listed("template", request.shop_id)
        own = [ParseDict(each, pb.Template()) for each in kept]
        in_force = {each.template_id: each for each in [*self._built_in, *own]}
        return pb.ListTemplatesResponse(templates=[in_force[template_id] for template_id in sorted(in_force)])

    async def DeleteTemplate(  # type: ignore[override]  # noqa: N802
        self, request: pb.DeleteTemplateRequest, context: grpc.aio.ServicerContext
    ) -> pb.DeleteTemplateResponse:
        """Delete a shop's own template."""
        checks = _checks(request)
        check_decision_id(checks, "template_id", request.template_id)
        checks.raise_if_any()
        version = await self._keeping.delete("template", request.shop_id, request.template_id)
        return pb.DeleteTemplateResponse(rules_version=version)


def _checks(request: Any) -> Checks:
    """Checks that every request here has in common, begun."""
    checks = Checks()
    checks.shop_id(request.shop_id)
    checks.request_id(request.request_id)
    return checks
