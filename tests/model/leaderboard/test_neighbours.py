"""Neighbour models against loops that say the same in plain words."""

import dataclasses

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import AttributesMissingError, Training, module_of
from lab.leaderboard.windows import looking_ahead, looking_back, recency
from lab.models import content, item_cf, knowledge_graph, sequence_knn, sequence_linear, user_cf

ITEMS = 12


@pytest.fixture
def histories() -> Histories:
    random = np.random.default_rng(4)
    return Histories.of([random.integers(0, ITEMS - 1, random.integers(1, 9)) for _ in range(30)], ITEMS)


@pytest.fixture
def asked() -> Histories:
    return Histories.of([[3], [1, 2, 5], [], [7, 7, 0, 4]], ITEMS)


def users_of(histories):
    return np.array([sum(item in histories.of_user(user) for user in range(len(histories))) for item in range(ITEMS)])


class TestWindows:
    def test_back_and_ahead_count_by_distance_within_a_user(self):
        made = Histories.of([[0, 1, 2], [3, 1]], 4)
        half = 1.0 / np.log(2.0)
        np.testing.assert_allclose(
            looking_back(made, 3, half).toarray(),
            [[1, 0, 0, 0], [0.5, 1, 0, 0], [0.25, 0.5, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0.5]],
            rtol=1e-6,
        )
        np.testing.assert_allclose(
            looking_ahead(made, 1, half).toarray(),
            [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]],
            rtol=1e-6,
        )

    def test_recency_adds_up_what_comes_again(self):
        half = 1.0 / np.log(2.0)
        found = recency(Histories.of([[2, 0, 2], []], 3), half).toarray()
        np.testing.assert_allclose(found, [[0.5, 0, 1.25], [0, 0, 0]], rtol=1e-6)

    def test_nothing_to_look_at_is_no_error(self):
        empty = Histories.of([[], []], 3)
        assert looking_back(empty, 3, 1.0).shape == (0, 3)
        assert looking_ahead(Histories.of([[1]], 3), 3, 1.0).nnz == 0


def test_item_cf_is_a_weighted_count_of_pairs(histories, asked):
    config = item_cf.Config(window=4)
    users = users_of(histories) + config.shrinkage
    near = np.zeros((ITEMS, ITEMS))
    for user in range(len(histories)):
        walk = histories.of_user(user)
        for i, first in enumerate(walk):
            for j, second in enumerate(walk):
                if 1 <= j - i <= config.window:
                    weight = np.exp(-(j - i - 1) / config.distance_steps) * len(walk) ** -config.user_power
                    near[first, second] += weight
                    near[second, first] += config.backward * weight
    near /= users[:, None] ** config.source_power * users[None] ** config.target_power
    expected = np.zeros((len(asked), ITEMS))
    for user in range(len(asked)):
        for age, item in enumerate(asked.of_user(user)[::-1]):
            expected[user] += np.exp(-age / config.recency_steps) * near[item]
    found = item_cf.train(histories, Training(), config).score(asked)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("neighbours", [4, 1000])
def test_sequence_knn_is_a_weighted_count_around_shared_items(histories, asked, neighbours):
    config = sequence_knn.Config(neighbours=neighbours, window=5)
    users = np.maximum(users_of(histories), 1)
    expected = np.zeros((len(asked), ITEMS))
    for user in range(len(asked)):
        newest = asked.of_user(user)[::-1][: config.window]
        matches = [
            (other, place, np.exp(-age / config.recency_steps) * users[item] ** -config.rarity_power)
            for age, item in enumerate(newest)
            for other in range(len(histories))
            for place, there in enumerate(histories.of_user(other))
            if there == item
        ]
        length = histories.sizes.clip(1) ** -config.length_power
        similarity = np.zeros(len(histories))
        for other, _, weight in matches:
            similarity[other] += weight * length[other]
        best = np.argsort(-similarity, kind="stable")[:neighbours]
        for other, place, weight in matches:
            if other not in best:
                continue
            for at, item in enumerate(histories.of_user(other)):
                step = at - place
                if step and abs(step) <= config.window:
                    side = 1.0 if step > 0 else config.backward
                    near = side * np.exp(-(abs(step) - 1) / config.distance_steps)
                    expected[user, item] += weight * length[other] * near
    expected *= users**-config.target_power
    found = sequence_knn.train(histories, Training(), config).score(asked)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_user_cf_is_the_cosine_of_weighted_users(histories, asked):
    config = user_cf.Config(neighbours=1000, sharpness=1.0)
    count = np.maximum(users_of(histories), 1)
    rarity = count**-config.rarity_power
    have = histories.matrix().toarray()
    unit = have * rarity / np.maximum(np.linalg.norm(have * rarity, axis=1, keepdims=True), 1e-12)
    similarity = (asked.matrix().toarray() * rarity) @ unit.T
    expected = similarity @ have * count**-config.target_power
    found = user_cf.train(histories, Training(), config).score(asked)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("attribute_weight", [0.0, 1.5])
