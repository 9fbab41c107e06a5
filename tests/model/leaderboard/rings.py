"""Synthetic histories with structure that every model can find: users walk along rings of items.

Who is in a ring stays in it mostly (for models of what goes together), and goes on to the next item mostly (for models
of order); an item's attribute names its ring (for models of descriptions). All items are about equally popular.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from lab.leaderboard.held_out import HeldOut, hold_out_newest
from lab.leaderboard.histories import Histories
from lab.leaderboard.mixture import Part
from lab.leaderboard.model import Model, Training, module_of, train

RINGS, RING = 9, 10
UNUSED = 3
"""Items at the end that nobody has."""
ITEMS = RINGS * RING + UNUSED
USERS = 260


@dataclass(frozen=True)
class Rings:
    known: Histories
    """What models are trained on."""
    held: HeldOut
    """What comes next."""
    attributes: csr_matrix


def rings(seed: int = 1) -> Rings:
    """Users with 4 to 10 items, none twice; the newest of each is held out, and follows the rule."""
    random = np.random.default_rng(seed)
    walks = []
    for _ in range(USERS):
        ring, place = int(random.integers(RINGS)), int(random.integers(RING))
        walk = [ring * RING + place]
        for _ in range(int(random.integers(3, 9))):
            place += 1 if random.random() < 0.8 else 2
            item = ring * RING + place % RING if random.random() < 0.9 else int(random.integers(RINGS * RING))
            if item not in walk:
                walk.append(item)
        following = ring * RING + (place + 1) % RING
        walks.append([item for item in walk if item != following] + [following])
    known, held = hold_out_newest(Histories.of(walks, ITEMS))
    kinds = np.append(np.repeat(np.arange(RINGS), RING), np.full(UNUSED, RINGS))
    attributes = csr_matrix((np.ones(ITEMS, np.float32), (np.arange(ITEMS), kinds)), shape=(ITEMS, RINGS + 1))
    return Rings(known, held, attributes)


_PROFILES = {"hidden": (24,), "learning_rate": 5e-3, "batch_users": 32}
QUICK: Mapping[str, Mapping[str, Any]] = {
    "als": {"factors": 16, "regularisation": 1.0},
    "mf_sgd": {"factors": 16, "users_a_step": 64},
    "autoencoder": _PROFILES,
    "denoising": _PROFILES,
    "variational": _PROFILES,
    "recvae": _PROFILES,
    "profile_blend": {"parts": ("linear_autoencoder", "infinite_autoencoder"), "steps": 3},
    "blend": {"parts": (Part("item_cf", weight=0.6), Part("ease", {"regularisation": 20.0}, weight=0.4))},
}
"""Settings for so few users and items, by model; the defaults where there is nothing here."""
EPOCHS = 20
DEEP_EPOCHS = 8
"""Of twenty steps or more each."""
_DEEP_LEARNING = {"learning_rate": 1e-2, "warmup_steps": 5, "uniform_negatives": ITEMS, "averaging": 0.9}


def trained(name: str, made: Rings, seed: int = 1) -> Model:
    """The model of a name, trained on the rings."""
    config = module_of(name).Config()
    if is_deep(config):
        settings = {
            "network": replace(config.network, width=16, length=10, dropout=0.0),
            "learning": replace(config.learning, **_DEEP_LEARNING),
            **({"members": 1} if hasattr(config, "members") else {}),
        }
        return train(name, made.known, Training(seed, made.attributes, epochs=DEEP_EPOCHS), settings)
    return train(name, made.known, Training(seed, made.attributes, epochs=EPOCHS), QUICK.get(name))


def is_deep(config: Any) -> bool:
    """Whether it is one of the sequence networks, which are made small alike."""
    return hasattr(config, "network") and hasattr(config, "learning")
