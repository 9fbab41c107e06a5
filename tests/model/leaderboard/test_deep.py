"""The deep sequence models: what they learn from, what they may see, and that the same seed gives the same model."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from scipy.sparse import csr_matrix
from scipy.special import logsumexp

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training, module_of
from lab.leaderboard.ranking import ranks_of
from lab.sequence_learning.augmentation import Augmentation
from lab.sequence_learning.learning import LearningConfig
from lab.sequence_learning.negatives import Draw, sampled_softmax_losses
from lab.sequence_learning.network import Batch, NetworkConfig, SequenceNetwork
from lab.sequence_learning.packing import NOTHING, pack

ITEMS = 40
SETTINGS = {"sasrec": {"members": 1}, "gru": {}, "lstm": {"cell": "lstm"}, "two_tower": {}}


def some_histories(users=32, items=ITEMS, longest=9, seed=3):
    random = np.random.default_rng(seed)
    return Histories.of([random.choice(items, random.integers(2, longest), replace=False) for _ in range(users)], items)


def configured(kind, learning=None, **network):
    module = module_of("gru" if kind == "lstm" else kind)
    config = dataclasses.replace(module.Config(), **SETTINGS[kind])
    shape = {"width": 16, "length": 10, "dropout": 0.0} | network
    steps = {"learning_rate": 1e-2, "warmup_steps": 5, "uniform_negatives": ITEMS, "averaging": 0.9} | (learning or {})
    return module, dataclasses.replace(
        config,
        network=dataclasses.replace(config.network, **shape),
        learning=dataclasses.replace(LearningConfig(), **steps),
        **({} if kind == "two_tower" else {"dropout": 0.0}),
    )


def encoder_of(kind):
    module, config = configured(kind)
    layer = {"sasrec": "Transformer", "gru": "Recurrent", "lstm": "Recurrent", "two_tower": "Pooling"}[kind]
    return SequenceNetwork(ITEMS, config.network, getattr(module, layer)(config), None)


def one_strip(items, pieces):
    places = [sum(earlier == piece for earlier in pieces[:at]) for at, piece in enumerate(pieces)]
    return Batch(*(tf.constant([each], tf.int32) for each in (items, places, pieces)))


class TestPacking:
    def test_every_target_is_there_once_after_the_items_before_it(self):
        random = np.random.default_rng(0)
        histories = Histories.of([random.integers(0, 500, size) for size in (0, 1, 2, 3, 8, 9, 10, 31, 5, 7, 2)], 500)
        strips = pack(histories, 8, random)
        found = []
        for strip in range(len(strips)):
            for place in np.flatnonzero(strips.targets[strip] != NOTHING):
                steps = strips.places[strip, place]
                before = strips.items[strip, place - steps : place + 1]
                assert (strips.pieces[strip, place - steps : place + 1] == strips.pieces[strip, place]).all()
                found.append((*before.tolist(), int(strips.targets[strip, place])))
        wanted = [histories.of_user(user).tolist() for user in range(len(histories))]
        pairs = sorted((row[at], row[at + 1]) for row in wanted for at in range(len(row) - 1))
        assert sorted(each[-2:] for each in found) == pairs
        # The newest target of each user has all that a strip holds.
        assert {tuple(row[-9:]) for row in wanted if len(row) > 1} <= set(found)

    def test_few_places_stay_empty(self):
        strips = pack(some_histories(users=500, longest=12), 50, np.random.default_rng(0))
        assert (strips.items == NOTHING).mean() < 0.02


class TestAugmentation:
    def histories(self):
        return some_histories(users=300, items=500, longest=12)

    def test_leaves_out_about_the_share_and_keeps_the_order(self):
        histories = self.histories()
        changed = Augmentation(left_out_share=0.25)(histories, np.random.default_rng(0))
        assert len(changed) == len(histories)
        assert len(changed.rows) == pytest.approx(0.75 * len(histories.rows), rel=0.05)
        for user in range(len(histories)):
            whole = histories.of_user(user).tolist()
            places = [whole.index(row) for row in changed.of_user(user).tolist()]
            assert places == sorted(places)

    def test_swaps_neighbours_of_the_same_user_only(self):
        histories = self.histories()
        changed = Augmentation(swapped_share=0.3)(histories, np.random.default_rng(0))
        moved = 0
        for user in range(len(histories)):
            whole = histories.of_user(user).tolist()
            steps = [abs(whole.index(row) - place) for place, row in enumerate(changed.of_user(user).tolist())]
            assert max(steps) <= 1
            moved += sum(steps)
        assert moved > 0.2 * len(histories.rows)

    def test_reads_some_users_backwards(self):
        histories = self.histories()
        changed = Augmentation(reversed_share=0.5)(histories, np.random.default_rng(0))
        backwards = [(changed.of_user(user) == histories.of_user(user)[::-1]).all() for user in range(len(histories))]
        same = [(changed.of_user(user) == histories.of_user(user)).all() for user in range(len(histories))]
        assert all(one or other for one, other in zip(backwards, same, strict=True))
        assert 0.4 < np.mean(backwards) < 0.6


class TestLoss:
    def test_matches_a_plain_computation(self):
        random = np.random.default_rng(0)
        candidates = np.array([3, 1, 4, 1, 5])
        targets, scores = np.array([4, 2, 1]), random.normal(size=(3, 7)).astype(np.float32)
        expected = np.array([0.5, 1.2, 0.1, 1.2, 0.7], np.float32)
        wanted = []
        for row, target in zip(scores, targets, strict=True):
            others = [np.exp(row[c]) / e for c, e in zip(candidates, expected, strict=True) if c != target]
            wanted.append(-np.log(np.exp(row[target]) / (np.exp(row[target]) + sum(others))))
        found = sampled_softmax_losses(
            tf.constant(scores[np.arange(3), targets]),
            tf.constant(scores[:, candidates]),
            tf.constant(targets[:, None] == candidates[None]),
            tf.constant(np.log(expected)),
        )
        np.testing.assert_allclose(found, wanted, rtol=1e-5)

    def test_every_item_once_is_the_full_softmax(self):
        scores = np.random.default_rng(1).normal(size=(6, ITEMS)).astype(np.float32)
        targets = np.arange(6, dtype=np.int32)
        candidates = Draw(targets, ITEMS, uniform=2 * ITEMS, popular=0)(np.random.default_rng(2))
        found = sampled_softmax_losses(
            tf.constant(scores[np.arange(6), targets]),
            tf.constant(scores[:, candidates.rows]),
            tf.constant(targets[:, None] == candidates.rows[None]),
            tf.constant(candidates.log_expected),
        )
        np.testing.assert_allclose(found, logsumexp(scores, axis=1) - scores[np.arange(6), targets], rtol=1e-5)

    def test_candidates_come_as_often_as_they_say(self):
        targets = np.array([0, 0, 0, 1, 2, 2], np.int32)
        draw, random = Draw(targets, ITEMS, uniform=10, popular=5), np.random.default_rng(0)
        counts, log_expected = np.zeros(ITEMS), np.full(ITEMS, -np.inf)
        for _ in range(4000):
            candidates = draw(random)
            counts += np.bincount(candidates.rows, minlength=ITEMS)
            log_expected[candidates.rows] = candidates.log_expected
        np.testing.assert_allclose(counts / 4000, np.exp(log_expected), rtol=0.1)


@pytest.mark.parametrize("kind", SETTINGS)
class TestEachEncoder:
    def test_sees_nothing_that_comes_later(self, kind):
        network = encoder_of(kind)
        first = network.states(one_strip([1, 2, 3, 4, 5, 6], [0] * 6)).numpy()
        other = network.states(one_strip([1, 2, 3, 9, 8, 7], [0] * 6)).numpy()
        np.testing.assert_allclose(first[:, :3], other[:, :3], atol=1e-6)
        assert np.abs(first[:, 3:] - other[:, 3:]).max() > 1e-3

    def test_a_piece_is_read_as_if_it_were_alone(self, kind):
        network = encoder_of(kind)
        packed = network.states(one_strip([7, 8, 1, 2, 3, NOTHING], [0, 0, 1, 1, 1, NOTHING])).numpy()
        alone = network.states(one_strip([1, 2, 3], [0, 0, 0])).numpy()
        np.testing.assert_allclose(packed[0, 2:5], alone[0], atol=1e-5)


@pytest.mark.parametrize("kind", SETTINGS)
class TestEachModel:
    def test_learns_few_short_histories_by_heart(self, kind):
        module, config = configured(kind, {"epochs": 50})
        histories, targets = some_histories().without_newest()
        seen = histories.sizes > 0
        whole = some_histories()
        model = module.train(whole, Training(seed=1), config)
        ranks = ranks_of(model.score(histories), histories, targets)
        assert np.median(ranks[seen]) == 1
        assert np.mean(ranks[seen] <= 3) > 0.8

    def test_same_seed_same_model_and_scores_do_not_depend_on_the_batch(self, kind):
        module, config = configured(kind, {"epochs": 3, "uniform_negatives": 20}, dropout=0.3, masked_share=0.1)
        histories = some_histories(longest=14)
        scores = module.train(histories, Training(seed=5), config).score(histories)
        model = module.train(histories, Training(seed=5), config)
        np.testing.assert_array_equal(model.score(histories), scores)
        users = np.array([17, 4, 30])
        np.testing.assert_array_equal(model.score(histories.take(users)), scores[users])
        assert np.isfinite(model.score(Histories.of([[], [3]], ITEMS))).all()


class TestLearning:
    def test_stops_by_the_measure_and_keeps_the_best_weights(self):
        module, config = configured("sasrec", {"epochs": 40, "measured_every": 1, "patience": 2})
        histories, seen = some_histories(), {}

        def measure(model):
            seen[model.epochs] = model.score(histories)
            return -abs(model.epochs - 3)

        model = module.train(histories, Training(measure=measure), config)
        assert model.epochs == 3
        assert sorted(seen) == [1, 2, 3, 4, 5]
        np.testing.assert_array_equal(model.score(histories), seen[3])
        again = module.train(histories, Training(epochs=model.epochs), config)
        np.testing.assert_array_equal(again.score(histories), seen[3])

    def test_members_are_averaged_and_learn_as_long_as_the_first(self):
        module, config = configured("sasrec", {"epochs": 4, "measured_every": 1, "patience": 1})
        histories = some_histories()
        training = Training(measure=lambda model: -abs(model.epochs - 2))
        both = module.train(histories, training, dataclasses.replace(config, members=2))
        alone = [module.train(histories, Training(seed=seed, epochs=2), config) for seed in (1, 1001)]
        assert both.epochs == 2
        mean = np.mean([model.score(histories) for model in alone], axis=0)
        np.testing.assert_allclose(both.score(histories), mean, rtol=1e-5)

    def test_another_seed_trains_another_model(self):
        module, config = configured("sasrec", {"epochs": 2})
        histories = some_histories()
        one, other = (module.train(histories, Training(seed=seed), config).score(histories) for seed in (5, 6))
        assert np.abs(one - other).max() > 1e-3

    def test_attributes_speak_for_an_item_without_a_vector_of_its_own(self):
        attributes = csr_matrix(np.eye(4, dtype=np.float32)[[0, 0, 1, 2]])
        config = NetworkConfig(width=8, length=4)
        module, sasrec = configured("sasrec")
        encoder = module.Transformer(dataclasses.replace(sasrec, network=config))
        network = SequenceNetwork(4, config, encoder, attributes)
        network.read.own.assign(np.zeros((4, 8), np.float32))
        vectors = network.items(tf.range(4)).numpy()
        np.testing.assert_array_equal(vectors[0], vectors[1])
        assert np.abs(vectors[0] - vectors[2]).max() > 1e-3

    def test_histories_without_an_order_to_learn_are_refused(self):
        module, config = configured("sasrec")
        with pytest.raises(ValueError, match="no history has two items"):
            module.train(Histories.of([[1], [2]], ITEMS), Training(), config)

    def test_an_unknown_cell_is_refused(self):
        module, config = configured("gru")
        with pytest.raises(ValueError, match="cell must be gru or lstm"):
            module.train(some_histories(), Training(), dataclasses.replace(config, cell="rnn"))
