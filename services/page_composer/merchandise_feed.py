"""Keeps every shop's merchandise current: a poll of versions twice a second, and a load where one has grown."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from services.kit.errors import DependencyDown
from services.page_composer.decisions import campaign_of, experiment_of, rule_of, template_of
from services.page_composer.experiments import Experiment
from services.page_composer.merchandise import Merchandise
from services.page_composer.shops import Shop, Shops
from services.page_composer.store.decision_store import Decisions, DecisionStore
from services.page_composer.template import Template
from services.page_composer.weighing import weight_names
from vitrine.page_composer.v1 import experiment_pb2, merchandising_pb2

LOG = logging.getLogger(__name__)

Decision = TypeVar("Decision", bound=Message)

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
    """The domain's view of what is stored. Fields that this version of the code does not know are left out."""

    def read(kind: str, message: type[Decision]) -> list[Decision]:
        return [ParseDict(each, message(), ignore_unknown_fields=True) for each in decisions.content[kind]]

    own = [template_of(each) for each in read("template", merchandising_pb2.Template)]
    return Merchandise(
        templates={**built_in, **{each.template_id: each for each in own}},
        version=decisions.version,
        rules=tuple(rule_of(each) for each in read("rule", merchandising_pb2.Rule)),
        campaigns=tuple(campaign_of(each) for each in read("campaign", merchandising_pb2.Campaign)),
        experiments=tuple(
            with_known_weights(experiment_of(each)) for each in read("experiment", experiment_pb2.Experiment)
        ),
        cost_minor=cost_minor,
    )


def with_known_weights(experiment: Experiment) -> Experiment:
    """The experiment without weights that no longer exist: one renamed since it was kept must not stop the shop's
    pages.
    """
    known = frozenset(weight_names())
    for arm in experiment.arms:
        for name in sorted(arm.weights.keys() - known):
            LOG.warning("experiment %s changes %s, which is no weight any more", experiment.experiment_id, name)
    arms = [
        replace(arm, weights={name: value for name, value in arm.weights.items() if name in known})
        for arm in experiment.arms
    ]
    return replace(experiment, arms=tuple(arms))
