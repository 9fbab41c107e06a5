"""What bounds training on a large catalogue changes nothing that matters: blocks, conjugate gradients, heavy users."""

import numpy as np
import pytest

from services.ranker.training.interactions import Interactions
from services.ranker.training.sources import als, item_cf

USERS, ITEMS, ACTIONS = 60, 90, 1_500


@pytest.fixture(scope="module")
def interactions() -> Interactions:
    random = np.random.default_rng(3)
    users = random.integers(0, USERS, ACTIONS).astype(np.int32)
    # People of one kind use items of one kind, so that there is something to find.
    rows = ((users % 3) * 30 + random.integers(0, 30, ACTIONS) ** 2 // 30).astype(np.int32)
    return Interactions(
        users=users,
        rows=rows,
        actions=np.full(ACTIONS, 7, np.int32),
        age_days=random.uniform(0, 90, ACTIONS).astype(np.float32),
        segments=np.full((ACTIONS, 2), "", np.str_),
        user_count=USERS,
        item_count=ITEMS,
    )


def neighbours_by_hand(interactions: Interactions, config: item_cf.ItemCfConfig) -> dict[int, dict[int, float]]:
    """Similarities from dense matrices and the formula alone."""
    matrix = interactions.matrix().toarray().astype(np.float64)
    activity = np.maximum((matrix > 0).sum(axis=1), 1)
    common = (matrix * activity[:, None] ** -config.user_power).T @ matrix
    norms = np.sqrt(np.diag(common))
    similarity = common / ((norms[:, None] * norms[None]) ** (2 * config.popularity_power) + config.shrinkage)
    np.fill_diagonal(similarity, 0.0)
    return {
        row: {int(other): similarity[row, other] for other in np.flatnonzero(similarity[row])} for row in range(ITEMS)
    }


def test_blocks_of_rows_find_the_neighbours_of_the_whole(
    interactions: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = item_cf.ItemCfConfig(neighbours=10)
    whole = item_cf.train(interactions, config)
    monkeypatch.setattr(item_cf, "ROWS_A_BLOCK", 7)
    blocks = item_cf.train(interactions, config)
    np.testing.assert_array_equal(blocks["neighbours"], whole["neighbours"])
    by_hand = neighbours_by_hand(interactions, config)
    for row in range(ITEMS):
        found = whole["similarities"][row][whole["neighbours"][row] >= 0]
        wanted = sorted(by_hand[row].values(), reverse=True)[:10]
        np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_only_the_heaviest_items_of_a_user_make_pairs(interactions: Interactions) -> None:
    few = item_cf.train(interactions, item_cf.ItemCfConfig(most_items_a_user=5))
    all_of_them = item_cf.train(interactions)
    assert 0 < (few["neighbours"] >= 0).sum() < (all_of_them["neighbours"] >= 0).sum()


def test_conjugate_gradients_come_to_where_solving_comes(interactions: Interactions) -> None:
    solved = als.train(interactions, als.AlsConfig(factors=8))
    descended = als.train(interactions, als.AlsConfig(factors=8, exact_rows=1))
    used = np.flatnonzero(np.bincount(interactions.rows, minlength=ITEMS))
    known = [each["item_factors"][used] for each in (solved, descended)]
    alike = [factors @ factors.T for factors in known]
    assert np.corrcoef(alike[0].ravel(), alike[1].ravel())[0, 1] > 0.99
    assert not descended["item_factors"][np.setdiff1d(np.arange(ITEMS), used)].any()
