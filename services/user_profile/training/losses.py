"""The autoencoders' losses, one number a user."""

import math

import tensorflow as tf

WIDE_LOG_VARIANCE = 10.0
"""Of the wide component of the composite prior (RecVAE, section 3.2)."""

COMPOSITE_WEIGHTS = (0.15, 0.75, 0.1)
"""Of the standard, the old-posterior and the wide component (RecVAE, section 3.2)."""


def squared_loss(inputs: tf.Tensor, decoded: tf.Tensor) -> tf.Tensor:
    """`[n]` 1/2 sum (x_hat - x)^2."""
    return 0.5 * tf.reduce_sum(tf.square(decoded - inputs), axis=1)


def multinomial_loss(touched: tf.Tensor, decoded: tf.Tensor) -> tf.Tensor:
    """`[n]` -sum x log softmax(x_hat) (Liang et al. 2018, equation 2)."""
    return -tf.reduce_sum(touched * tf.nn.log_softmax(decoded, axis=1), axis=1)


def gaussian_kl(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """`[n]` KL(N(mean, variance) || N(0, 1)), in closed form."""
    return 0.5 * tf.reduce_sum(tf.exp(log_variance) + tf.square(mean) - 1.0 - log_variance, axis=1)


def gaussian_log_density(code: tf.Tensor, mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """`[n]` log N(code; mean, variance), dimensions independent."""
    squared = tf.square(code - mean) / tf.exp(log_variance)
    return -0.5 * tf.reduce_sum(log_variance + math.log(2.0 * math.pi) + squared, axis=1)


def composite_log_prior(code: tf.Tensor, old_mean: tf.Tensor, old_log_variance: tf.Tensor) -> tf.Tensor:
    """`[n]` log of RecVAE's prior: a mixture of N(0, 1), last epoch's posterior and a wide Gaussian."""
    nothing = tf.zeros_like(code)
    components = (
        gaussian_log_density(code, nothing, nothing),
        gaussian_log_density(code, old_mean, old_log_variance),
        gaussian_log_density(code, nothing, nothing + WIDE_LOG_VARIANCE),
    )
    weighted = [each + math.log(weight) for each, weight in zip(components, COMPOSITE_WEIGHTS, strict=True)]
    return tf.reduce_logsumexp(tf.stack(weighted), axis=0)
