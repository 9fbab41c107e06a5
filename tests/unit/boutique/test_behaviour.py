import numpy as np

from lab.boutique.calendar import DAY_MS
from lab.boutique.departments import CATEGORIES
from lab.boutique.event_lines import NEVER_MS, sessions_never_named
from lab.boutique.event_log import NOTHING
from lab.boutique.families import PATTERN_NAMES
from lab.boutique.sessions import ANONYMOUS, SIGNED_IN, SIGNS_IN_LATER
from lab.boutique.users import DEVICES

from .conftest import Life


def clicked_impressions(life: Life) -> tuple[np.ndarray, np.ndarray]:
    """Rows of all impressions, and which of them were clicked."""
    seen, clicks = life.rows("impression"), life.rows("click")
    key = life.field("page", seen) * 1_000 + life.field("row", seen) * 20 + life.field("column", seen)
    clicked = life.field("page", clicks) * 1_000 + life.field("row", clicks) * 20 + life.field("column", clicks)
    return seen, np.isin(key, clicked)


def test_every_kind_of_action_happens(life: Life) -> None:
    for action in ("impression", "view", "search", "click", "favourite", "cart", "purchase", "rate", "review", "like"):
        assert len(life.rows(action)) > 50, action
    for action in ("share", "comment", "hide", "unfavourite", "uncart"):
        assert len(life.rows(action)) > 5, action


def test_lower_rows_and_farther_columns_are_clicked_less(life: Life) -> None:
    seen, clicked = clicked_impressions(life)
    row, column = life.field("row", seen), life.field("column", seen)
    device = life.world.sessions.device[life.history.events.session[seen]]
    desktop = device == DEVICES.index("desktop")
    assert clicked[desktop & (row <= 1)].mean() > 1.3 * clicked[desktop & (row >= 4)].mean()
    assert clicked[desktop & (column == 0)].mean() > clicked[desktop & (column == 5)].mean()


def test_people_click_what_suits_them(life: Life) -> None:
    seen, clicked = clicked_impressions(life)
    users, items = life.users(seen), life.field("item", seen)
    style = np.array([family.style for family in life.world.catalogue.families])[life.world.catalogue.family]
    suits = np.einsum("ks,ks->k", life.world.users.style[users], style[items])
    assert suits[clicked].mean() > suits[~clicked].mean() + 0.4
    colour = life.world.users.colour[users, life.world.catalogue.colour[items]]
    assert colour[clicked].mean() > colour[~clicked].mean() + 0.1
    brand = life.world.users.brand[users, life.world.catalogue.brand[items]]
    assert brand[clicked].mean() > brand[~clicked].mean() + 0.1


def test_a_few_items_are_popular_and_the_tail_is_shown_too(life: Life) -> None:
    views = np.sort(np.bincount(life.field("item", life.rows("view")), minlength=life.world.catalogue.count))[::-1]
    assert views[: len(views) // 10].sum() > 0.25 * views.sum()
    shown = np.bincount(life.field("item", life.rows("impression")), minlength=life.world.catalogue.count) > 0
    listed = ~life.world.catalogue.cold & (life.world.catalogue.created_ms < life.world.calendar.day_ms(50))
    assert shown[listed].mean() > 0.97


def test_nobody_meets_what_is_cold_or_not_for_them(life: Life) -> None:
    rows = life.rows("impression", "view", "purchase")
    items, users = life.field("item", rows), life.users(rows)
    catalogue = life.world.catalogue
    assert not catalogue.cold[items].any()
    assert (catalogue.created_ms[items] <= life.history.events.time_ms[rows]).all()
    assert catalogue.regions[items, life.world.users.region[users]].all()
    restricted = np.array([category.minimum_age > 0 for category in CATEGORIES])[catalogue.category[items]]
    assert life.world.users.adult[users[restricted]].all()


def test_sold_out_items_are_not_shown(life: Life) -> None:
    rows = life.rows("impression", "view")
    calendar = life.world.calendar
    start = life.world.sessions.start_ms[life.history.events.session[rows]]
    day = (start - calendar.day_ms(0)) // DAY_MS
    stock = np.stack([offer.stock for offer in life.world.offers])
    assert (stock[day, life.field("item", rows)] > 0).all()


def test_no_page_shows_a_product_twice(life: Life) -> None:
    seen = life.rows("impression")
    page, family = life.field("page", seen), life.world.catalogue.family[life.field("item", seen)]
    assert len(set(zip(page.tolist(), family.tolist(), strict=True))) == len(seen)


def test_recent_interest_predicts_the_next_view(life: Life) -> None:
    views = life.rows("view")
    users = life.users(views)
    category = life.world.catalogue.category[life.field("item", views)]
    order = np.argsort(users, kind="stable")
    users, category = users[order], category[order]
    same_user = users[1:] == users[:-1]
    repeats = (category[1:] == category[:-1])[same_user].mean()
    shares = np.zeros((life.world.users.count, len(CATEGORIES)))
    np.add.at(shares, (users, category), 1)
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1)
    by_chance = (shares[users] ** 2).sum(axis=1).mean()
    assert repeats > by_chance + 0.1


