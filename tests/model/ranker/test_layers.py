import numpy as np
import pytest
import tensorflow as tf

from services.ranker.model.layers import CrossLayer, SelfAttention, attend, interest_in_category
from services.ranker.training.losses import entire_space_loss, sampled_softmax_loss

RANDOM = np.random.default_rng(4)


def softmax(values):
    shifted = np.exp(values - values.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def test_self_attention_is_softmax_of_query_key_over_root_d_times_value():
    states = RANDOM.normal(size=(2, 5, 8)).astype(np.float32)
    valid = np.array([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]], bool)
    layer = SelfAttention(8, heads=2)
    layer.build((None, 5, 8))
    kernel, bias, out_kernel, out_bias = (weight.numpy() for weight in layer.weights)
    projected = (states @ kernel + bias).reshape(2, 5, 3, 2, 4)
    heads = []
    for head in range(2):
        query, key, value = (projected[:, :, part, head] for part in range(3))
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(4)
        scores[~np.broadcast_to(valid[:, None, :], scores.shape)] = -np.inf
        heads.append(softmax(scores) @ value)
    expected = np.concatenate(heads, axis=-1) @ out_kernel + out_bias
    assert np.allclose(layer(states, valid), expected, atol=1e-5)


def test_a_cross_layer_is_x0_times_u_v_x_plus_b_plus_x():
    first, crossed = RANDOM.normal(size=(2, 3, 6)).astype(np.float32), RANDOM.normal(size=(2, 3, 6)).astype(np.float32)
    layer = CrossLayer(rank=2, l2=0.0)
    layer.build((None, 6), (None, 6))
    layer.bias.assign(RANDOM.normal(size=6))
    narrow, widen, bias = (weight.numpy() for weight in (layer.narrow, layer.widen, layer.bias))
    assert np.allclose(layer(first, crossed), first * (crossed @ narrow @ widen + bias) + crossed, atol=1e-5)


def test_candidates_attend_to_real_history_only():
    query, states = RANDOM.normal(size=(2, 3, 4)).astype(np.float32), RANDOM.normal(size=(2, 5, 4)).astype(np.float32)
    valid = np.array([[0, 0, 0, 1, 1], [0, 0, 0, 0, 0]], bool)
    answer = attend(tf.constant(query), tf.constant(states), tf.constant(valid)).numpy()
    weights = softmax(query[0] @ states[0, 3:].T / 2.0)
    assert np.allclose(answer[0], weights @ states[0, 3:], atol=1e-5)
    assert not answer[1].any()


def test_interest_counts_the_history_in_the_candidates_own_category():
    vectors = RANDOM.normal(size=(1, 4, 2)).astype(np.float32)
    recency = np.array([[0.2, 0.5, 1.0, 0.0]], np.float32)
    interest, amount = interest_in_category(
        tf.constant([[7, 0, 9]]), tf.constant([[7, 3, 7, 0]]), tf.constant(vectors), tf.constant(recency)
    )
    assert np.allclose(interest[0, 0], (0.2 * vectors[0, 0] + vectors[0, 2]) / 2.2, atol=1e-6)
    assert not interest[0, 1:].numpy().any()  # an unknown category is nobody's, an unvisited one nobody's yet
    assert np.allclose(amount[0, :, 0], [np.log(2.2), 0, 0])


def test_the_entire_space_loss_is_that_of_click_and_of_click_and_purchase():
    logits = RANDOM.normal(size=(2, 2, 3)).astype(np.float32)
    labels = {
        "examination": RANDOM.uniform(0.2, 1.0, (2, 3)).astype(np.float32),
        "clicked": np.array([[1, 0, 1], [0, 0, 1]], np.float32),
        "purchased": np.array([[1, 0, 0], [0, 0, 1]], np.float32),
        "weight": np.array([[1, 1, 1], [1, 0, 1]], np.float32),
    }
    click = labels["examination"] * sigmoid(logits[0])
    purchase = click * sigmoid(logits[1])
    losses = [
        -(happened * np.log(p) + (1 - happened) * np.log(1 - p))
        for p, happened in ((click, labels["clicked"]), (purchase, labels["purchased"]))
    ]
    expected = (sum(losses) * labels["weight"]).sum() / 5
    assert float(entire_space_loss((logits[0], logits[1]), labels)) == pytest.approx(expected, rel=1e-4)


def test_the_sampled_softmax_takes_log_q_off_the_logits():
    logits = RANDOM.normal(size=(2, 3)).astype(np.float32)
    log_q = np.log(RANDOM.uniform(0.01, 0.5, (2, 3))).astype(np.float32)
    labels = {
        "log_q": log_q,
        "clicked": np.array([[1, 0, 0], [1, 0, 0]], np.float32),
        "purchased": np.array([[1, 0, 0], [0, 0, 0]], np.float32),
        "weight": np.array([[1, 1, 1], [1, 1, 0]], np.float32),
    }
    corrected = logits - log_q
    corrected[1, 2] = -np.inf
    click = -np.log(softmax(corrected)[:, 0]).mean()
    conversion = RANDOM.normal(size=(2, 3)).astype(np.float32)
    p = sigmoid(conversion[:, 0])
    expected = click - (np.log(p[0]) + np.log(1 - p[1])) / 2
    assert float(sampled_softmax_loss((logits, conversion), labels)) == pytest.approx(expected, rel=1e-4)
