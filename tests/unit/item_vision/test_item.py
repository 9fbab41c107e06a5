from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.item_vision.item import CatalogueItem
from services.item_vision.messages import best_language
from services.item_vision.requests import catalogue_item
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2 as pb

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def taken(images: list[str] | None = None, **fields) -> CatalogueItem:
    fields.setdefault("titles", {"en": "Hat"})
    fields.setdefault("price", common_pb2.Money(amount_minor=1_000, currency="EUR"))
    return catalogue_item(pb.ItemInput(item_id="a", **fields), images or [], NOW)


def test_defaults_are_filled_in():
    item = taken(category="/Women/Hats/")
    assert (item.family_id, item.link, item.category) == ("a", "/items/a", "Women/Hats")
    assert (item.created_at, item.stock, item.in_stock) == (NOW, None, True)


def test_a_first_state_has_no_history():
    assert taken().after(None, LATER) == taken()


@pytest.mark.parametrize(
    ("before", "after", "restocked"), [(0, 3, True), (3, 0, False), (3, 5, False), (0, None, True), (None, 3, False)]
)
def test_only_what_was_sold_out_is_restocked(before, after, restocked):
    changed = taken(stock=after).after(taken(stock=before), LATER)
    assert changed.restocked_at == (LATER if restocked else None)


def test_a_price_drop_is_remembered_until_the_next_one():
    def priced(amount: int, currency: str = "EUR") -> CatalogueItem:
        return taken(price=common_pb2.Money(amount_minor=amount, currency=currency))

    dropped = priced(800).after(priced(1_000), LATER)
    assert (dropped.price_dropped_at, dropped.previous_price_minor) == (LATER, 1_000)
    raised = priced(900).after(dropped, LATER + timedelta(days=1))
    assert (raised.price_dropped_at, raised.previous_price_minor) == (LATER, 1_000)
    assert priced(800, "USD").after(priced(1_000), LATER).price_dropped_at is None
    assert priced(0).after(priced(1_000), LATER).price_dropped_at is None


def test_a_new_main_picture_leaves_its_cluster():
    before = replace(taken(["x", "y"]), near_duplicate_cluster=7)
    assert taken(["x", "z"]).after(before, LATER).near_duplicate_cluster == 7
    assert taken(["z", "x"]).after(before, LATER).near_duplicate_cluster == 0


def test_features_depend_on_words_and_the_main_picture_only():
    base = taken(["x", "y"])
    same = [taken(["x"]), taken(["x"], stock=3), taken(["x"], regions=["DE"])]
    other = [
        taken(["y"]),
        taken(["x"], titles={"en": "Cap"}),
        taken(["x"], brand="Aria"),
        taken(["x"], category="Hats"),
    ]
    assert {item.feature_hash for item in same} == {base.feature_hash}
    assert len({item.feature_hash for item in [base, *other]}) == 5


def test_content_does_not_depend_on_a_creation_time_that_was_filled_in():
    later = catalogue_item(
        pb.ItemInput(item_id="a", titles={"en": "Hat"}, price=common_pb2.Money(amount_minor=1_000, currency="EUR")),
        [],
        LATER,
    )
    assert later.content_hash == taken().content_hash
    given = pb.ItemInput(item_id="a", titles={"en": "Hat"}, price=common_pb2.Money(amount_minor=1_000, currency="EUR"))
    given.created_at.FromDatetime(NOW)
    assert catalogue_item(given, [], LATER).content_hash != taken().content_hash
    assert taken(regions=["DE", "FR"]).content_hash == taken(regions=["FR", "DE"]).content_hash


@pytest.mark.parametrize(
    ("locale", "language"), [("es", "es"), ("es-MX", "es"), ("zh-Hans-CN", "en"), ("", "en"), ("de", "en")]
)
def test_the_nearest_language_is_shown(locale, language):
    assert best_language({"es": "Sombrero", "en": "Hat"}, locale) == language
    assert best_language({"zh": "帽子"}, "de") == "zh"
