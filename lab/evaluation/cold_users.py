"""How good a model is for new users: withheld from training, they show their first items one after another."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lab.evaluation.statistics import bootstrap
from lab.leaderboard import model as models
from lab.leaderboard.held_out import HeldOut
from lab.leaderboard.histories import Histories
from lab.leaderboard.ranking import gains

GIVEN = (1, 2, 3, 5)
WITHHELD_SHARE = 0.1


@dataclass(frozen=True)
class NewUsers:
    """Who is withheld, and who is trained on."""

    known: Histories
    new: Histories
    """Users with one item more than the most that are given, so that every point of the curve is of the same users."""

    @classmethod
    def split(cls, histories: Histories, seed: int, given: tuple[int, ...] = GIVEN) -> "NewUsers":
        """Withhold a tenth of all users, of those with enough items."""
        enough = np.flatnonzero(histories.sizes > max(given))
        random = np.random.default_rng(seed)
        count = min(round(len(histories) * WITHHELD_SHARE), len(enough) // 2)
        withheld = np.sort(random.permutation(enough)[:count])
        return cls(
            histories.take(np.setdiff1d(np.arange(len(histories)), withheld)),
            histories.take(withheld),
        )


def curve(
    name: str, users: NewUsers, training: models.Training, settings: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """A point for each number of items given: what comes next is ranked among all items not yet used.

    Each has `given`, and with intervals over users `ndcg_10`, that of popularity and the paired difference. No points
    where nobody is withheld.

    Raises: UnknownModelError.
    """
    if not len(users.new):
        return []
    model = models.train(name, users.known, training, settings)
    popularity = models.train("popularity", users.known, training)
    points = []
    for given in GIVEN:
        held = _first(users.new, given)
        own, popular = gains(held.ranks(model)), gains(held.ranks(popularity))
        points.append(
            {
                "given": given,
                "ndcg_10": bootstrap(own).as_dict(),
                "popularity_ndcg_10": bootstrap(popular).as_dict(),
                "gain_in_ndcg_10": bootstrap(own - popular).as_dict(),
            }
        )
    return points


def _first(users: Histories, given: int) -> HeldOut:
    """Each user's first items, and the one that comes next."""
    place = np.arange(len(users.rows)) - users.starts[:-1][users.owners()]
    return HeldOut(users.masked(place < given), users.rows[users.starts[:-1] + given])
