"""The models of profiles learn who belongs together, and say the same of a user whoever else is asked about."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from lab.leaderboard.fold_in import FoldIn, distinct
from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Model, Training, module_of, train

ITEMS, GROUPS = 60, 4
GROUP_OF = np.arange(ITEMS) % GROUPS
QUICK = {"hidden": (24,), "max_epochs": 25, "learning_rate": 5e-3, "batch_users": 32}
MODELS = {
    "ease": {},
    "linear_autoencoder": {},
    "infinite_autoencoder": {},
    "autoencoder": QUICK,
    "denoising": QUICK,
    "variational": QUICK,
    "recvae": {**QUICK, "max_epochs": 10},
}


def users(count: int, seed: int, items_each: int = 8) -> Histories:
    """Users of one group each, who take their items from it nine times out of ten."""
    random = np.random.default_rng(seed)
    popularity = np.tile(random.random(ITEMS // GROUPS) + 0.2, (GROUPS, 1)).T.reshape(-1)
    made = []
    for user in range(count):
        liked = popularity * np.where(user % GROUPS == GROUP_OF, 27.0, 1.0)
        made.append(random.choice(ITEMS, items_each, replace=False, p=liked / liked.sum()).tolist())
    return distinct(Histories.of(made, ITEMS))


JUDGES = FoldIn.split(users(120, seed=8), np.random.default_rng(2))


@cache
def trained(name: str) -> Model:
    return train(name, users(200, seed=1), Training(seed=3), MODELS[name])


@pytest.mark.parametrize("name", MODELS)
def test_it_beats_popularity_on_users_it_has_not_seen(name):
    popularity = train("popularity", users(200, seed=1), Training())
    assert JUDGES.ndcg(trained(name)) > JUDGES.ndcg(popularity) + 0.1


@pytest.mark.parametrize("name", MODELS)
def test_a_users_scores_do_not_depend_on_who_else_is_asked_about(name):
    together = trained(name).score(JUDGES.given)
    assert np.isfinite(together).all()
    for user in (0, 17):
        alone = trained(name).score(JUDGES.given.take(np.array([user])))
        assert alone[0] == pytest.approx(together[user], abs=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_it_answers_for_someone_of_whom_nothing_is_known(name):
    scores = trained(name).score(Histories.of([[], [3]], ITEMS))
    assert scores.shape == (2, ITEMS)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", ["denoising", "recvae"])
def test_networks_of_one_seed_are_the_same_and_of_another_are_not(name):
    short = {**QUICK, "max_epochs": 2}
    first, again, other = (train(name, users(60, seed=4), Training(seed=seed), short) for seed in (5, 5, 6))
    given = JUDGES.given
    assert np.array_equal(first.score(given), again.score(given))
    assert not np.allclose(first.score(given), other.score(given))


def test_members_vote_with_their_mean():
    short = {**QUICK, "max_epochs": 2, "members": 2}
    both = train("denoising", users(60, seed=4), Training(seed=5), short)
    alone = [replace(both, networks=[network]).score(JUDGES.given) for network in both.networks]
    assert both.score(JUDGES.given) == pytest.approx(np.mean(alone, axis=0), abs=1e-5)
    assert not np.allclose(*alone)


def test_what_is_not_reconstructed_stands_below_all():
    short = {**QUICK, "max_epochs": 2, "most_items": 20}
    learnt = users(60, seed=4)
    counts = np.asarray(learnt.matrix().sum(axis=0)).ravel()
    scores = train("denoising", learnt, Training(), short).score(JUDGES.given)
    known = np.argsort(-counts, kind="stable")[:20]
    unknown = np.setdiff1d(np.arange(ITEMS), known)
    assert (scores[:, unknown].max(axis=1) < scores[:, known].min(axis=1)).all()


def test_learning_stops_where_held_out_users_gain_nothing_more_and_says_when():
    found: list[float] = []

    def measure(model: Model) -> float:
        found.append(JUDGES.ndcg(model))
        return found[-1]

    settings = {**QUICK, "max_epochs": 200, "patience": 3}
    model = train("denoising", users(200, seed=1), Training(seed=3, measure=measure), settings)
    assert len(found) < 200
    assert model.epochs == int(np.argmax(found)) + 1
    assert JUDGES.ndcg(model) == pytest.approx(max(found), abs=1e-6)
    assert train("denoising", users(200, seed=1), Training(seed=3, epochs=2), settings).epochs == 2


def test_the_linear_model_without_its_powers_is_ease():
    plain = train(
        "linear_autoencoder",
        users(200, seed=1),
        Training(),
        {"regularisation": 40.0, "popularity_power": 0.0, "penalty_power": 0.0},
    )
    ease = train("ease", users(200, seed=1), Training(), {"regularisation": 40.0})
    assert plain.score(JUDGES.given) == pytest.approx(ease.score(JUDGES.given), abs=1e-5)


def test_the_infinite_autoencoder_is_the_ridge_regression_of_its_kernel():
    learnt, asked = users(30, seed=4), users(5, seed=9)
    settings = {"regularisation": 0.5, "item_power": 0.0, "popularity_power": 0.0}
    x, y = (each.matrix().toarray().astype(np.float64) for each in (learnt, asked))
    unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (x, y)]

    def kernel(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Of infinitely many rectified units: E[relu' relu'] xᵀy + E[relu relu], 1 where x = y."""
        cosine = np.clip(left @ right.T, -1.0, 1.0)
        angle = np.arccos(cosine)
        first = (np.pi - angle) / np.pi * cosine
        second = (np.sin(angle) + (np.pi - angle) * cosine) / np.pi
        return (first + second) / 2.0

    expected = kernel(unit[1], unit[0]) @ np.linalg.solve(kernel(unit[0], unit[0]) + 0.5 * np.eye(30), x)
    got = train("infinite_autoencoder", learnt, Training(), settings).score(asked)
    assert got == pytest.approx(expected, abs=1e-3)


def test_the_blend_gives_the_best_of_its_parts_the_larger_share():
    settings = {"parts": ("linear_autoencoder", "popularity"), "steps": 5}
    blend = train("profile_blend", users(120, seed=1), Training(seed=3), settings)
    linear, popular = blend.shares
    assert linear > popular
    assert linear + popular == pytest.approx(1.0)
    assert blend.ndcg >= max(choice.ndcg.mean() for choice in blend.choices)
    assert JUDGES.ndcg(blend) > 0.3


def test_the_blend_holds_networks_of_several_seeds():
    module = module_of("profile_blend")
    config = module.Config(parts=("variational",), steps=1, members=2)
    blend = module.train(users(60, seed=1), Training(seed=3), config)
    assert len(blend.blend.models[0].networks) == 2
    assert blend.figures()["parts"]["variational"]["epochs"] >= 1
