"""The bar for every model on histories. A file in lab/models is under these tests by being there.

A model is the same for the same seed; its scores are finite, come one for each item, and depend on the user's own
history alone; it takes empty and repeating histories and items that nobody has; and, on histories with structure that
any model can find, its NDCG@10 is at least one and a half times that of popularity.
"""

import dataclasses
import inspect

import numpy as np
import pytest

from lab.leaderboard.held_out import NextItemMeasure
from lab.leaderboard.histories import Histories
from lab.leaderboard.model import UnknownModelError, module_of, names
from tests.model.leaderboard.rings import ITEMS, RING, Rings, rings, trained

TIMES_POPULARITY = 1.5
PERSONAL = [name for name in names() if name != "popularity"]


@pytest.fixture(scope="module")
def made() -> Rings:
    return rings()


@pytest.fixture(scope="module")
def models(made):
    """Each model is trained once, when a test first asks for it."""
    found = {}

    def model_of(name):
        if name not in found:
            found[name] = trained(name, made)
        return found[name]

    return model_of


@pytest.mark.parametrize("name", names())
class TestEveryModel:
    def test_its_configuration_is_frozen_and_has_defaults(self, name, made, models):
        module = module_of(name)
        assert dataclasses.is_dataclass(module.Config)
        assert module.Config.__dataclass_params__.frozen
        module.Config()
        assert isinstance(module.USES_ORDER, bool)
        assert list(inspect.signature(module.train).parameters) == ["histories", "training", "config"]

    def test_it_scores_every_item_of_every_user_with_a_finite_number(self, name, made, models):
        scores = models(name).score(made.held.histories)
        assert scores.shape == (len(made.held), ITEMS)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()

    def test_scores_depend_on_the_users_own_history_whatever_the_batch(self, name, made, models):
        together = models(name).score(made.held.histories)
        for users in ([5], [80, 3, 41], list(range(7, 40))):
            alone = models(name).score(made.held.histories.take(np.array(users)))
            scale = np.abs(together[users]).max()
            np.testing.assert_allclose(alone, together[users], rtol=1e-4, atol=1e-5 * scale)

    def test_it_takes_users_without_a_history(self, name, made, models):
        scores = models(name).score(Histories.of([[], [1, 2], []], ITEMS))
        assert np.isfinite(scores).all()
        np.testing.assert_allclose(scores[0], scores[2], rtol=1e-4, atol=1e-6)
        nobody = models(name).score(Histories.of([[], []], ITEMS))
        np.testing.assert_allclose(nobody, scores[[0, 2]], rtol=1e-4, atol=1e-6)

    def test_it_takes_items_that_nobody_has_and_items_that_come_again(self, name, made, models):
        scores = models(name).score(Histories.of([[ITEMS - 1], [ITEMS - 1, 4], [4, 4, 5, 4]], ITEMS))
        assert np.isfinite(scores).all()

    def test_the_order_matters_only_where_it_says_so(self, name, made, models):
        module = module_of(name)
        walk = [3 * RING, 3 * RING + 1, 3 * RING + 2, 6 * RING, 6 * RING + 1]
        scores = models(name).score(Histories.of([walk, walk[::-1]], ITEMS))
        same = np.allclose(scores[0], scores[1], rtol=1e-4, atol=1e-5 * np.abs(scores).max())
        assert same is not module.USES_ORDER

    def test_the_same_seed_trains_the_same_model(self, name, made, models):
        again = trained(name, made)
        np.testing.assert_array_equal(again.score(made.held.histories), models(name).score(made.held.histories))


@pytest.mark.parametrize("name", PERSONAL)
def test_it_beats_popularity(name, made, models):
    measure = NextItemMeasure(made.held)
    assert measure(models(name)) > TIMES_POPULARITY * measure(models("popularity"))


def test_an_unknown_name_is_answered_with_the_names_there_are():
    with pytest.raises(UnknownModelError, match=r"there is no model 'nothing'; there are .*popularity"):
        module_of("nothing")
