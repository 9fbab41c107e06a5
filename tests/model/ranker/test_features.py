import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ranker.item_facts import CodedTexts, ItemFacts
from services.ranker.model.features import (
    FEATURE_NAMES,
    raw_candidate_features,
    request_tensors,
    stack_visitor_tensors,
    visitor_tensors,
)
from services.ranker.model.normalisation import Normalisation, fit_normalisation, priced
from services.ranker.model.signature import INPUTS, check_tensors
from services.ranker.visitor import RecentAction, Situation, Visitor
from services.ranker.vocabulary import Vocabulary

VOCABULARY = Vocabulary(
    item_ids=["a", "b", "c", "d"],
    family_ids=["a", "b", "c", "d"],
    brands=["Aster", "Aster", "Birch", "Birch"],
    categories=["Women/Dresses", "Women/Dresses", "Men/Shirts", "Men/Shirts"],
    colours=["red", "blue", "red", ""],
    price_bands=["1", "3", "2", "5"],
)
PRICES = np.array([1_000, 3_000, 2_000, 8_000], np.int64)


def facts(rows=(0, 1, 2, 3), **changes) -> ItemFacts:
    n = len(rows)
    known = [max(row, 0) for row in rows]
    columns = {
        "item_ids": [VOCABULARY.item_ids[row] if row >= 0 else f"new{place}" for place, row in enumerate(rows)],
        "rows": np.array(rows, np.int32),
        "price_minor": PRICES[known],
        "list_price_minor": np.array([2_000, 0, 0, 0], np.int64)[known],
        "brands": [VOCABULARY.brands[row] for row in known],
        "categories": [VOCABULARY.categories[row] for row in known],
        "price_bands": [VOCABULARY.price_bands[row] for row in known],
        "popularity_1d": np.array([0, 1, 5, 9], np.float32)[known],
        "popularity_7d": np.array([0, 9, 5, 20], np.float32)[known],
        "popularity_30d": np.array([1, 9, 50, 90], np.float32)[known],
        "stock": np.array([3, -1, 0, 500], np.int32)[known],
        "age_days": np.array([1, 40, 3.5, 400], np.float32)[known],
        "new_vectors": np.full((sum(row < 0 for row in rows), 128), 0.25, np.float32),
    }
    assert n == len(columns["item_ids"])
    return ItemFacts(**(columns | changes))


VISITOR = Visitor(
    user_embedding=np.linspace(-1, 1, 64, dtype=np.float32),
    recent_actions=(RecentAction("b", 7, 2.5), RecentAction("gone", 4, 0.1), RecentAction("a", 2, 0.25)),
    affinities={"brand": {"Aster": 0.7}, "category": {"Men/Shirts": 0.2}, "price_band": {"5": 1.0}},
    exposures={"c": 4},
    situation=Situation(device=3, region="CN-31", hour=18.5, weekday=6, locale="zh-Hans", referrer_kind="search"),
)
RAW = raw_candidate_features(VISITOR, facts(), priced(VOCABULARY.categories, PRICES))
NORMALISATION = fit_normalisation(
    priced(VOCABULARY.categories, PRICES), RAW, ["CN-31", "DE", "CN"], ["zh", "zh-CN", "en"]
)


def feature(name: str, raw: np.ndarray = RAW) -> list[float]:
    return raw[:, FEATURE_NAMES.index(name)].tolist()


def test_tensors_are_those_of_the_signature():
    tensors = request_tensors(VISITOR, facts(), VOCABULARY, NORMALISATION)
    check_tensors(tensors)
    assert list(tensors) == list(INPUTS)


def coded(texts: list[str]) -> CodedTexts:
    names = ["never asked for", *sorted(set(texts), reverse=True)]
    code_of = {name: code for code, name in enumerate(names)}
    return CodedTexts(np.array([code_of[text] for text in texts], np.int32), names, code_of)


@pytest.mark.parametrize("rows", [(0, 1, 2, 3), (3, -1, 0), (2, 2, 1, 2), ()])
def test_columns_of_numbers_give_the_features_of_columns_of_texts(rows):
    plain = facts(rows)
    columns = {name: coded(getattr(plain, name)) for name in ("brands", "categories", "price_bands")}
    assert {name: list(column) for name, column in columns.items()} == {name: getattr(plain, name) for name in columns}
    expected = raw_candidate_features(VISITOR, plain, NORMALISATION)
    np.testing.assert_array_equal(raw_candidate_features(VISITOR, facts(rows, **columns), NORMALISATION), expected)


def test_no_input_knows_where_an_item_will_stand():
    assert not [name for name in (*INPUTS, *FEATURE_NAMES) if "position" in name or "page" in name or "slot" in name]


