"""A large catalogue is counted now and then; what changed since is looked at beside the count."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.page_composer import index_builder
from services.page_composer.index_builder import IndexBuilder
from services.page_composer.item_facts import ItemFacts
from services.page_composer.item_index import MOMENTS, ItemIndex
from services.page_composer.rules.item_filter import ItemFilter

FACTS = st.builds(
    ItemFacts,
    item_id=st.integers(0, 25).map(lambda number: f"item-{number}"),
    family_id=st.sampled_from(["", "family-1", "family-2"]),
    near_duplicate_cluster=st.integers(0, 3),
    brand=st.sampled_from(["", "Aster", "Birch"]),
    category=st.sampled_from(["", "Women", "Women/Shoes", "Home/Lamps"]),
    seller=st.sampled_from(["", "One"]),
    colour=st.sampled_from(["", "red"]),
    price_minor=st.integers(0, 10_000),
    currency=st.sampled_from(["EUR", "USD"]),
    list_price_minor=st.integers(0, 10_000),
    margin_ratio=st.none() | st.floats(0, 1),
    stock=st.integers(-1, 3),
    regions=st.sampled_from([(), ("DE",), ("DE", "AT")]),
    minimum_age=st.sampled_from([0, 18]),
    created_s=st.floats(0, 1_000),
    restocked_s=st.floats(0, 1_000),
    price_dropped_s=st.floats(0, 1_000),
    previous_price_minor=st.integers(0, 10_000),
    titles=st.dictionaries(st.sampled_from(["en", "es", "zh"]), st.sampled_from(["", "A lamp", "红色 台灯"])),
    link=st.sampled_from(["", "https://shop.example/1"]),
    image_count=st.integers(0, 4),
    image_etag=st.sampled_from(["", "etag"]),
    revision=st.integers(0, 1 << 40),
    goes_with=st.sampled_from([(), ("item-1",), ("item-1", "item-2")]),
)
FULL = {
    "item_id": "a",
    "family_id": "family",
    "near_duplicate_cluster": 7,
    "brand": "Aster",
    "category": "Women",
    "seller": "One",
    "colour": "red",
    "price_minor": 100,
    "currency": "EUR",
    "list_price_minor": 200,
    "margin_ratio": 0.25,
    "stock": 3,
    "regions": ("DE",),
    "minimum_age": 18,
    "created_s": 1.0,
    "restocked_s": 2.0,
    "price_dropped_s": 3.0,
    "previous_price_minor": 300,
    "titles": {"en": "A lamp"},
    "link": "https://shop.example/a",
    "image_count": 2,
    "image_etag": "etag",
    "revision": 9,
    "goes_with": ("b", "c"),
}
"""No field has its default."""
CHANGES = st.lists(FACTS | st.integers(0, 25).map(lambda number: f"item-{number}"), max_size=60)


def apply(builder: IndexBuilder, changes: list[ItemFacts | str], expected: dict[str, ItemFacts]) -> None:
    for change in changes:
        if isinstance(change, str):
            builder.delete([change])
            expected.pop(change, None)
        else:
            builder.put([change])
            expected[change.item_id] = change


def check(index: ItemIndex, expected: dict[str, ItemFacts]) -> None:
    assert len(index) == len(expected)
    assert {item_id: index.get(item_id) for item_id in expected} == expected
    rows = np.flatnonzero(index.present)
    by_family = {row: index.facts[row].family_id or index.item_ids[row] for row in rows.tolist()}
    for one in rows.tolist():
        for other in rows.tolist():
            assert (index.family[one] == index.family[other]) == (by_family[one] == by_family[other])


@settings(max_examples=80, deadline=None, derandomize=True)
@given(first=CHANGES, second=CHANGES, third=CHANGES)
def test_every_snapshot_holds_what_was_said_by_then(
    first: list[ItemFacts | str], second: list[ItemFacts | str], third: list[ItemFacts | str]
) -> None:
    builder, now = IndexBuilder(), {}
    snapshots = []
    for changes in (first, second, third):
        apply(builder, changes, now)
        snapshots.append((builder.snapshot(), dict(now)))
    for index, expected in [*snapshots, *reversed(snapshots)]:
        check(index, expected)


def test_columns_are_shared_until_they_change() -> None:
    builder = IndexBuilder()
    builder.put([ItemFacts("a", "a", stock=5), ItemFacts("b", "b", stock=5)])
    before = builder.snapshot()
    builder.put([ItemFacts("a", "a", stock=4), ItemFacts("c", "c")])
    after = builder.snapshot()
    assert np.shares_memory(before.price_minor, after.price_minor)
    assert not np.shares_memory(before.stock, after.stock)
    with pytest.raises(ValueError, match="read-only"):
        after.stock[0] = 1


def test_texts_that_nothing_says_any_more_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_builder, "LARGE", 10)
    builder = IndexBuilder()
    for number in range(50):
        builder.put([ItemFacts("a", "a", titles={"en": f"Title {number}"}), ItemFacts("b", "b", link="l")])
    index = builder.snapshot()
    assert len(index.texts) < 100
    assert index.facts[0].titles == {"en": "Title 49"}
    assert index.facts[1].link == "l"


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_builder, "LARGE", 3)
    monkeypatch.setattr(index_builder, "CHANGED_AT_MOST", 8)


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=CHANGES, second=CHANGES, since_s=st.floats(1, 1_000), most=st.integers(1, 9))
def test_what_is_recent_is_found_as_in_a_small_catalogue(
    large: None, first: list[ItemFacts | str], second: list[ItemFacts | str], since_s: float, most: int
) -> None:
    builder = IndexBuilder()
    apply(builder, first, {})
    builder.snapshot()
    apply(builder, second, {})
    index = builder.snapshot()
    plain = replace(index, census=None)
    for column in MOMENTS:
        assert index.recent(column, since_s).tolist() == plain.recent(column, since_s).tolist()
    for wanted in (ItemFilter(brands=("Aster",)), ItemFilter(item_ids=("item-1", "item-2")), ItemFilter()):
        newest = [index.created_s[wanted.newest(each, most)].tolist() for each in (index, plain)]
        assert newest[0] == newest[1]
    assert index.count_by_category().shape == plain.count_by_category().shape


def test_what_a_filter_matches_is_looked_for_once_a_snapshot(large: None, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = IndexBuilder()
    builder.put(ItemFacts(f"i{number}", "", brand="Aster", created_s=1.0 + number) for number in range(20))
    first = builder.snapshot()
    looked_at: list[int] = []
    among = ItemFilter._among

    def counted(wanted: ItemFilter, index: ItemIndex, rows: np.ndarray) -> np.ndarray:
        looked_at.append(len(rows))
        return among(wanted, index, rows)

    monkeypatch.setattr(ItemFilter, "_among", counted)
    for wanted in (ItemFilter(brands=("Aster",)), ItemFilter(brands=("Birch",))):
        looked_at.clear()
        found = wanted.newest(first, 48)
        assert sum(looked_at) >= 20
        looked_at.clear()
        assert wanted.newest(first, 48).tolist() == found.tolist()
        assert looked_at == []
        with pytest.raises(ValueError, match="read-only"):
            first.remembered_rows("given", lambda: np.arange(3))[0] = 1
    assert ItemFilter(brands=("Aster",)).newest(first, 3).tolist() == [19, 18, 17]
    builder.put([ItemFacts("new", "", brand="Birch", created_s=99.0)])
    assert len(ItemFilter(brands=("Birch",)).newest(builder.snapshot(), 48)) == 1


def test_the_census_is_renewed_when_much_has_changed(large: None) -> None:
    builder = IndexBuilder()
    builder.put(ItemFacts(f"i{number}", "", category="A", price_minor=100) for number in range(20))
    first = builder.snapshot()
    builder.put([ItemFacts("i0", "", category="B", price_minor=100)])
    second = builder.snapshot()
    assert second.census is first.census
    assert second.changed.tolist() == [0]
    assert second.count_by_category().tolist() == [20, 0]
    builder.put(ItemFacts(f"i{number}", "", category="B", price_minor=100) for number in range(15))
    assert builder.snapshot().count_by_category().tolist() == [5, 15]
    assert first.count_by_category().tolist() == [20]


def test_the_index_keeps_every_fact() -> None:
    # A field that is added to the facts has to be added to the columns or texts too.
    whole = {field.name: FULL[field.name] for field in fields(ItemFacts)}
    builder = IndexBuilder()
    builder.put([ItemFacts(**whole)])
    assert builder.snapshot().get("a") == ItemFacts(**whole)
    empty = ItemFacts(**dict.fromkeys(("item_id", "family_id"), "a"))
    assert all(getattr(empty, name) != value for name, value in whole.items() if name not in ("item_id",))
