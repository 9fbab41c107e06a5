"""What happens within and between the epochs of an autoencoder."""

import keras
import numpy as np
import pytest

from services.user_profile.training.configuration import AutoencoderConfig
from services.user_profile.training.fitting import fit
from services.user_profile.training.interaction_matrix import InteractionMatrix
from services.user_profile.training.network import Autoencoder

ITEMS = 20


def users(count: int = 40, seed: int = 1) -> InteractionMatrix:
    random = np.random.default_rng(seed)
    rows = [np.sort(random.choice(ITEMS, 5, replace=False)) for _ in range(count)]
    starts = np.arange(0, 5 * count + 1, 5, dtype=np.int64)
    return InteractionMatrix(starts, np.concatenate(rows).astype(np.int32), np.ones(5 * count, np.float32), ITEMS)


def fitted(measure=None, **settings) -> tuple[Autoencoder, list]:
    config = AutoencoderConfig(**{"hidden": (8,), "max_epochs": 3, "batch_users": 16, **settings})
    keras.utils.set_random_seed(7)
    network = Autoencoder(ITEMS, config)
    return network, fit(network, users(), "l2", np.random.default_rng(7), measure)


def test_without_anyone_held_out_all_epochs_are_learnt():
    _, epochs = fitted()
    assert len(epochs) == 3
    assert np.isnan([epoch.held_out_ndcg for epoch in epochs]).all()
    assert epochs[-1].loss < epochs[0].loss


def test_the_best_epochs_weights_stay():
    seen: list[np.ndarray] = []
    network: Autoencoder | None = None
    figures = iter([0.1, 0.5, 0.2, 0.3])
    config = AutoencoderConfig(hidden=(8,), max_epochs=4, batch_users=16, average_decay=0.9)
    network = Autoencoder(ITEMS, config)

    def measure() -> float:
        seen.append(network.get_weights()[0].copy())
        return next(figures)

    fit(network, users(), "l2", np.random.default_rng(7), measure)
    assert np.array_equal(network.get_weights()[0], seen[1])


def test_a_running_mean_of_the_weights_is_kept_where_it_is_wanted():
    """One batch an epoch: the mean can be followed by hand."""
    path: list[list[np.ndarray]] = []
    for epochs in (1, 2, 3):
        network, _ = fitted(max_epochs=epochs, batch_users=64, average_decay=0.0)
        path.append(network.get_weights())
    averaged, _ = fitted(max_epochs=3, batch_users=64, average_decay=0.6)
    for place, kept in enumerate(averaged.get_weights()):
        expected = path[0][place]
        for step in (1, 2):
            expected = 0.6 * expected + 0.4 * path[step][place]
        assert kept == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("prior", ["normal", "composite"])
def test_encoder_and_decoder_learn_in_turns(prior):
    settings = {"kind": "variational", "prior": prior, "encoder_passes": 2, "max_epochs": 1}
    keras.utils.set_random_seed(7)
    start = Autoencoder(ITEMS, AutoencoderConfig(hidden=(8,), **settings))
    learnt, epochs = fitted(**settings)
    assert len(epochs) == 1
    for before, after in zip(start.get_weights(), learnt.get_weights(), strict=True):
        assert before.shape == after.shape
    encoder, decoder = learnt.halves()
    assert len(encoder) + len(decoder) == len(learnt.trainable_variables)
    assert not {id(each) for each in encoder} & {id(each) for each in decoder}
    assert not np.allclose(start.get_weights()[0], learnt.get_weights()[0])
    assert not np.allclose(start.scores_layer.get_weights()[0], learnt.scores_layer.get_weights()[0])


def test_the_loss_of_the_variational_one_is_its_negative_evidence_bound():
    """With a vanishing variance the sample is the mean, and numpy can follow: −ELBO with the divergence weighted."""
    config = AutoencoderConfig(hidden=(8,), l2=0.0, beta=0.3)
    network = Autoencoder(ITEMS, config)
    network.log_variance_layer.set_weights([np.zeros((8, 64), np.float32), np.full(64, -30.0, np.float32)])
    given = users(6).dense("l2")
    targets = users(6).targets()
    old = network.encode(given)
    loss = float(network.training_loss(given, targets, old, np.float32(0.5)))
    (kernel, bias), (mean_kernel, mean_bias) = network.encoder_arrays()
    z = np.tanh(given @ kernel + bias) @ mean_kernel + mean_bias
    decoder_kernel, decoder_bias = network.decoder_layers[0].get_weights()
    scores_kernel, scores_bias = network.scores_layer.get_weights()
    scores = np.tanh(z @ decoder_kernel + decoder_bias) @ scores_kernel + scores_bias
    log_softmax = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    likelihood = (targets * log_softmax).sum(axis=1)
    divergence = 0.5 * (np.exp(-30.0) + z**2 - 1.0 + 30.0).sum(axis=1)
    assert loss == pytest.approx(float(np.mean(-likelihood + 0.3 * 0.5 * divergence)), rel=1e-4)


@pytest.mark.parametrize(
    ("reconstruction", "answer"), [("multinomial", lambda scores: np.exp(scores).T), ("squared_error", np.transpose)]
)
def test_scores_begin_with_what_everyone_has(reconstruction, answer):
    network = Autoencoder(ITEMS, AutoencoderConfig(hidden=(8,), reconstruction=reconstruction))
    network.scores_layer.set_weights([np.zeros((8, ITEMS), np.float32), np.ones(ITEMS, np.float32)])
    popularity = np.arange(ITEMS).astype(np.float32)
    network.begin_with(popularity, 40)
    begun = answer(np.asarray(network(users(2).dense("l2"))))
    expected = (popularity + 0.5) / (popularity + 0.5).sum() if reconstruction == "multinomial" else popularity / 40
    assert begun[:, 0] == pytest.approx(expected, abs=1e-6)
    assert begun[:, 1] == pytest.approx(expected, abs=1e-6)
