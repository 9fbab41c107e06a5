"""What the fusion model is trained to make small. Shapes `[B, C]`; pads have weight 0."""

import tensorflow as tf

LEAST_LOG_ARGUMENT = 1e-7


def entire_space_loss(logits: tuple[tf.Tensor, tf.Tensor], labels: dict[str, tf.Tensor]) -> tf.Tensor:
    """ESMM over impressions (Ma et al. 2018, eq. 3): log loss of the click plus log loss of click and purchase.

    Both probabilities carry the slot's examination as a factor: P(click) = examination * p_click_if_seen.

    Args:
        logits: of click and conversion.
        labels: "examination", "clicked", "purchased", "weight", all float32.

    """
    return click_loss(logits, labels) + purchase_loss(logits, labels)


def click_loss(logits: tuple[tf.Tensor, tf.Tensor], labels: dict[str, tf.Tensor]) -> tf.Tensor:
    """The first half of `entire_space_loss`, and all that a model of clicks alone learns from."""
    click = labels["examination"] * tf.sigmoid(logits[0])
    return _mean(_log_loss(click, labels["clicked"]), labels["weight"])


def purchase_loss(logits: tuple[tf.Tensor, tf.Tensor], labels: dict[str, tf.Tensor]) -> tf.Tensor:
    """The second half of `entire_space_loss`, and all that a model of purchases alone learns from."""
    purchase = labels["examination"] * tf.sigmoid(logits[0]) * tf.sigmoid(logits[1])
    return _mean(_log_loss(purchase, labels["purchased"]), labels["weight"])


def sampled_softmax_loss(logits: tuple[tf.Tensor, tf.Tensor], labels: dict[str, tf.Tensor]) -> tf.Tensor:
    """Softmax over each piece's sampled candidates with the logQ correction (Yi et al. 2019, eq. 3).

    Without impressions nothing says how often an item that was seen is clicked, so the result only orders items.
    Purchases are learnt among the positives.

    Args:
        logits: of click and conversion.
        labels: "log_q", "clicked", "purchased", "weight", all float32.

    """
    real = labels["weight"] > 0
    corrected = tf.where(real, logits[0] - labels["log_q"], -1e9)
    likelihood = tf.nn.log_softmax(corrected) * labels["clicked"]
    positives = labels["clicked"] * labels["weight"]
    loss = -tf.reduce_sum(likelihood * labels["weight"]) / (tf.reduce_sum(positives) + 1e-6)
    return loss + _mean(_log_loss(tf.sigmoid(logits[1]), labels["purchased"]), positives)


def counted(labels: dict[str, tf.Tensor]) -> tf.Tensor:
    """What the two losses above are means over: impressions, or positives where rows are sampled."""
    weight = labels["weight"]
    return tf.reduce_sum(weight * labels["clicked"] if "log_q" in labels else weight)


def distillation_loss(logits: tuple[tf.Tensor, tf.Tensor], labels: dict[str, tf.Tensor]) -> tf.Tensor:
    """Cross-entropy to a teacher's probabilities (Hinton et al. 2015, section 2, at temperature 1).

    A conversion counts as much as the teacher expects the click it needs.

    Args:
        logits: of click and conversion.
        labels: "taught_click", "taught_conversion", "weight", all float32.

    """
    loss = _log_loss(tf.sigmoid(logits[0]), labels["taught_click"])
    loss += labels["taught_click"] * _log_loss(tf.sigmoid(logits[1]), labels["taught_conversion"])
    return _mean(loss, labels["weight"])


def _log_loss(probability: tf.Tensor, happened: tf.Tensor) -> tf.Tensor:
    positive = tf.math.log(tf.maximum(probability, LEAST_LOG_ARGUMENT))
    negative = tf.math.log(tf.maximum(1.0 - probability, LEAST_LOG_ARGUMENT))
    return -(happened * positive + (1.0 - happened) * negative)


def _mean(loss: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(loss * weight) / (tf.reduce_sum(weight) + 1e-6)
