"""Writes the truth beside the export, in a folder that nothing else reads."""

import json
from pathlib import Path

import numpy as np

from lab.boutique.behaviour import History
from lab.boutique.calendar import Times
from lab.boutique.catalogue import Catalogue, Column, item_id
from lab.boutique.day import World
from lab.boutique.event_lines import sessions_never_named
from lab.boutique.examination import examination
from lab.boutique.response import item_features
from lab.boutique.sessions import session_id
from lab.boutique.truth import FOLDER
from lab.boutique.users import DEVICES, user_id


def write_truth(target: Path, world: World, history: History, signed_in_ms: Times) -> None:
    """Write `truth/truth.npz` and `truth/examination.json`: the state at the end of time."""
    place = target / FOLDER
    place.mkdir()
    offer = world.offers[-1]
    features = item_features(world.catalogue, offer.price_minor, offer.list_price_minor, world.trends.strength)
    factor_users, factor_families = np.nonzero(history.memory.factors != 1)
    unnamed = sessions_never_named(history.events, signed_in_ms)
    np.savez(
        place / "truth.npz",
        user_ids=np.array([user_id(row) for row in range(world.users.count)]),
        item_ids=np.array([item_id(row) for row in range(world.catalogue.count)]),
        click_weights=world.click_weights,
        purchase_weights=world.purchase_weights,
        features=features,
        families=world.catalogue.family,
        picture_groups=_picture_groups(world.catalogue),
        factor_users=factor_users,
        factor_families=factor_families,
        factor_values=history.memory.factors[factor_users, factor_families],
        session_ids=np.array([session_id(row) for row in unnamed.tolist()], dtype=str),
        session_users=world.sessions.user[unnamed],
    )
    tables = {device: examination(device).round(6).tolist() for device in DEVICES}
    (place / "examination.json").write_text(json.dumps(tables), encoding="utf-8")


def _picture_groups(catalogue: Catalogue) -> Column:
    """Pictures of one look, re-shot or not, have one number."""
    numbers: dict[object, int] = {}
    of_picture = [numbers.setdefault(picture.look, len(numbers)) for picture in catalogue.pictures]
    return np.array(of_picture, dtype=np.int64)[catalogue.picture]
