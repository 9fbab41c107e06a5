"""Each autoencoder learns what there is to learn, and leaves an encoder that needs no Keras."""

from functools import cache

import numpy as np
import pytest

from services.user_profile.model.encoder import Encoder
from services.user_profile.model.interactions import InteractionVector, Weighting
from services.user_profile.training.autoencoder import TrainedAutoencoder, train
from services.user_profile.training.configuration import AutoencoderConfig
from services.user_profile.training.fold_in import best_items, recall_at

ITEMS, GROUPS = 60, 4
GROUP_OF = np.arange(ITEMS) % GROUPS
WEIGHTING = Weighting()

KINDS = {
    "plain, squared error": AutoencoderConfig(kind="autoencoder", reconstruction="squared_error"),
    "plain, multinomial": AutoencoderConfig(kind="autoencoder", reconstruction="multinomial"),
    "denoising": AutoencoderConfig(kind="denoising"),
    "variational, normal prior": AutoencoderConfig(kind="variational", prior="normal"),
    "variational, composite prior": AutoencoderConfig(kind="variational", prior="composite"),
}


def small(config: AutoencoderConfig, **changes) -> AutoencoderConfig:
    sizes = {"hidden": (32,), "max_epochs": 25, "batch_users": 64, "learning_rate": 5e-3, "held_out_share": 0.15}
    return AutoencoderConfig(**{**vars(config), **sizes, **changes})


def users(count: int, seed: int, items_each: int = 8) -> list[InteractionVector]:
    """Users of one group each, who take their items from it nine times out of ten."""
    random = np.random.default_rng(seed)
    popularity = np.tile(random.random(ITEMS // GROUPS) + 0.2, (GROUPS, 1)).T.reshape(-1)
    made = []
    for user in range(count):
        liked = popularity * np.where(user % GROUPS == GROUP_OF, 27.0, 1.0)
        rows = random.choice(ITEMS, items_each, replace=False, p=liked / liked.sum()).astype(np.int32)
        made.append(WEIGHTING.vector(rows, random.choice([1.0, 3.0, 5.0], items_each)))
    return made


@cache
def trained(name: str) -> TrainedAutoencoder:
    return train(users(400, seed=1), ITEMS, small(KINDS[name]), WEIGHTING)


@pytest.mark.parametrize("name", KINDS)
def test_it_beats_popularity_on_users_it_has_not_seen(name):
    metrics = trained(name).metrics
    assert metrics["recall_20"] > metrics["popularity_recall_20"] + 0.1
    assert metrics["ndcg_100"] > metrics["popularity_ndcg_100"] + 0.1
    assert metrics["ndcg_100_gap"] == pytest.approx(metrics["train_ndcg_100"] - metrics["ndcg_100"])


@pytest.mark.parametrize("name", KINDS)
def test_the_encoder_in_numpy_equals_the_one_in_keras(name, tmp_path):
    result = trained(name)
    result.encoder.save(tmp_path)
    encoder = Encoder.load(tmp_path)
    random = np.random.default_rng(9)
    dense = np.zeros((50, ITEMS), np.float32)
    vectors = []
    for user in range(50):
        vector = WEIGHTING.vector(random.integers(0, ITEMS, 1 + user % 9).astype(np.int32), random.random(1 + user % 9))
        dense[user, vector.rows] = vector.weights
        vectors.append(vector)
    keras_z = np.asarray(result.network.encode(dense)[0])
    numpy_z = np.stack([encoder.encode(vector) for vector in vectors])
    assert np.abs(keras_z - numpy_z).max() <= 1e-5


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_leaves_embeddings_of_the_same_size(name):
    encoder = trained(name).encoder
    z = np.stack([encoder.encode(vector) for vector in users(400, seed=1)])
    assert np.sqrt(np.mean(z**2)) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("name", ["denoising", "variational, normal prior", "variational, composite prior"])
def test_one_event_is_enough_to_know_the_group(name):
    network = trained(name).network
    scores = np.array(network(np.eye(ITEMS, dtype=np.float32)))
    same_group = GROUP_OF[:, None] == GROUP_OF[None, :]
    np.fill_diagonal(scores, -np.inf)
    relevant = same_group & ~np.eye(ITEMS, dtype=bool)
    chance = relevant.mean()
    hits = np.take_along_axis(relevant, best_items(10, scores), axis=1)
    assert recall_at(10, hits, relevant.sum(axis=1)).mean() > 2 * chance


def test_it_can_learn_32_users_by_heart():
    overfitting = small(
        KINDS["plain, multinomial"], max_epochs=60, patience=60, l2=0.0, held_out_share=0.03, learning_rate=0.02
    )
    random = np.random.default_rng(4)
    known = [WEIGHTING.vector(random.choice(ITEMS, 5, replace=False).astype(np.int32), np.ones(5)) for _ in range(33)]
    result = train(known, ITEMS, overfitting, WEIGHTING)
    assert len(result.epochs) == 60
    # Five items of equal weight cannot be told with less than 5 · log 5 nats.
    assert result.epochs[-1].loss < 1.1 * 5 * np.log(5)


def test_the_same_seed_gives_the_same_encoder():
    config = small(KINDS["variational, composite prior"], max_epochs=2)
    first, second = (train(users(60, seed=2), ITEMS, config, WEIGHTING) for _ in range(2))
    assert first.encoder.space_id == second.encoder.space_id
    assert first.epochs == second.epochs


def test_it_stops_when_held_out_users_gain_nothing_more():
    result = train(users(120, seed=3), ITEMS, small(KINDS["plain, multinomial"], max_epochs=200, patience=3), WEIGHTING)
    ndcg = [epoch.held_out_ndcg for epoch in result.epochs]
    assert len(ndcg) < 200
    assert max(ndcg) == ndcg[-4]


def test_too_few_users_are_refused():
    with pytest.raises(ValueError, match="10 users"):
        train(users(9, seed=1), ITEMS)
