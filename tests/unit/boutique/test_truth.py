import numpy as np
import pytest

from lab.boutique.truth import PageSlot, Truth, expected_examination, simulate_page_response

from .conftest import Exported


@pytest.fixture(scope="module")
def truth(exported: Exported) -> Truth:
    return Truth.load(exported.folder)


def test_a_purchase_needs_a_click(truth: Truth) -> None:
    users, items = list(truth.user_rows), list(truth.item_rows)
    click, purchase = truth.p_click_if_seen(users, items), truth.p_purchase_if_seen(users, items)
    assert click.shape == purchase.shape == (90, 160)
    assert ((click > 0) & (click <= 0.95)).all()
    assert (purchase < click).all()


def test_tastes_tell_people_apart(truth: Truth) -> None:
    users, items = list(truth.user_rows), list(truth.item_rows)
    click = truth.p_click_if_seen(users, items)
    own_best = np.sort(click, axis=1)[:, -10:].mean()
    popular = click[:, np.argsort(click.mean(axis=0))[-10:]].mean()
    assert own_best > 2 * popular


def test_rows_and_columns_follow_the_ids_asked_for(truth: Truth) -> None:
    users, items = list(truth.user_rows), list(truth.item_rows)
    whole = truth.p_click_if_seen(users, items)
    part = truth.p_click_if_seen([users[7], users[2]], [items[30], items[4], items[9]])
    np.testing.assert_allclose(part, whole[np.ix_([7, 2], [30, 4, 9])], rtol=1e-5)
    with pytest.raises(KeyError):
        truth.p_click_if_seen(["nobody"], items)


def test_examination_falls_with_rows_and_columns(truth: Truth) -> None:
    for device in ("desktop", "tablet", "phone"):
        table = truth.examination(device)
        assert table.shape == (16, 12)
        assert (np.diff(table, axis=0) < 0).all()
        assert (np.diff(table, axis=1) < 0).all()
        assert table.max() <= 1


def test_variants_and_near_identical_pictures_are_grouped(truth: Truth) -> None:
    variants, near = truth.variant_groups(), truth.near_identical_groups()
    assert variants
    assert near
    assert all(len(group) > 1 for group in variants + near)
    grouped = [item for group in near for item in group]
    assert len(set(grouped)) == len(grouped)


def test_sessions_without_a_user_are_known_to_the_truth_only(truth: Truth) -> None:
    assert truth.session_users
    assert set(truth.session_users.values()) <= set(truth.user_rows)


def test_simulated_responses_have_the_true_frequencies(truth: Truth) -> None:
    user, items = next(iter(truth.user_rows)), list(truth.item_rows)
    best = np.argsort(truth.p_click_if_seen([user], items)[0])[-12:]
    slots = [PageSlot(items[item], place // 6, place % 6) for place, item in enumerate(best.tolist())]
    rng = np.random.default_rng(8)
    responses = [simulate_page_response(truth, user, slots, "desktop", rng) for _ in range(4_000)]
    examined = np.mean([response.examined for response in responses], axis=0)
    clicked = np.mean([response.clicked for response in responses], axis=0)
    ids = [slot.item_id for slot in slots]
    expected = expected_examination(truth, slots, "desktop")
    np.testing.assert_allclose(examined, expected, atol=0.04)
    np.testing.assert_allclose(clicked, expected * truth.p_click_if_seen([user], ids)[0], atol=0.04)
    for response in responses:
        assert not (response.clicked & ~response.examined).any()
        assert not (response.purchased & ~response.clicked).any()


def test_there_is_no_truth_where_there_is_none(tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        Truth.load(tmp_path)
