"""Every source keeps the same promises; each finds what it is there to find; the shop has structure to be found."""

import numpy as np
import pytest

from services.ranker.source import Retrieved, Source
from services.ranker.sources import SOURCE_NAMES, SOURCES, load_source
from services.ranker.training.interactions import Interactions
from services.ranker.training.source_calibration import fit_source_calibration
from services.ranker.training.sources import (
    als,
    content,
    item_cf,
    knowledge_graph,
    new,
    popular,
    two_tower,
    user_cf,
    visual,
)
from services.ranker.visitor import RecentAction, Situation, Visitor
from services.ranker.vocabulary import Vocabulary

ITEMS, USERS, GROUPS = 90, 150, 3
GROUP = np.arange(ITEMS) % GROUPS
"""Items 0, 3, 6 … are one taste, 1, 4, 7 … another: pictures, texts, brands and users agree about it."""
NOTHING = np.zeros(0, np.int32)
ALL = np.ones(ITEMS, np.bool_)
VOCABULARY = Vocabulary(
    item_ids=[f"i{row}" for row in range(ITEMS)],
    family_ids=[f"f{row}" for row in range(ITEMS)],
    brands=[f"brand{GROUP[row]}" for row in range(ITEMS)],
    categories=[f"Women/kind{row % 5}" for row in range(ITEMS)],
    colours=["red" if row % 2 else "" for row in range(ITEMS)],
    price_bands=[str(1 + row % 4) for row in range(ITEMS)],
)


def _content() -> np.ndarray:
    random = np.random.default_rng(1)
    centres = random.normal(size=(GROUPS, 128))
    vectors = centres[GROUP] + 0.5 * random.normal(size=(ITEMS, 128))
    for part in (slice(0, 64), slice(64, 128)):
        vectors[:, part] /= np.linalg.norm(vectors[:, part], axis=1, keepdims=True)
    vectors[7, :64] = 0.0  # an item without a picture
    return vectors.astype(np.float32)


def _interactions() -> Interactions:
    random = np.random.default_rng(2)
    users, rows, ages = [], [], []
    for user in range(USERS):
        mine = np.flatnonzero(user % GROUPS == GROUP)
        for _ in range(12):
            others = random.random() < 0.1
            rows.append(int(random.integers(ITEMS)) if others else int(random.choice(mine[: 20 if user % 2 else 30])))
            users.append(user)
            ages.append(float(random.random() * 30))
    segments = np.array([("region:DE" if user % GROUPS == 0 else "region:FR", "device:1") for user in users], np.str_)
    return Interactions(
        np.array(users, np.int32),
        np.array(rows, np.int32),
        np.full(len(rows), 4, np.int32),
        np.array(ages, np.float32),
        segments,
        USERS,
        ITEMS,
    )


CONTENT, INTERACTIONS = _content(), _interactions()
AGE_DAYS = np.arange(ITEMS, dtype=np.float32)


@pytest.fixture(scope="module")
def sources() -> dict[str, Source]:
    tables = {
        "item_cf": item_cf.train(INTERACTIONS),
        "user_cf": user_cf.train(INTERACTIONS),
        "als": als.train(INTERACTIONS, als.AlsConfig(factors=8)),
        "two_tower": two_tower.train(INTERACTIONS, CONTENT, two_tower.TwoTowerConfig(size=16, batch_size=128)),
        "visual": visual.train(CONTENT),
        "content": content.train(CONTENT, VOCABULARY),
        "knowledge_graph": knowledge_graph.train(INTERACTIONS, VOCABULARY),
        "popular": popular.train(INTERACTIONS),
        "new": new.train(AGE_DAYS),
    }
    return {name: load_source(name, VOCABULARY, table) for name, table in tables.items()}


@pytest.fixture(params=SOURCE_NAMES)
def source(request, sources) -> Source:
    return sources[request.param]


def visitor(*rows: int, situation: Situation = Situation()) -> Visitor:  # noqa: B008
    return Visitor(recent_actions=tuple(RecentAction(f"i{row}", 4, 0.5) for row in rows), situation=situation)