def test_consumables_are_bought_again(life: Life) -> None:
    bought = life.rows("purchase")
    pairs = np.column_stack([life.users(bought), life.field("item", bought)])
    consumable = life.world.catalogue.consumable[pairs[:, 1]]

    def repeated(rows: np.ndarray) -> float:
        return 1 - len(np.unique(rows, axis=0)) / len(rows)

    assert repeated(pairs[consumable]) > 3 * repeated(pairs[~consumable])


def test_views_follow_searches_in_the_category_searched_for(life: Life) -> None:
    events = life.history.events
    searches = life.rows("search")
    assert (life.field("item", searches) == NOTHING).all()
    assert all(events.words[number].strip() for number in life.field("words", searches).tolist())


def test_some_sessions_sign_in_later_and_some_never(life: Life) -> None:
    events, kind = life.history.events, life.world.sessions.kind
    unnamed = sessions_never_named(events, life.signed_in_ms)
    assert 0.02 < len(unnamed) / life.world.sessions.count < 0.25
    assert not (kind[unnamed] == SIGNED_IN).any()
    before = events.time_ms < life.signed_in_ms[events.session]
    mixed = np.intersect1d(events.session[before], events.session[~before])
    assert len(mixed) > 50
    assert set(kind[mixed]) <= {SIGNS_IN_LATER, ANONYMOUS}
    personal = life.rows("purchase", "favourite", "review")
    assert not before[personal].any()
    assert (life.signed_in_ms[kind == SIGNED_IN] == 0).all()
    assert (life.signed_in_ms < NEVER_MS).any()


def test_the_last_day_is_busy_and_nothing_happens_after_it(life: Life) -> None:
    times = life.history.events.time_ms
    assert (np.diff(times) >= 0).all()
    assert times[-1] < life.world.calendar.end_ms
    assert (times > life.world.calendar.end_ms - DAY_MS).sum() > 300


def test_trends_are_regional(life: Life) -> None:
    views = life.rows("view")
    recent = views[life.history.events.time_ms[views] > life.world.calendar.end_ms - 2 * DAY_MS]
    items, regions = life.field("item", recent), life.world.users.region[life.users(recent)]
    trending = life.world.trends.strength > 0
    at_home = trending[items, regions].mean()
    elsewhere = trending[items, (regions + 1) % trending.shape[1]].mean()
    assert at_home > 1.5 * elsewhere


def test_patterns_matter_to_those_who_like_them(life: Life) -> None:
    views = life.rows("view")
    favourite = life.world.users.pattern[life.users(views)].argmax(axis=1)
    pattern = life.world.catalogue.pattern[life.field("item", views)]
    share = np.bincount(life.world.catalogue.pattern, minlength=len(PATTERN_NAMES)) / life.world.catalogue.count
    assert (favourite == pattern).mean() > 1.25 * share[favourite].mean()
