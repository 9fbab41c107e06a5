"""Intents: the category somebody is after right now.

An intent is a Markov chain over categories: it stays, moves on to a complement, or is drawn anew from the user's
interests. Its multiplier on P(click | seen) is scaled by the chain's stationary distribution, so that over time it
averages to one: recent actions predict the next ones, and the truth without an intent stays the truth.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.boutique.catalogue import Column
from lab.boutique.departments import CATEGORIES, CATEGORY_PATHS
from lab.boutique.users import Matrix

STAY, MOVE_ON = 0.55, 0.15
BOOST = 4.0
"""An item of the intent is clicked this many times as readily as it is otherwise."""
SHARPNESS = 1.1


@dataclass(frozen=True)
class Intents:
    """The chain of every user."""

    interests: NDArray[np.float64]
    """[users, categories] distribution from which a new intent is drawn."""
    stationary: NDArray[np.float64]
    """[users, categories] share of time spent on each category."""

    def first(self, rng: np.random.Generator) -> Column:
        """An intent for every user, from the stationary distribution."""
        return _drawn(self.stationary, rng)

    def next(self, users: Column, present: Column, rng: np.random.Generator) -> Column:
        """The next intent of each of `users`, whose present one is given."""
        draw = rng.random(len(users))
        moved = _drawn(_complements()[present], rng)
        anew = _drawn(self.interests[users], rng)
        return np.where(draw < STAY, present, np.where(draw < STAY + MOVE_ON, moved, anew))

    def multipliers(self, users: Column, intents: Column) -> Matrix:
        """[users, categories] factors on P(click | seen); their mean over the stationary distribution is one."""
        scale = 1 / (1 + (BOOST - 1) * self.stationary[users])
        scale[np.arange(len(users)), intents] *= BOOST
        return scale.astype(np.float32)


def make_intents(category_tastes: Matrix) -> Intents:
    """The chain that follows from category tastes, [users, categories] logits.

    With M the matrix of complements, the stationary row vector solves pi = STAY pi + MOVE_ON pi M + (rest) interests.
    """
    weights = np.exp(SHARPNESS * (category_tastes - category_tastes.max(axis=1, keepdims=True)).astype(np.float64))
    interests = weights / weights.sum(axis=1, keepdims=True)
    system = (1 - STAY) * np.eye(len(CATEGORIES)) - MOVE_ON * _complements()
    stationary = (1 - STAY - MOVE_ON) * np.linalg.solve(system.T, interests.T).T
    return Intents(interests, stationary / stationary.sum(axis=1, keepdims=True))


def _complements() -> NDArray[np.float64]:
    matrix = np.zeros((len(CATEGORIES), len(CATEGORIES)))
    for row, category in enumerate(CATEGORIES):
        for path in category.complements:
            matrix[row, CATEGORY_PATHS.index(path)] = 1 / len(category.complements)
    return matrix


def _drawn(distributions: NDArray[np.float64], rng: np.random.Generator) -> Column:
    """One draw from each row."""
    cumulative = distributions.cumsum(axis=1)
    drawn = (cumulative < rng.random((len(distributions), 1)) * cumulative[:, -1:]).sum(axis=1)
    return np.asarray(np.minimum(drawn, distributions.shape[1] - 1))
