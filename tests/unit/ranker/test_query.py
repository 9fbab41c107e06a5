import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ranker.query import WordIndex, indexed_terms, terms

TITLES = [
    "Red dresses by Aster Vestidos rojos de Aster Aster红色连衣裙",
    "Blue shoes by Birch Zapatos azules de Birch Birch蓝色鞋子",
    "Green shirt by Cedar Camisa verde de Cedar Cedar绿色衬衫",
    "Black lamp by Dune Lámpara negra de Dune Dune黑色台灯",
    "Café au lait mug Ｔａｚａ エスプレッソ",
]


@pytest.fixture
def index() -> WordIndex:
    index = WordIndex()
    index.extend(TITLES)
    return index


def found(index: WordIndex, query: str, share: float = 1.0) -> list[int]:
    return np.flatnonzero(index.match(query) >= share).tolist()


@pytest.mark.parametrize(
    ("query", "positions"),
    [
        ("dress", [0]),
        ("DRESSES", [0]),
        ("shoe", [1]),
        ("red dress", [0]),
        ("vestido rojo", [0]),
        ("zapato", [1]),
        ("lampara", [3]),
        ("lámparas negras", [3]),
        ("cafe", [4]),
        ("taza", [4]),
        ("连衣裙", [0]),
        ("红色连衣裙", [0]),
        ("裙", [0]),
        ("台灯", [3]),
        ("エスプレッソ", [4]),
        ("aster裙", [0]),
        ("by", [0, 1, 2, 3]),
    ],
)
def test_a_query_finds_items_in_the_language_it_is_asked_in(index, query, positions):
    assert found(index, query) == positions


@pytest.mark.parametrize("query", ["", "  ", "!?", "sofa", "dre$$", "裤子", "shoemaker"])
def test_a_query_without_a_matching_word_finds_nothing(index, query):
    assert not index.match(query).any()


def test_the_score_is_the_share_of_words_that_match(index):
    np.testing.assert_allclose(index.match("red shoes"), [0.5, 0.5, 0, 0, 0])
    np.testing.assert_allclose(index.match("red red red shoes"), [0.5, 0.5, 0, 0, 0])


def test_short_words_match_only_whole(index):
    assert found(index, "red") == [0]
    assert found(index, "re") == []


def test_a_replaced_text_is_found_by_its_new_words_only(index):
    assert found(index, "dress") == [0]
    index.replace(0, "Yellow hat")
    assert found(index, "dress") == []
    assert found(index, "hat") == [0]
    assert found(index, "aster") == []
    index.replace(0, TITLES[0])
    assert found(index, "dress") == [0]


def test_answers_follow_the_index_as_it_grows(index):
    assert found(index, "dress") == [0]
    index.extend(["Another dress"])
    assert found(index, "dress") == [0, 5]
    assert len(index.match("dress")) == len(index) == 6


def test_an_answer_cannot_be_written_to(index):
    with pytest.raises(ValueError, match="read-only"):
        index.match("dress")[0] = 7.0


@given(st.text())
def test_terms_are_lower_case_words_without_blanks(text):
    for term in terms(text):
        assert term
        assert not any(character.isspace() for character in term)


@given(st.text(min_size=1))
def test_every_text_with_words_is_found_by_itself(text):
    index = WordIndex()
    index.extend([text])
    assert index.match(text)[0] == (1.0 if terms(text) else 0.0)


@given(st.text(st.sampled_from("abXY09 -_/'\t\u00a0\u0301ßéÉñİﬁ红色连ガが\u30fcㄱ한²½\u200b\u3000Σς"), max_size=30))
def test_a_text_is_found_by_its_terms_and_single_characters_however_it_is_taken_apart(text):
    characters = {each for each in "".join(terms(text)) if "\u3040" <= each <= "\ud7af"}
    assert indexed_terms(text) == {*terms(text)} | characters