FAN = visitor(0, 3, 9, 12)


def test_every_source_has_a_trainer_and_a_name_of_its_own(sources):
    assert set(sources) == set(SOURCES) == set(SOURCE_NAMES)
    assert all(sources[name].name == name for name in sources)


def test_candidates_are_allowed_distinct_limited_and_in_order(source):
    allowed = np.arange(ITEMS) % 4 != 1
    for limit in (0, 1, 7, 500):
        found = source.retrieve(FAN, NOTHING, allowed, limit)
        _check(found, allowed, limit)
    assert len(source.retrieve(FAN, NOTHING, allowed, 7).rows) == 7


def _check(found: Retrieved, allowed: np.ndarray, limit: int) -> None:
    assert len(found.rows) <= limit
    assert len(set(found.rows.tolist())) == len(found.rows)
    assert allowed[found.rows].all()
    assert (np.diff(found.scores) <= 0).all()
    assert np.isfinite(found.scores).all()
    assert ((found.p_click_if_seen > 0) & (found.p_click_if_seen < 1)).all()
    assert (np.diff(found.p_click_if_seen) <= 0).all()
    assert len(found.rows) == len(found.scores) == len(found.p_click_if_seen) == len(found.via)
    assert len(found.paths) in (0, len(found.rows))


def test_a_longer_list_begins_with_the_shorter_one(source):
    short, long = (source.retrieve(FAN, NOTHING, ALL, limit) for limit in (5, 40))
    assert long.rows[:5].tolist() == short.rows.tolist()


def test_seeds_and_history_are_not_proposed_again(source):
    if not source.uses_seeds:
        return
    seeds = np.array([0, 6, 30], np.int32)
    given = source.retrieve(FAN, seeds, ALL, 80)
    assert given.seeds.tolist() == [0, 6, 30]
    assert not set(given.rows.tolist()) & {0, 6, 30}
    own = source.retrieve(FAN, NOTHING, ALL, 80)
    assert not set(own.rows.tolist()) & {0, 3, 9, 12}
    assert set(own.via.tolist()) <= {0, 3, 9, 12, -1}


def test_a_visitor_without_any_history_gets_nothing_or_what_needs_none(source):
    found = source.retrieve(visitor(), NOTHING, ALL, 10)
    assert len(found.rows) == (0 if source.uses_seeds else 10)


def test_items_the_release_does_not_know_are_no_seeds(source):
    stranger = Visitor(recent_actions=(RecentAction("unheard-of", 7, 0.0),))
    assert len(source.retrieve(stranger, np.array([-1], np.int32), ALL, 5).seeds) == 0


def test_a_visitor_of_one_click_is_served_by_every_source(source):
    assert len(source.retrieve(visitor(3), NOTHING, ALL, 5).rows) == 5


PERSONAL = ("item_cf", "user_cf", "als", "two_tower", "visual", "content", "knowledge_graph")


@pytest.mark.parametrize("name", PERSONAL)
def test_personal_sources_find_the_visitors_taste(sources, name):
    for group in range(GROUPS):
        mine = [row for row in (3, 9, 12, 18) for row in [row + group]]
        found = sources[name].retrieve(visitor(*mine), NOTHING, ALL, 12)
        assert (GROUP[found.rows] == group).mean() >= 0.75


@pytest.mark.parametrize("name", ["item_cf", "als", "visual", "content", "knowledge_graph"])
def test_evidence_names_the_seed_of_the_same_taste(sources, name):
    found = sources[name].retrieve(FAN, np.array([3, 1], np.int32), ALL, 30)
    told = found.via >= 0
    assert told.mean() > 0.5
    assert (GROUP[found.rows[told]] == GROUP[found.via[told]]).mean() > 0.8


def test_an_item_without_a_picture_is_no_visual_neighbour_but_has_a_description(sources):
    seeds = np.array([4], np.int32)
    assert 7 not in sources["visual"].retrieve(FAN, seeds, ALL, ITEMS).rows
    assert 7 in sources["content"].retrieve(FAN, seeds, ALL, 30).rows


