"""What the autoencoders minimise. All take `[users, ...]` tensors and answer the mean over users, a scalar."""

import math

import keras
from keras import KerasTensor, ops

# Shenbin et al. 2020 (RecVAE), section 3.2 and the authors' settings: standard normal, the encoder of the epoch
# before, and a wide normal with log variance 10 that keeps rare users from being pulled to the middle.
COMPOSITE_WEIGHTS = (3 / 20, 3 / 4, 1 / 10)
WIDE_LOG_VARIANCE = 10.0


def squared_error(scores: KerasTensor, targets: KerasTensor) -> KerasTensor:
    """1/2 · sum over items of (x̂ − x)²."""
    return ops.mean(0.5 * ops.sum(ops.square(scores - targets), axis=1))


def multinomial(scores: KerasTensor, targets: KerasTensor) -> KerasTensor:
    """− sum over items of x · log softmax(x̂) (Liang et al. 2018, equation 2)."""
    return -ops.mean(ops.sum(targets * keras.ops.log_softmax(scores, axis=1), axis=1))


def normal_divergence(mean: KerasTensor, log_variance: KerasTensor) -> KerasTensor:
    """KL(N(mean, exp(log_variance)) ‖ N(0, 1)), summed over dimensions (Kingma and Welling 2014, appendix B)."""
    return -0.5 * ops.mean(ops.sum(1.0 + log_variance - ops.square(mean) - ops.exp(log_variance), axis=1))


def composite_divergence(
    sample: KerasTensor,
    posterior: tuple[KerasTensor, KerasTensor],
    old_posterior: tuple[KerasTensor, KerasTensor],
    weights: KerasTensor,
) -> KerasTensor:
    """The difference log q(z|x) − log p(z) at a sample of q, p mixing three normals (Shenbin et al. 2020, equation 5).

    `weights` `[users]` is each user's share of the divergence: RecVAE lets it grow with the user's number of items.
    """
    mean, log_variance = old_posterior
    zeros = ops.zeros_like(sample)
    components = [
        log_density(sample, zeros, zeros),
        log_density(sample, mean, log_variance),
        log_density(sample, zeros, zeros + WIDE_LOG_VARIANCE),
    ]
    mixed = ops.stack([part + math.log(share) for part, share in zip(components, COMPOSITE_WEIGHTS, strict=True)])
    difference = log_density(sample, *posterior) - ops.logsumexp(mixed, axis=0)
    return ops.mean(weights * ops.sum(difference, axis=1))


def log_density(sample: KerasTensor, mean: KerasTensor, log_variance: KerasTensor) -> KerasTensor:
    """Log density of a normal, dimension by dimension."""
    scaled = ops.square(sample - mean) * ops.exp(-log_variance)
    return -0.5 * (math.log(2.0 * math.pi) + log_variance + scaled)
