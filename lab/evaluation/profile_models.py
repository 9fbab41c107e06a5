"""Models of profiles by name: set up on users who are held out, then trained on all."""

from typing import Any

from lab.evaluation.statistics import bootstrap
from lab.leaderboard import model as models
from lab.leaderboard.histories import Histories
from lab.leaderboard.model import AUTO, Model, Training
from lab.leaderboard.setting_choice import WITHOUT_ORDER, choose, inner_folds

AUTO_MODEL = "profile_blend"
"""What `auto` stands for: its parts' shares are chosen by validation, and one part may take all."""


class UnfitModelError(ValueError):
    """A model that profiles cannot be given to."""


def fit_model(name: str) -> str:
    """The model that a name stands for. Raises: UnknownModelError, UnfitModelError."""
    found = AUTO_MODEL if name == AUTO else name
    if models.module_of(found).USES_ORDER and found not in WITHOUT_ORDER:
        raise UnfitModelError(f"{found} learns from the order of a user's items, and profiles have none; take {AUTO}")
    return found


def train_chosen(name: str, users: Histories, training: Training) -> tuple[Model, dict[str, Any]]:
    """A model set up by users who are held out, trained on all, with what was found on the held-out ones.

    Raises: UnknownModelError, TooFewUsersError.
    """
    if name == AUTO_MODEL:
        blend = models.train(name, users, training)
        return blend, {"model": name, **blend.figures()}  # type: ignore[attr-defined]  # the blend's own account
    choice = choose(name, inner_folds(users, training.seed), training)
    figures = {
        "model": name,
        "settings": dict(choice.settings),
        "validation_ndcg_100": bootstrap(choice.ndcg).as_dict(),
    }
    return choice.train(users, training), figures | ({"epochs": choice.epochs} if choice.epochs else {})
