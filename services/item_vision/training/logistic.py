"""Multinomial logistic regression with class weights, by L-BFGS."""

import numpy as np
from scipy.optimize import minimize


def fit_logistic(inputs: np.ndarray, classes: np.ndarray, class_count: int, l2: float) -> tuple[np.ndarray, np.ndarray]:
    """Kernel `[width, classes]` and bias `[classes]` that minimise weighted cross-entropy + l2/2 · |kernel|².

    Classes are weighted by the inverse square root of their frequency, half way between counting every row
    alike (rare classes are never said) and every class alike (a handful of rows decides).
    """
    frequency = np.bincount(classes, minlength=class_count)
    weights = 1 / np.sqrt(np.maximum(frequency, 1))[classes]
    weights = (weights / weights.sum()).astype(np.float32)
    targets = np.eye(class_count, dtype=np.float32)[classes]
    width = inputs.shape[1]

    def loss_and_gradient(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        kernel, bias = _unpack(parameters, width, class_count)
        logits = inputs @ kernel + bias
        logits -= logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        sums = exponentials.sum(axis=1, keepdims=True)
        log_likelihood = ((logits - np.log(sums)) * targets).sum(axis=1)
        residuals = (exponentials / sums - targets) * weights[:, None]
        loss = -float(log_likelihood @ weights) + 0.5 * l2 * float((kernel**2).sum())
        gradient = np.concatenate([(inputs.T @ residuals + l2 * kernel).ravel(), residuals.sum(axis=0)])
        return loss, gradient.astype(np.float64)

    start = np.zeros(width * class_count + class_count)
    found = minimize(loss_and_gradient, start, jac=True, method="L-BFGS-B", options={"maxiter": 60})
    return _unpack(found.x, width, class_count)


def _unpack(parameters: np.ndarray, width: int, class_count: int) -> tuple[np.ndarray, np.ndarray]:
    single = parameters.astype(np.float32)
    return single[: width * class_count].reshape(width, class_count), single[width * class_count :]
