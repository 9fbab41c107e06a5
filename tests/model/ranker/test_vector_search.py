"""Approximate search finds what exact search finds, on data that is clustered as catalogues are."""

import numpy as np
import pytest

from lab.benchmark.catalogue_items import COLOURS, VECTOR_SIZE, SyntheticItems
from lab.benchmark.catalogue_sources import Actions, source_tables
from services.ranker import vector_search
from services.ranker.source import AllowedMask
from services.ranker.sources import knowledge_graph, load_source, new, popular
from services.ranker.training.search_index import indexed
from services.ranker.training.sources import visual
from services.ranker.vector_search import VectorSearch, train_index, with_index
from services.ranker.visitor import RecentAction, Visitor
from services.ranker.vocabulary import Vocabulary

ITEMS, LIMIT, QUERIES = 20_000, 50, 100
LEAST_RECALL = 0.95


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return np.ascontiguousarray(SyntheticItems.draw(ITEMS, 7).vectors[:, :VECTOR_SIZE])


@pytest.fixture(scope="module")
def table(vectors: np.ndarray) -> dict[str, np.ndarray]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vector_search, "EXACT_BELOW", ITEMS - 1)
        return indexed("visual", visual.train(np.concatenate([vectors, vectors], axis=1)))


def test_recall_is_as_stated(vectors: np.ndarray, table: dict[str, np.ndarray]) -> None:
    search = VectorSearch(table["search_index"])
    random = np.random.default_rng(3)
    recalls = []
    for rows in random.integers(0, ITEMS, (QUERIES, 3)):
        query = vectors[rows].mean(axis=0)
        exact = set(np.argsort(-(vectors @ query))[:LIMIT].tolist())
        recalls.append(len(exact & set(search.nearest(query, 4 * LIMIT).tolist())) / LIMIT)
    assert np.mean(recalls) >= LEAST_RECALL


def test_a_source_with_an_index_answers_as_the_exact_one_does(
    vectors: np.ndarray, table: dict[str, np.ndarray]
) -> None:
    vocabulary = Vocabulary(*[[f"i{row}" for row in range(ITEMS)]] * 6)
    quick = load_source("visual", vocabulary, table)
    exact = load_source("visual", vocabulary, visual.train(np.concatenate([vectors, vectors], axis=1)))
    allowed = np.arange(ITEMS) % 5 != 0
    found = []
    for row in range(0, ITEMS, ITEMS // 20):
        visitor = Visitor(recent_actions=(RecentAction(f"i{row}", 4, 1.0),))
        answers = [source.retrieve(visitor, np.zeros(0, np.int32), allowed, LIMIT) for source in (quick, exact)]
        common = np.isin(answers[0].rows, answers[1].rows)
        scores = dict(zip(answers[1].rows.tolist(), answers[1].scores.tolist(), strict=True))
        for found_row, score in zip(answers[0].rows[common].tolist(), answers[0].scores[common].tolist(), strict=True):
            assert score == pytest.approx(scores[found_row], abs=1e-5)
        assert len(answers[0].rows) == LIMIT
        assert allowed[answers[0].rows].all()
        found.append(common.mean())
    assert np.mean(found) >= LEAST_RECALL


def test_small_catalogues_have_no_index(vectors: np.ndarray) -> None:
    assert with_index({"vectors": vectors}, vectors).keys() == {"vectors"}


def test_the_same_vectors_make_the_same_index(vectors: np.ndarray) -> None:
    np.testing.assert_array_equal(train_index(vectors[:4_000]), train_index(vectors[:4_000]))


@pytest.mark.parametrize("name", ["popular", "new", "knowledge_graph", "user_cf", "item_cf"])
def test_a_large_catalogues_source_answers_as_a_small_ones_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    items = SyntheticItems.draw(1_000, 5)
    vocabulary = Vocabulary(
        item_ids=items.item_ids(),
        family_ids=items.item_ids(),
        brands=[items.brands[code] for code in items.brand.tolist()],
        categories=[items.categories[code] for code in items.category.tolist()],
        colours=[COLOURS[code] for code in items.colour.tolist()],
        price_bands=["1"] * len(items),
    )
    tables = dict(source_tables(items, vocabulary, Actions.draw(items)))
    whole = load_source(name, vocabulary, tables[name])
    for module in (knowledge_graph, popular, new):
        monkeypatch.setattr(module, "LARGE", 100)
    parts = load_source(name, vocabulary, tables[name])
    few = np.arange(0, 1_000, 7, dtype=np.int32)
    for row in range(0, 1_000, 250):
        visitor = Visitor(recent_actions=(RecentAction(vocabulary.item_ids[row], 4, 1.0),))
        for allowed in (np.ones(1_000, np.bool_), np.arange(1_000) % 3 == 0):
            expected = whole.retrieve(visitor, np.zeros(0, np.int32), allowed, 20)
            found = parts.retrieve(visitor, np.zeros(0, np.int32), allowed, 20)
            np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-6)
        listed = parts.retrieve(visitor, np.zeros(0, np.int32), Listed(few), 20)
        expected = whole.retrieve(visitor, np.zeros(0, np.int32), np.isin(np.arange(1_000), few), 20)
        np.testing.assert_allclose(listed.scores, expected.scores, rtol=1e-6)


class Listed(AllowedMask):
    """A filter that lists what it lets through."""

    def __init__(self, rows: np.ndarray) -> None:
        super().__init__(np.isin(np.arange(1_000), rows))
        object.__setattr__(self, "_few", rows)

    def few(self) -> np.ndarray:
        return self._few
