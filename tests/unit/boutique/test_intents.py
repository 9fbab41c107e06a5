import numpy as np

from lab.boutique.departments import CATEGORIES
from lab.boutique.intents import make_intents

TASTES = np.random.default_rng(2).normal(0, 1, (5, len(CATEGORIES))).astype(np.float32)


def test_the_multiplier_averages_to_one_over_the_stationary_distribution() -> None:
    intents = make_intents(TASTES)
    count = len(CATEGORIES)
    for user in range(len(TASTES)):
        users, all_intents = np.full(count, user), np.arange(count)
        mean = intents.stationary[user] @ intents.multipliers(users, all_intents)
        np.testing.assert_allclose(mean, 1, atol=1e-5)


def test_the_chain_keeps_its_stationary_distribution() -> None:
    intents = make_intents(TASTES)
    rng = np.random.default_rng(3)
    users = np.zeros(60_000, dtype=np.int64)
    present = rng.choice(len(CATEGORIES), len(users), p=intents.stationary[0])
    after = intents.next(users, present, rng)
    shares = np.bincount(after, minlength=len(CATEGORIES)) / len(users)
    np.testing.assert_allclose(shares, intents.stationary[0], atol=0.012)
    assert (after == present).mean() > 0.5


def test_tastes_show_in_the_interests() -> None:
    intents = make_intents(TASTES)
    assert (intents.interests.argmax(axis=1) == TASTES.argmax(axis=1)).all()
