"""Keeps every shop's merchandise current: a poll of versions twice a second, and a load where one has grown."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from google.protobuf.json_format import ParseDict

from services.kit.errors import DependencyDown
from services.page_composer.decisions import campaign_of, experiment_of, rule_of, template_of
from services.page_composer.merchandise import Merchandise
from services.page_composer.shops import Shop, Shops
from services.page_composer.store.decision_store import Decisions, DecisionStore
from services.page_composer.template import Template
from vitrine.page_composer.v1 import experiment_pb2, merchandising_pb2

LOG = logging.getLogger(__name__)

POLL_S = 0.5


class MerchandiseFeed:
    """Loads what merchandisers decided. While PostgreSQL is down, what is loaded stays in force and is named as
    such.
    """

    def __init__(self, store: DecisionStore, built_in: Mapping[str, Template]) -> None:
        self._store = store
        self._built_in = built_in

    async def watch(self, shops: Shops) -> None:
        """Look again and again, until cancelled. What cannot be read is reported, and what was loaded before stays
        in force.
        """
        while True:
            try:
                await self.look(shops)
            except Exception:
                LOG.exception("decisions cannot be read; trying again")
            await asyncio.sleep(POLL_S)

    async def look(self, shops: Shops) -> None:
        """Look once at every shop; loads only what has changed."""
        try:
            versions = await self._store.versions()
            costs = await self._store.costs()
            for shop in shops.all():
                await self._look_at(shop, versions.get(shop.shop_id, 0), costs.get(shop.shop_id, {}))
        except DependencyDown as down:
            self.missed(shops, down.cause)

    def missed(self, shops: Shops, cause: str) -> None:
        """Note that PostgreSQL could not be asked."""
        for shop in shops.all():
            shop.merchandise_missing = cause
            shop.merchandise_tried.set()

    async def load(self, shop: Shop) -> None:
        """Load a shop's merchandise now. Raises: DependencyDown."""
        decisions = await self._store.load(shop.shop_id)
        shop.merchandise = merchandise_of(decisions, self._built_in, shop.merchandise.cost_minor)
        shop.merchandise_missing = ""
        shop.merchandise_loaded = True
        shop.merchandise_tried.set()

    async def _look_at(self, shop: Shop, version: int, cost_minor: Mapping[str, float]) -> None:
        if not shop.merchandise_loaded or version != shop.merchandise.version:
            await self.load(shop)
        shop.merchandise = replace(shop.merchandise, cost_minor=cost_minor)
        shop.merchandise_missing = ""


def merchandise_of(
    decisions: Decisions, built_in: Mapping[str, Template], cost_minor: Mapping[str, float]
) -> Merchandise:
    """The domain's view of what is stored."""
    read: Mapping[str, list[dict[str, Any]]] = decisions.content
    own = [template_of(ParseDict(each, merchandising_pb2.Template())) for each in read["template"]]
    return Merchandise(
        templates={**built_in, **{each.template_id: each for each in own}},
        version=decisions.version,
        rules=tuple(rule_of(ParseDict(each, merchandising_pb2.Rule())) for each in read["rule"]),
        campaigns=tuple(campaign_of(ParseDict(each, merchandising_pb2.Campaign())) for each in read["campaign"]),
        experiments=tuple(experiment_of(ParseDict(each, experiment_pb2.Experiment())) for each in read["experiment"]),
        cost_minor=cost_minor,
    )