def test_features_say_what_their_names_say():
    usual_dress, usual_shirt = (np.log([1_000, 3_000]).mean(), np.log([2_000, 8_000]).mean())
    assert feature("price_in_category")[1] == pytest.approx(np.log(3_000) - usual_dress)
    assert feature("price_in_category")[3] == pytest.approx(np.log(8_000) - usual_shirt)
    assert feature("discount") == [0.5, 0, 0, 0]
    assert feature("popularity_7d") == pytest.approx(np.log1p([0, 9, 5, 20]))
    assert feature("stock") == pytest.approx(np.log1p([3, 100, 0, 100]))
    assert feature("exposures") == pytest.approx([0, 0, np.log1p(4), 0])
    assert feature("brand_affinity") == [0.7, 0.7, 0, 0]
    assert feature("category_affinity") == [0, 0, 0.2, 0.2]
    assert feature("price_band_affinity") == [0, 0, 0, 1]
    assert feature("own_recency") == pytest.approx([1 / 1.25, 1 / 3.5, 0, 0])


def test_what_is_missing_is_neutral():
    empty = raw_candidate_features(
        Visitor(),
        facts(price_minor=np.zeros(4, np.int64), list_price_minor=np.zeros(4, np.int64)),
        priced(VOCABULARY.categories, PRICES),
    )
    assert np.isfinite(empty).all()
    for name in ("price_in_category", "discount", "exposures", "brand_affinity", "own_recency"):
        assert feature(name, empty) == [0, 0, 0, 0]


def test_history_is_padded_on_the_left_with_the_newest_last_and_unknown_items_left_out():
    tensors = visitor_tensors(VISITOR, VOCABULARY, NORMALISATION)
    assert tensors["history_rows"][0, -2:].tolist() == [1, 0]
    assert tensors["history_actions"][0, -2:].tolist() == [7, 2]
    assert tensors["history_age_days"][0, -2:].tolist() == [2.5, 0.25]
    assert (tensors["history_rows"][0, :-2] == -1).all()
    assert not tensors["history_actions"][0, :-2].any()


def test_a_long_history_keeps_the_newest():
    actions = tuple(RecentAction("c" if age == 0 else "d", 2, float(age)) for age in range(50))
    tensors = visitor_tensors(Visitor(recent_actions=actions), VOCABULARY, NORMALISATION)
    assert tensors["history_age_days"][0].tolist() == list(range(29, -1, -1))
    assert tensors["history_rows"][0, -1] == 2


def test_context_knows_device_region_language_and_referrer():
    context = visitor_tensors(VISITOR, VOCABULARY, NORMALISATION)["context"][0]
    assert context[:3].tolist() == [0, 0, 1]
    assert context[7:10].tolist() == [1, 0, 0]  # CN is the most frequent country
    assert context[10:12].tolist() == [1, 0]  # zh is the most frequent language
    assert context[12:15].tolist() == [1, 0, 0]
    assert context[15] == 1
    anonymous = visitor_tensors(Visitor(), VOCABULARY, NORMALISATION)["context"][0]
    assert anonymous[:3].tolist() == [1, 0, 0]  # not said: a desktop
    assert anonymous[15] == 0


def test_new_items_are_numbered_beyond_the_vocabulary_in_order():
    tensors = request_tensors(VISITOR, facts(rows=(2, -1, 0, -1)), VOCABULARY, NORMALISATION)
    assert tensors["candidate_rows"].tolist() == [2, 4, 0, 5]
    assert tensors["new_items"].shape == (2, 128)


def test_facts_refuse_columns_that_do_not_fit():
    with pytest.raises(ValueError, match="stock"):
        facts(stock=np.zeros(3, np.int32))
    with pytest.raises(ValueError, match="new vectors"):
        facts(rows=(0, -1), new_vectors=np.zeros((0, 128), np.float32))


def test_normalisation_survives_its_file_exactly(tmp_path):
    NORMALISATION.save(tmp_path / "features.json")
    loaded = Normalisation.load(tmp_path / "features.json")
    before, after = (request_tensors(VISITOR, facts(), VOCABULARY, each) for each in (NORMALISATION, loaded))
    assert all(before[name].tobytes() == after[name].tobytes() for name in before)


@given(
    order=st.permutations([0, 1, 2, 3]),
    ages=st.lists(st.floats(0, 400), min_size=3, max_size=3),
    popularity=st.lists(st.floats(0, 1e6, width=32), min_size=4, max_size=4),
)
def test_a_request_gives_the_same_bits_alone_and_among_others(order, ages, popularity):
    visitor = Visitor(
        VISITOR.user_embedding,
        tuple(RecentAction(item_id, 4, age) for item_id, age in zip("abc", ages, strict=True)),
        VISITOR.affinities,
    )
    columns = {"popularity_7d": np.array(popularity, np.float32)}
    whole = request_tensors(visitor, facts(**columns), VOCABULARY, NORMALISATION)
    many = stack_visitor_tensors(visitor_tensors(each, VOCABULARY, NORMALISATION) for each in (VISITOR, visitor))
    for name, stacked in many.items():
        assert stacked[1:].tobytes() == whole[name].tobytes()
    for place in order:
        alone = facts(rows=(place,), popularity_7d=np.array([popularity[place]], np.float32))
        single = request_tensors(visitor, alone, VOCABULARY, NORMALISATION)
        assert single["candidate_features"].tobytes() == whole["candidate_features"][[place]].tobytes()
