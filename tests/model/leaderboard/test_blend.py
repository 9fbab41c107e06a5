"""Choosing and mixing models on items held out inside the training histories."""

import numpy as np
import pytest

from lab.evaluation.leave_one_out import measure, parameters_of, split
from lab.leaderboard import selection
from lab.leaderboard.held_out import HeldOut, hold_out_newest
from lab.leaderboard.histories import Histories
from lab.leaderboard.mixture import Mixture, Part, comparable, train_parts
from lab.leaderboard.model import AUTO, Training
from lab.leaderboard.selection import NothingHeldOutError, select
from lab.leaderboard.shortlists import best_weights, shortlists
from tests.model.leaderboard.rings import rings


@pytest.fixture
def cheap(monkeypatch):
    """`auto` with few and fast components."""
    monkeypatch.setattr(selection, "COMPONENTS", ("popularity", "item_cf", "ease"))
    monkeypatch.setattr(selection, "GRIDS", {"ease": ({"regularisation": 5.0}, {"regularisation": 50.0})})


class Fixed:
    def __init__(self, scores):
        self.scores = np.asarray(scores, np.float32)

    def score(self, histories):
        return self.scores[: len(histories)].copy()


def test_comparable_scores_have_one_scale_and_the_same_order():
    scores = np.array([[1.0, 2.0, 6.0], [-400.0, 0.0, 100.0], [3.0, 3.0, 3.0]], np.float32)
    found = comparable(scores)
    np.testing.assert_array_equal(np.argsort(found[:2]), np.argsort(scores[:2]))
    np.testing.assert_allclose(comparable(1000.0 * scores + 7.0), found, atol=1e-4)
    np.testing.assert_array_equal(found[2], 0.0)
    np.testing.assert_allclose(np.sinh(found[0]).std(), 1.0, rtol=1e-5)


def test_a_mixture_adds_comparable_scores():
    left, right = Fixed([[1, 2, 6]]), Fixed([[5, 4, 0]])
    found = Mixture((left, right), (0.75, 0.25)).score(Histories.of([[]], 3))
    np.testing.assert_allclose(found, 0.75 * comparable(left.scores) + 0.25 * comparable(right.scores), rtol=1e-5)


def test_short_lists_give_the_ranks_that_all_items_give():
    random = np.random.default_rng(0)
    histories = Histories.of([random.permutation(300)[:5] for _ in range(40)], 300)
    known, targets = histories.without_newest()
    held = HeldOut(known, targets)
    models = [Fixed(random.standard_normal((40, 300))) for _ in range(3)]
    weights = np.array([0.5, 0.2, 0.3])
    full = held.ranks(Mixture(tuple(models), tuple(weights)))
    lists = shortlists([comparable(each.scores) for each in models], held)
    near = full <= 10
    np.testing.assert_allclose(lists.ranks(weights)[near], full[near])


def test_weights_find_the_model_that_tells_and_leave_out_the_one_that_does_not():
    random = np.random.default_rng(1)
    histories = Histories.of([random.permutation(200)[:4] for _ in range(300)], 200)
    known, targets = histories.without_newest()
    held = HeldOut(known, targets)
    told = random.standard_normal((300, 200)).astype(np.float32)
    told[np.arange(300), targets] += 3.0
    noise = random.standard_normal((300, 200)).astype(np.float32)
    weights = best_weights(shortlists([comparable(noise), comparable(told)], held))
    assert weights[1] > 0.85
    assert weights.sum() == pytest.approx(1.0)


def test_auto_tries_everything_and_is_at_least_as_good_as_the_best(cheap):
    made = rings()
    found = select(AUTO, made.known, Training())
    labels = [trial.label for trial in found.trials]
    assert labels[:4] == ["popularity", "item_cf", "ease(regularisation=5.0)", "ease(regularisation=50.0)"]
    assert found.trials[-1].gains >= max(trial.gains for trial in found.trials[:-1])
    assert sum(part.weight for part in found.parts) == pytest.approx(1.0, abs=1e-3)


def test_a_single_name_is_chosen_with_its_best_settings(cheap):
    found = select("ease", rings().known, Training())
    assert [part.name for part in found.parts] == ["ease"]
    assert found.parts[0].settings == max(found.trials, key=lambda trial: trial.gains).part.settings


def test_models_are_tried_where_they_can_be():
    walks = [[0, 1, 2], [3]]
    assert {"sequence_linear", "sasrec"} <= set(selection.components(Histories.of(walks, 5_000), attributes=False))
    assert "sequence_linear" not in selection.components(Histories.of(walks, 500_000), attributes=False)
    assert "sasrec" not in selection.components(Histories.of([[0], [3]], 5_000), attributes=False)
    assert "knowledge_graph" in selection.components(Histories.of(walks, 5_000), attributes=True)
    assert "knowledge_graph" not in selection.components(Histories.of(walks, 5_000), attributes=False)


def test_nothing_can_be_chosen_where_nobody_has_two_items():
    with pytest.raises(NothingHeldOutError, match="two items"):
        select("popularity", Histories.of([[0], [1]], 2), Training())


def test_the_protocol_holds_out_the_last_two_items():
    made = split(Histories.of([[0, 1, 2, 3], [4], [5, 6]], 7))
    assert [list(made.train.of_user(user)) for user in range(3)] == [[0, 1], [4], [5]]
    assert [list(made.validation.histories.of_user(user)) for user in range(len(made.validation))] == [[0, 1]]
    assert list(made.validation.targets) == [2]
    assert [list(made.test.histories.of_user(user)) for user in range(len(made.test))] == [[0, 1, 2], [5]]
    assert list(made.test.targets) == [3, 6]


def test_a_row_says_what_was_chosen_and_how_large_it_is(cheap):
    known, _ = hold_out_newest(rings().known)
    row, outcome = measure("popularity", split(known), Training())
    assert row.name == row.settings == "popularity"
    assert row.gains.low <= row.gains.mean <= row.gains.high
    assert row.hits.mean == pytest.approx((outcome.ranks <= 10).mean())
    assert row.parameters == known.item_count
    above, _ = outcome.above(outcome)
    assert (above.low, above.high) == (0.0, 0.0)


def test_parts_are_trained_on_everything_and_counted(cheap):
    made = rings()
    parts = (Part("popularity", weight=0.3), Part("item_cf", {"window": 2}, weight=0.7))
    model = train_parts(parts, made.known, Training())
    assert parameters_of(model) > made.known.item_count
    assert train_parts(parts[:1], made.known, Training()).score(made.held.histories).shape[1] == made.known.item_count
