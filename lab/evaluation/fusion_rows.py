"""The rows that studies of the fusion model train and judge on: a shop's logged pages, as training builds them."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lab.training.content import learn_content
from lab.training.export import export_shop
from lab.training.learning import TrainingOptions, cut_of, item_table, learn_users, serving_parts
from lab.training.logged_pages import logged_pages
from lab.training.request_rows import Requests, impression_rows
from lab.training.vocabulary import build_vocabulary, fit_price_bands
from services.ranker.model.configuration import ItemTable
from services.ranker.model.normalisation import priced
from services.ranker.training.fusion import TrainingConfig
from services.ranker.training.rows import ImpressionRows

if TYPE_CHECKING:
    from lab.commands.evaluate import EvaluationContext

TRAINING = TrainingConfig(validation_share=0.1, held_out_share=0.25)
"""More is held out than for a release: a study asks how sure a figure is."""


@dataclass(frozen=True)
class FusionRows:
    """What a study is given."""

    rows: ImpressionRows
    table: ItemTable
    training: TrainingConfig
    regions: tuple[str, ...] = ()
    """Countries that the context names, in the order of its columns (`features.REGION_COLUMNS`)."""

    @cached_property
    def held_out(self) -> ImpressionRows:
        """The latest pages, which nothing is fitted on."""
        return self.rows.split_by_time(self.training.validation_share, self.training.held_out_share)[2]


def fusion_rows(context: "EvaluationContext", training: TrainingConfig = TRAINING) -> FusionRows:
    """A shop's logged pages as rows, with everything learnt of users and items before the validation pages.

    Raises: NothingToLearnError; FeaturesMissingError.
    """
    options = TrainingOptions(fusion_training=training)
    data = export_shop(context.shop_id, context.work, context.addresses, context.progress.show)
    pages = logged_pages(data.events)
    cut = cut_of(data, pages, options)
    bands = fit_price_bands(data)
    vocabulary = build_vocabulary(data, bands)
    content = learn_content(data, pages, cut.at_us)
    users = learn_users(data, cut, options, context.progress.show)
    requests = Requests(data, serving_parts(data, vocabulary, bands, content, users.encoder))
    prices = priced(vocabulary.categories, data.prices_minor)
    rows, normalisation = impression_rows(data, cut.pages, requests, prices, context.progress.show)
    return FusionRows(rows, item_table(data, vocabulary, content, cut), training, tuple(normalisation.regions))
