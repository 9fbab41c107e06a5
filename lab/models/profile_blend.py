"""Three autoencoders, linear, infinitely wide and denoising, blended as held-out users like best."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.leaderboard.blending import Blend, choose_shares
from lab.leaderboard.fold_in import distinct
from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training
from lab.leaderboard.setting_choice import Choice, choose, inner_folds

USES_ORDER = False


@dataclass(frozen=True)
class Config:
    """What is blended."""

    parts: tuple[str, ...] = ("linear_autoencoder", "infinite_autoencoder", "denoising")
    """Models; their settings are chosen on held-out users."""
    steps: int = 12
    """Steps of choosing the shares."""
    members: int = 2
    """Networks of each part that has members."""


@dataclass(frozen=True)
class ProfileBlend:
    """The blend, and what was found on the way."""

    blend: Blend
    choices: Sequence[Choice]
    """Of every part, also of those without a share."""
    shares: Sequence[float]
    """Of every part."""
    ndcg: float
    """Mean NDCG@100 of the blend on the held-out users that chose the shares."""

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]` weighted mean of the standardised scores."""
        return self.blend.score(histories)

    def figures(self) -> dict[str, Any]:
        """What was found on held-out users, as plain numbers: each part, and the blend."""
        parts = {
            choice.name: {
                "share": round(share, 4),
                "settings": dict(choice.settings),
                "epochs": choice.epochs,
                "ndcg_100": round(float(choice.ndcg.mean()), 6),
            }
            for choice, share in zip(self.choices, self.shares, strict=True)
        }
        return {"validation_ndcg_100": round(self.ndcg, 6), "parts": parts}


def train(histories: Histories, training: Training, config: Config) -> ProfileBlend:
    """Hold users out to choose settings and shares, then train on all. A part without a share is not trained again.

    Raises: TooFewUsersError.
    """
    users = distinct(histories)
    held = inner_folds(users, training.seed)
    choices = [choose(name, held, training) for name in config.parts]
    shares, ndcg = choose_shares([choice.models for choice in choices], held, config.steps)
    kept = np.flatnonzero(shares)
    parts = [_with_members(choices[place], config).train(users, training) for place in kept]
    return ProfileBlend(Blend(parts, [shares[place] for place in kept]), choices, shares, ndcg)


def _with_members(choice: Choice, config: Config) -> Choice:
    """The same choice with the blend's number of networks, where it is one of networks."""
    if choice.epochs is None:
        return choice
    settings = {**choice.settings, "members": config.members}
    return Choice(choice.name, settings, choice.epochs, choice.ndcg, choice.models)