def test_paths_of_the_knowledge_graph_are_true(sources):
    found = sources["knowledge_graph"].retrieve(FAN, np.array([3], np.int32), ALL, 25)
    assert len(found.paths) == 25
    columns = {
        "brand": VOCABULARY.brands,
        "category": VOCABULARY.categories,
        "colour": VOCABULARY.colours,
        "price_band": VOCABULARY.price_bands,
    }
    for row, path in zip(found.rows.tolist(), found.paths, strict=True):
        kind, _, value = path.split(" > ")[-1].partition(":")
        assert columns[kind][row] == value
        first_kind, _, first_value = path.split(" > ")[0].partition(":")
        assert columns[first_kind][3] == first_value


def test_popular_follows_the_visitors_region(sources):
    in_germany = sources["popular"].retrieve(visitor(situation=Situation(region="DE-BE")), NOTHING, ALL, 10)
    in_france = sources["popular"].retrieve(visitor(situation=Situation(region="FR")), NOTHING, ALL, 10)
    assert (GROUP[in_germany.rows] == 0).mean() > (GROUP[in_france.rows] == 0).mean()


def test_new_puts_the_youngest_first(sources):
    assert sources["new"].retrieve(FAN, NOTHING, ALL, 4).rows.tolist() == [0, 1, 2, 3]


def test_scores_are_worth_the_click_rates_that_were_seen():
    random = np.random.default_rng(0)
    scores = random.random(20_000).astype(np.float32)
    examined = random.uniform(0.2, 1.0, 20_000).astype(np.float32)
    clicked = random.random(20_000) < examined * (0.05 + 0.3 * scores)
    table = visual.train(CONTENT) | fit_source_calibration(scores, clicked, examined)
    worth = load_source("visual", VOCABULARY, table).p_click(np.array([0.1, 0.5, 0.9], np.float32))
    assert worth == pytest.approx([0.08, 0.20, 0.32], abs=0.03)
    assert fit_source_calibration(scores[:50], clicked[:50], examined[:50]) == {}


RATINGS = np.array([[0, 5, 4, 0], [0, 0, 5, 0], [0, 4, 0, 0], [3, 0, 0, 0]], float)


def test_gradient_steps_reproduce_the_worked_example():
    """Mission row B6: zeros are missing, and what is known comes back."""
    users, items = als.factorise(RATINGS, RATINGS > 0)
    assert np.abs((users @ items.T - RATINGS)[RATINGS > 0]).max() < 0.05


def test_a_gradient_step_adds_rate_times_error_times_the_other_vector():
    one = als.GradientConfig(factors=2, rate=0.1, passes=1, seed=4)
    none = als.GradientConfig(factors=2, rate=0.1, passes=0, seed=4)
    ratings, known = np.array([[5.0]]), np.array([[True]])
    before_u, before_v = als.factorise(ratings, known, none)
    after_u, after_v = als.factorise(ratings, known, one)
    error = 5.0 - before_u[0] @ before_v[0]
    assert after_u[0] == pytest.approx(before_u[0] + 0.1 * error * before_v[0])
    assert after_v[0] == pytest.approx(before_v[0] + 0.1 * error * before_u[0])


def test_alternating_least_squares_solves_each_side_exactly():
    table = als.train(INTERACTIONS, als.AlsConfig(factors=6, sweeps=4))
    factors = table["item_factors"]
    gram = factors.T @ factors + als.AlsConfig().regularisation * np.eye(6)
    assert np.allclose(table["gram"], gram, rtol=1e-4)


def test_the_cosine_of_parallel_vectors_is_one():
    assert content.cosine(np.array([1.0, 2, 3]), np.array([2.0, 4, 6])) == pytest.approx(1.0)
    assert content.cosine(np.array([1.0, 0]), np.array([0.0, 1])) == 0.0
    assert content.cosine(np.zeros(2), np.ones(2)) == 0.0


def test_no_group_of_users_is_a_single_person():
    table = user_cf.train(INTERACTIONS)
    assert table["usage_rows"].max() < ITEMS
    assert "users" not in table
    assert len(table["usage_starts"]) - 1 <= USERS / user_cf.LEAST_USERS