def test_sequence_linear_is_the_minimum_of_its_loss_with_a_zero_diagonal(histories, attribute_weight):
    config = sequence_linear.Config(regularisation=2.0, attribute_weight=attribute_weight, window=4)
    attributes = csr_matrix(np.eye(3, dtype=np.float32)[np.arange(ITEMS) % 3])
    weights = sequence_linear.train(histories, Training(attributes=attributes), config).weights.astype(np.float64)
    sources, targets = [], []
    for user in range(len(histories)):
        walk, each = histories.of_user(user), len(histories.of_user(user)) ** -config.user_power
        whole = np.zeros(ITEMS)
        whole[walk] = 1.0
        sources.append(whole * np.sqrt(config.both_ways * each))
        targets.append(whole * np.sqrt(config.both_ways * each))
        for now in range(len(walk) - 1):
            before, after = np.zeros(ITEMS), np.zeros(ITEMS)
            for distance in range(config.window):
                if now - distance >= 0:
                    before[walk[now - distance]] += np.exp(-distance / config.source_steps)
                if now + 1 + distance < len(walk):
                    after[walk[now + 1 + distance]] += np.exp(-distance / config.target_steps)
            sources.append(before * np.sqrt((1 - config.both_ways) * each))
            targets.append(after * np.sqrt((1 - config.both_ways) * each))
    if attribute_weight:
        items_of = np.asarray(attributes.sum(axis=0)).ravel()
        rows = attribute_weight * np.log((1 + ITEMS) / (1 + items_of)) / np.sqrt(items_of) * attributes.toarray()
        sources += list(rows.T)
        targets += list(rows.T)
    source, target = np.array(sources), np.array(targets)
    gradient = source.T @ (source @ weights - target) + config.regularisation * weights
    np.fill_diagonal(gradient, 0.0)
    np.testing.assert_allclose(gradient, 0.0, atol=2e-4)
    np.testing.assert_array_equal(np.diag(weights), 0.0)


def test_content_is_a_cosine_over_rare_attributes():
    attributes = csr_matrix(np.array([[1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1]], np.float32))
    histories = Histories.of([[0, 1], [2]], 4)
    config = dataclasses.replace(content.Config(), popularity_power=0.0)
    model = content.train(histories, Training(attributes=attributes), config)
    scores = model.score(Histories.of([[0], []], 4))
    rare, common = np.log(5 / 2), np.log(5 / 4)
    np.testing.assert_allclose(scores[0], [1, 1, common / np.hypot(rare, common), 0], rtol=1e-5)
    np.testing.assert_array_equal(scores[1], 0.0)


def test_a_walk_over_the_graph_ends_somewhere_and_prefers_what_holds_together():
    # Attributes 0 and 1 say what is used together; 2 and 3 are given at random.
    random = np.random.default_rng(2)
    made = np.zeros((20, 4), np.float32)
    made[np.arange(20), np.arange(20) // 10] = 1.0
    made[np.arange(20), 2 + random.integers(0, 2, 20)] = 1.0
    histories = Histories.of([random.permutation(10)[:4] + 10 * (user % 2) for user in range(40)], 20)
    config = knowledge_graph.Config(popularity_power=0.0)
    model = knowledge_graph.train(histories, Training(attributes=csr_matrix(made)), config)
    np.testing.assert_allclose(model.to_attribute.sum(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(model.to_item.sum(axis=1), 1.0, rtol=1e-5)
    scores = model.score(Histories.of([[0]], 20))[0]
    np.testing.assert_allclose(scores.sum(), 1.0, rtol=1e-5)
    assert scores[:10].sum() > 0.8


@pytest.mark.parametrize("name", ["content", "knowledge_graph"])
def test_models_of_attributes_say_that_they_need_them(name):
    module = module_of(name)
    with pytest.raises(AttributesMissingError, match="--attributes"):
        module.train(Histories.of([[0, 1]], 2), Training(), module.Config())
