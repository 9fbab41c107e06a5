"""Synthetic histories with structure that every model can find: users walk along rings of items.

Who is in a ring stays in it mostly (for models of what goes together), and goes on to the next item mostly (for models
of order); an item's attribute names its ring (for models of descriptions). All items are about equally popular.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from lab.leaderboard.held_out import HeldOut, hold_out_newest
from lab.leaderboard.histories import Histories
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


QUICK: Mapping[str, Mapping[str, Any]] = {
    "als": {"factors": 16, "regularisation": 1.0},
    "mf_sgd": {"factors": 16, "users_a_step": 64},
    "sasrec": {"members": 1},
}
"""Settings for so few users and items, by model; the defaults where there is nothing here."""
EPOCHS = 25
"""For models that learn in epochs."""


def trained(name: str, made: Rings, seed: int = 1) -> Model:
    """The model of a name, trained on the rings."""
    module_of(name)
    training = Training(seed=seed, attributes=made.attributes, epochs=EPOCHS)
    return train(name, made.known, training, QUICK.get(name))
