"""What merchandisers have decided for a shop, as one consistent state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.page_composer.experiments import Experiment
from services.page_composer.rules.campaign import Campaign
from services.page_composer.rules.rule import Rule
from services.page_composer.template import Template


@dataclass(frozen=True)
class Merchandise:
    """Rules, campaigns, templates and experiments of a shop."""

    templates: Mapping[str, Template]
    """By id; a shop's own stand before built-in ones of the same id."""
    version: int = 0
    rules: Sequence[Rule] = ()
    campaigns: Sequence[Campaign] = ()
    experiments: Sequence[Experiment] = ()
    cost_minor: Mapping[str, float] = field(default_factory=dict)
    """By campaign: what it has cost so far."""

    def changed(
        self, rules: Sequence[Rule] = (), campaigns: Sequence[Campaign] = (), template: Template | None = None
    ) -> "Merchandise":
        """Return this state with more rules and campaigns, or others in place of those with the same ids, and one
        more template.
        """
        merged_rules = {**{each.rule_id: each for each in self.rules}, **{each.rule_id: each for each in rules}}
        merged_campaigns = {
            **{each.campaign_id: each for each in self.campaigns},
            **{each.campaign_id: each for each in campaigns},
        }
        templates = {**self.templates, template.template_id: template} if template else self.templates
        return replace(
            self,
            rules=tuple(merged_rules.values()),
            campaigns=tuple(merged_campaigns.values()),
            templates=templates,
        )
