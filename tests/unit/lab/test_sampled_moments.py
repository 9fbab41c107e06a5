"""Which actions a shop without impressions is learnt from: all of a small one's, whole baskets of a large one's."""

from types import SimpleNamespace

import numpy as np
import pytest

from lab.training import sampled_rows

DAY_US = 86_400_000_000


def events(count: int, days: int, basket: int) -> SimpleNamespace:
    """Baskets of equal size, evenly spread over some days, by seven people in turn."""
    number = np.arange(count) // basket
    return SimpleNamespace(
        occurred_us=(number * days * DAY_US * basket // count).astype(np.int64), subject=(number % 7).astype(np.int32)
    )


def test_a_small_shop_is_learnt_from_whole() -> None:
    counted = np.arange(100)
    assert sampled_rows._newest_moments(events(100, 10, 1), counted) is counted


def test_a_large_shop_is_learnt_from_whole_baskets_of_its_last_weeks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled_rows, "MOST_POSITIVES", 500)
    shop = events(12_000, 120, 6)
    chosen = sampled_rows._newest_moments(shop, np.arange(12_000))
    assert 400 <= len(chosen) <= 500
    assert (np.diff(chosen) > 0).all()
    taken = set(chosen.tolist())
    whole = [set(range(6 * number, 6 * number + 6)) for number in {event // 6 for event in taken}]
    assert sum(basket <= taken for basket in whole) >= len(whole) - 1  # the oldest may be cut
    ages_days = (shop.occurred_us[-1] - shop.occurred_us[chosen]) / DAY_US
    assert ages_days.max() <= sampled_rows.RECENT_DAYS
    assert ages_days.max() > 50
    assert len(np.unique(shop.subject[chosen])) == 7


def test_one_late_action_does_not_throw_the_others_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled_rows, "MOST_POSITIVES", 500)
    shop = events(1_000, 30, 1)
    shop.occurred_us[-1] += 4_000 * DAY_US
    assert sampled_rows._newest_moments(shop, np.arange(1_000)).tolist() == list(range(500, 1_000))
