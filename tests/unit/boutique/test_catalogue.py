import numpy as np
import pytest

from lab.boutique.brands import BRANDS
from lab.boutique.calendar import DAY_MS, Calendar
from lab.boutique.catalogue import Catalogue, make_catalogue
from lab.boutique.changes import make_plan
from lab.boutique.departments import CATEGORIES, CATEGORY_PATHS, DEPARTMENTS

from .conftest import END


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return make_catalogue(2400, Calendar(END), np.random.default_rng(3))


def test_there_are_as_many_items_as_asked_for(catalogue: Catalogue) -> None:
    assert catalogue.count == 2400
    assert len(catalogue.size) == 2400
    assert catalogue.family.max() + 1 == len(catalogue.families)
    assert catalogue.picture.max() + 1 == len(catalogue.pictures)


def test_another_seed_makes_another_shop(catalogue: Catalogue) -> None:
    other = make_catalogue(2400, Calendar(END), np.random.default_rng(4))
    assert other.families[:5] != catalogue.families[:5]
    assert other.pictures[:5] != catalogue.pictures[:5]


def test_it_sells_many_categories_of_several_departments(catalogue: Catalogue) -> None:
    assert len(DEPARTMENTS) >= 3
    sold = np.bincount(catalogue.category, minlength=len(CATEGORIES))
    assert len(sold) >= 12
    assert (sold > 0).all()


def test_complements_are_categories() -> None:
    assert all(path in CATEGORY_PATHS for category in CATEGORIES for path in category.complements)
    assert all(category.complements for category in CATEGORIES)


def test_brands_stay_in_their_departments(catalogue: Catalogue) -> None:
    for family in catalogue.families:
        assert CATEGORIES[family.category].path.split("/")[0] in BRANDS[family.brand].departments


def test_variants_differ_in_colour_or_size(catalogue: Catalogue) -> None:
    keys = list(zip(catalogue.family.tolist(), catalogue.colour.tolist(), catalogue.size, strict=True))
    assert len(set(keys)) == len(keys)
    with_variants = np.bincount(catalogue.family) > 1
    assert 0.2 < with_variants.mean() < 0.8
    shared = np.bincount(catalogue.picture) > 1
    assert shared.any()
    for picture in np.flatnonzero(shared)[:50]:
        assert len(set(catalogue.family[catalogue.picture == picture])) == 1


def test_some_families_are_another_sellers_reshot_offer(catalogue: Catalogue) -> None:
    copies = [family for family in catalogue.families if family.copy_of >= 0]
    assert 0.02 < len(copies) / len(catalogue.families) < 0.08
    for family in copies:
        original = catalogue.families[family.copy_of]
        assert family.seller != original.seller
        assert original.copy_of < 0
    reshot = [picture for picture in catalogue.pictures if picture.reshot_seed is not None]
    looks = {picture.look for picture in catalogue.pictures if picture.reshot_seed is None}
    assert reshot
    assert all(picture.look in looks for picture in reshot)


def test_some_items_are_new_and_some_of_those_nobody_has_seen(catalogue: Catalogue) -> None:
    age_days = (Calendar(END).end_ms - catalogue.created_ms) / DAY_MS
    assert 0.08 < (age_days < 14).mean() < 0.25
    assert age_days.min() > 0
    assert catalogue.cold.sum() >= 20
    assert age_days[catalogue.cold].max() < 3


def test_few_items_are_for_adults_or_for_some_regions(catalogue: Catalogue) -> None:
    restricted = np.array([category.minimum_age >= 18 for category in CATEGORIES])[catalogue.category]
    assert 0 < restricted.mean() < 0.05
    somewhere = ~catalogue.regions.all(axis=1)
    assert 0.02 < somewhere.mean() < 0.15
    assert catalogue.regions.any(axis=1).all()


def test_the_hidden_style_is_not_the_brands(catalogue: Catalogue) -> None:
    """A brand explains a small part of the style: what is left only the picture shows."""
    styles = np.array([family.style for family in catalogue.families])
    brands = np.array([family.brand for family in catalogue.families])
    means = np.stack([styles[brands == brand].mean(axis=0) for brand in range(len(BRANDS))])
    unexplained = ((styles - means[brands]) ** 2).mean(axis=0) / styles.var(axis=0)
    assert (unexplained > 0.75).all()


def test_the_plan_has_deals_drops_sold_out_and_restocked_items(catalogue: Catalogue) -> None:
    calendar = Calendar(END)
    offers = make_plan(catalogue, calendar, np.random.default_rng(4)).offers(calendar.days)
    last, week_ago = offers[-1], offers[-8]
    assert (last.list_price_minor >= last.price_minor).all()
    assert (last.price_minor > 0).all()
    assert (last.price_minor < last.list_price_minor).mean() > 0.1
    assert (last.price_minor < week_ago.price_minor).sum() >= 30
    assert 0.02 < (last.stock == 0).mean() < 0.08
    stock = np.stack([offer.stock for offer in offers])
    back_this_week = (stock[-8:-1] == 0).any(axis=0) & (stock[-1] > 0)
    assert back_this_week.sum() >= 20


def test_nothing_changes_before_it_exists(catalogue: Catalogue) -> None:
    calendar = Calendar(END)
    plan = make_plan(catalogue, calendar, np.random.default_rng(4))
    for change in plan.changes:
        assert catalogue.created_ms[list(change.items)].max() < calendar.day_ms(change.day) - 3_600_000
