"""Loss functions with their gradients, and the line that fits best under three of them.

Every loss is a mean over the samples, takes (y_true, y_pred), and has a partner `..._grad`: its
derivative with respect to y_pred. Cross-entropies come in two forms. One takes probabilities; the
one that ends in `_from_logits` takes logits, the real numbers before sigmoid or softmax, and is
finite and right for logits of any size. Names and formulas follow `keras.losses`; the test suite
compares them with Keras itself.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

EPSILON = 1e-7  # probabilities are kept this far from 0 and 1, as in Keras


# --- regression: how far is the prediction? -----------------------------------------------------


def mean_squared_error(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Return the mean of (y_pred - y_true)^2, in squared units of the target.

    Args:
        y_true: targets, any shape.
        y_pred: predictions, the same shape as y_true.

    Raises:
        ValueError: the shapes differ; broadcasting (n,) against (n, 1) would average n * n
            pairs instead of n.

    Likelihood: the targets are normal around the predictions, always with the same variance.
    Lesson: 02_loss_functions.

    >>> round(mean_squared_error([1, 0, 1, 0], [0.7, 0.3, 0.8, 0.2]), 3)
    0.065
    """
    y_true, y_pred = _pair(y_true, y_pred)
    return float(np.mean((y_pred - y_true) ** 2))


def mean_squared_error_grad(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Return the derivative of `mean_squared_error` by y_pred, in the shape of y_pred.

    >>> mean_squared_error_grad([1.0, 0.0], [0.5, 2.0]).tolist()
    [-0.5, 2.0]
    """
    y_true, y_pred = _pair(y_true, y_pred)
    return 2 * (y_pred - y_true) / y_pred.size


def mean_absolute_error(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Return the mean of |y_pred - y_true|, in units of the target.

    Args and Raises: as for `mean_squared_error`.

    Likelihood: the targets follow a Laplace distribution around the predictions.
    Lesson: 02_loss_functions.

    >>> mean_absolute_error([1.0, 0.0], [0.5, 2.0])
    1.25
    """
    y_true, y_pred = _pair(y_true, y_pred)
    return float(np.mean(np.abs(y_pred - y_true)))


def mean_absolute_error_grad(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Return the derivative of `mean_absolute_error` by y_pred, in the shape of y_pred.

    Where the two are equal the loss has a kink and no derivative; 0 is returned there.

    >>> mean_absolute_error_grad([1.0, 0.0], [0.5, 2.0]).tolist()
    [-0.5, 0.5]
    """
    y_true, y_pred = _pair(y_true, y_pred)
    return np.sign(y_pred - y_true) / y_pred.size


def huber_loss(y_true: ArrayLike, y_pred: ArrayLike, delta: float = 1.0) -> float:
    """Return the mean Huber loss: a parabola for small errors, straight lines for large ones.

    An error e costs e^2 / 2 up to |e| = delta, and delta * (|e| - delta / 2) beyond.

    Args:
        y_true: targets, any shape.
        y_pred: predictions, the same shape as y_true.
        delta: where the parabola ends, above 0, in units of the target.

    Raises:
        ValueError: the shapes differ, or delta is not above 0.

    Likelihood: normal in the middle, Laplace in the tails.
    Source: P. J. Huber, Robust Estimation of a Location Parameter (1964).
    Lesson: 02_loss_functions.

    >>> huber_loss([0.0, 0.0], [0.5, 10.0])
    4.8125
    """
    y_true, y_pred = _pair(y_true, y_pred)
    _check_delta(delta)
    size = np.abs(y_pred - y_true)
    inside = np.minimum(size, delta)  # the part of the error that is squared
    return float(np.mean(inside**2 / 2 + delta * (size - inside)))


def huber_loss_grad(y_true: ArrayLike, y_pred: ArrayLike, delta: float = 1.0) -> np.ndarray:
    """Return the derivative of `huber_loss` by y_pred: the error, cut off at -delta and delta.

    >>> huber_loss_grad([0.0, 0.0], [0.5, 10.0]).tolist()
    [0.25, 0.5]
    """
    y_true, y_pred = _pair(y_true, y_pred)
    _check_delta(delta)
    return np.clip(y_pred - y_true, -delta, delta) / y_pred.size


# --- two classes: one probability for each sample -----------------------------------------------


def binary_cross_entropy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Return the mean of -(y log p + (1 - y) log(1 - p)), in nats.

    Probabilities below 1e-7 or above 1 - 1e-7 count as these, as in Keras, so that the
    logarithm stays finite. `binary_cross_entropy_from_logits` needs no such cut.

    Args:
        y_true: labels in [0, 1], any shape; 0 or 1, or shares after `smooth_labels`.
        y_pred: probabilities p of class 1, the same shape as y_true.

    Raises:
        ValueError: the shapes differ, or a label or a probability lies outside [0, 1].

    Likelihood: each label is a coin (Bernoulli) that shows 1 with probability p.
    Lesson: 02_loss_functions.

    >>> round(binary_cross_entropy([1, 0, 1, 0], [0.7, 0.3, 0.8, 0.2]), 4)
    0.2899
    """
    y_true, p = _probabilities(y_true, y_pred)
    p = np.clip(p, EPSILON, 1 - EPSILON)
    return float(np.mean(-y_true * np.log(p) - (1 - y_true) * np.log1p(-p)))


def binary_cross_entropy_grad(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Return the derivative of `binary_cross_entropy` by the probabilities y_pred.

    It is 0 where the probability was cut to [1e-7, 1 - 1e-7]: there the loss is flat.

    >>> binary_cross_entropy_grad([1, 0], [0.5, 0.75]).tolist()
    [-1.0, 2.0]
    """
    y_true, p = _probabilities(y_true, y_pred)
    cut = np.clip(p, EPSILON, 1 - EPSILON)
    return np.where(p == cut, (cut - y_true) / (cut * (1 - cut)), 0.0) / p.size


def binary_cross_entropy_from_logits(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Return the binary cross-entropy of the probabilities sigmoid(y_pred), in nats.

    Computed as max(z, 0) - y z + log(1 + exp(-|z|)), where no exponential can overflow.

    Args:
        y_true: labels in [0, 1], any shape.
        y_pred: logits z, any real numbers, the same shape as y_true.

    Raises:
        ValueError: the shapes differ, or a label lies outside [0, 1].

    Lesson: 02_loss_functions.

    >>> [binary_cross_entropy_from_logits([1], [z]) for z in (1000, -1000)]
    [0.0, 1000.0]
    """
    y_true, z = _labels(*_pair(y_true, y_pred))
    return float(np.mean(np.maximum(z, 0) - y_true * z + np.log1p(np.exp(-np.abs(z)))))


def binary_cross_entropy_from_logits_grad(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Return the derivative of `binary_cross_entropy_from_logits`: (probability - label) / n.

    >>> binary_cross_entropy_from_logits_grad([1, 0, 1, 0], [0, 1000, -1000, 0]).tolist()
    [-0.125, 0.25, -0.25, 0.125]
    """
    y_true, z = _labels(*_pair(y_true, y_pred))
    return (_sigmoid(z) - y_true) / z.size


# --- several classes: one probability for each sample and class ---------------------------------


def categorical_cross_entropy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Return the mean over samples of -sum_k y_k log p_k, in nats.

    Probabilities below 1e-7 count as 1e-7, as in Keras.

    Args:
        y_true: one row a sample, shape (n, classes): one-hot, or shares that sum to 1.
        y_pred: probabilities, the same shape; each row sums to 1 (to a thousandth).

    Raises:
        ValueError: the shapes differ or are not (n, classes), a number lies outside [0, 1], or
            a row does not sum to 1.

    Likelihood: each label is one draw among the classes with these probabilities (categorical).
    Lesson: 02_loss_functions.

    >>> round(categorical_cross_entropy([[0, 1, 0]], [[0.25, 0.5, 0.25]]), 4)
    0.6931
    """
    y_true, p = _class_probabilities(y_true, y_pred)
    return float(np.mean(-np.sum(y_true * np.log(np.clip(p, EPSILON, 1)), axis=1)))


def categorical_cross_entropy_grad(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Return the derivative of `categorical_cross_entropy` by each probability: -y / (p n).

    Each probability is moved alone. It is 0 where p is below 1e-7: there the loss is flat.

    >>> categorical_cross_entropy_grad([[0, 1, 0]], [[0.25, 0.5, 0.25]]).tolist()
    [[0.0, -2.0, 0.0]]
    """
    y_true, p = _class_probabilities(y_true, y_pred)
    share = np.where(p >= EPSILON, y_true / np.maximum(p, EPSILON), 0.0)
    return (0.0 - share) / len(p)


def categorical_cross_entropy_from_logits(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Return the categorical cross-entropy of the probabilities softmax(y_pred), in nats.

    Args:
        y_true: one row a sample, shape (n, classes): one-hot, or shares that sum to 1.
        y_pred: logits, any real numbers, the same shape.

    Raises:
        ValueError: the shapes differ or are not (n, classes), or a row of y_true holds numbers
            outside [0, 1] or does not sum to 1.

    Lesson: 02_loss_functions.

    >>> categorical_cross_entropy_from_logits([[0, 1, 0]], [[1000, 0, -1000]])
    1000.0
    """
    y_true, z = _class_labels(y_true, y_pred)
    return float(0.0 - np.mean(np.sum(y_true * _log_softmax(z), axis=1)))


def categorical_cross_entropy_from_logits_grad(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Return the derivative of `categorical_cross_entropy_from_logits`: (softmax - y) / n.

    >>> categorical_cross_entropy_from_logits_grad([[0, 1, 0]], [[1000, 0, -1000]]).tolist()
    [[1.0, -1.0, 0.0]]
    """
    y_true, z = _class_labels(y_true, y_pred)
    return (np.exp(_log_softmax(z)) - y_true) / len(z)


# --- labels -------------------------------------------------------------------------------------


def one_hot(labels: ArrayLike, classes: int) -> np.ndarray:
    """Return an array (n, classes) with a 1 in the column of each label and 0 elsewhere.

    Args:
        labels: whole numbers in [0, classes - 1], shape (n,).
        classes: number of classes.

    Raises:
        ValueError: labels are not a row of whole numbers in that range.

    >>> one_hot([2, 0], classes=3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iub":
        raise ValueError(
            f"labels have shape {labels.shape} and type {labels.dtype}; wanted whole numbers, (n,)"
        )
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(
            f"labels run from {labels.min()} to {labels.max()}; with {classes} classes they must "
            f"lie in [0, {classes - 1}]"
        )
    return np.eye(classes)[labels.astype(int)]


def smooth_labels(y_true: ArrayLike, label_smoothing: float) -> np.ndarray:
    """Return labels moved from 0 and 1 towards the share of a blind guess.

    y becomes (1 - s) y + s / classes. A column of 0 and 1 counts as two classes.

    Args:
        y_true: labels, shape (n,), or one-hot rows, shape (n, classes).
        label_smoothing: s in [0, 1]; 0 changes nothing.

    Raises:
        ValueError: label_smoothing or a label lies outside [0, 1], or y_true has another shape.

    Derivative: 1 - label_smoothing, for every label.
    Source: C. Szegedy et al., Rethinking the Inception Architecture (2016).
    Lesson: 02_loss_functions.

    >>> smooth_labels([0, 1], 0.2).tolist(), smooth_labels([[1, 0, 0, 0]], 0.2).round(2).tolist()
    ([0.1, 0.9], [[0.85, 0.05, 0.05, 0.05]])
    """
    y_true = np.asarray(y_true, dtype=float)
    if y_true.ndim not in (1, 2):
        raise ValueError(f"y_true has shape {y_true.shape}; wanted (n,) or (n, classes)")
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing is {label_smoothing!r}; it must lie in [0, 1]")
    _check_unit("y_true", y_true, _LABELS)
    classes = 2 if y_true.ndim == 1 or y_true.shape[1] == 1 else y_true.shape[1]
    return (1 - label_smoothing) * y_true + label_smoothing / classes


# --- a line under three losses ------------------------------------------------------------------


def best_line(
    x: ArrayLike, y: ArrayLike, loss: str = "mse", delta: float = 1.0
) -> tuple[float, float]:
    """Return slope and intercept of the line with the smallest loss.

    Args:
        x, y: the points, both of shape (n,), with at least two different x.
        loss: "mse", "mae" or "huber".
        delta: where Huber's parabola ends, above 0, in units of y.

    Raises:
        ValueError: an unknown loss, shapes that differ, or fewer than two different x.

    Lesson: 02_loss_functions.

    >>> x, y = [0, 1, 2, 3, 4], [0, 1, 2, 3, 40]
    >>> [round(number, 3) for number in best_line(x, y, "mse")]
    [8.2, -7.2]
    >>> best_line(x, y, "mae")
    (1.0, 0.0)
    """
    y, x = _pair(y, x)
    if x.ndim != 1 or not np.ptp(x) > 0:
        raise ValueError(f"x has shape {x.shape}; wanted (n,) with at least two different values")
    if loss == "mse":
        slope, intercept = _weighted_line(x, y, np.ones(len(x)))
    elif loss == "mae":
        slope, intercept = _least_absolute_line(x, y)
    elif loss == "huber":
        slope, intercept = _huber_line(x, y, delta)
    else:
        raise ValueError(f"loss is {loss!r}; it must be one of: mse, mae, huber")
    return float(slope), float(intercept)


# Twelve points, x and y, close to the line y = x + 2: what an outlier is added to.
POINTS = np.stack([np.linspace(0.5, 9.5, 12)] * 2)
POINTS[1] += 2 + np.array([0.3, -0.4, 0.1, 0.5, -0.6, 0.2, -0.1, 0.6, -0.3, -0.5, 0.4, -0.2])
HEIGHTS = np.arange(-20.0, 41.0, 4.0)  # of the outlier, where `fit_three` gives the slopes


def fit_three(outlier: float, outlier_at: float, delta: float) -> dict[str, dict]:
    """Return the best lines through `POINTS` and one more at (outlier_at, outlier).

    Args:
        outlier: its y. outlier_at: its x.
        delta: where Huber's parabola ends, above 0, in units of y.

    Returns:
        dict with lines, loss -> (slope, intercept), and slopes, loss -> array (16,): the slope if
        the outlier at the same place had each of `HEIGHTS`.

    Lesson: 02_loss_functions.

    >>> lines = fit_three(outlier=30.0, outlier_at=9.0, delta=1.0)["lines"]
    >>> [round(lines[name][0], 1) for name in ("mse", "mae", "huber")]
    [1.6, 1.0, 1.0]
    """
    return {"lines": _lines(outlier, outlier_at, delta), "slopes": _slopes(outlier_at, delta)}


def _lines(outlier: float, outlier_at: float, delta: float) -> dict[str, tuple[float, float]]:
    x, y = np.append(POINTS, [[outlier_at], [outlier]], axis=1)
    return {loss: best_line(x, y, loss, delta) for loss in ("mse", "mae", "huber")}


@lru_cache(maxsize=500)
def _slopes(outlier_at: float, delta: float) -> dict[str, np.ndarray]:
    lines = [_lines(height, outlier_at, delta) for height in HEIGHTS]
    return {loss: np.array([each[loss][0] for each in lines]) for loss in lines[0]}


def _weighted_line(x, y, weight):
    center_x, center_y = np.average(x, weights=weight), np.average(y, weights=weight)
    slope = weight @ ((x - center_x) * (y - center_y)) / (weight @ (x - center_x) ** 2)
    return slope, center_y - slope * center_x


def _least_absolute_line(x, y):
    """Try the line through every pair of points: one of these is always among the best."""
    first, second = np.triu_indices(len(x), k=1)
    apart = x[first] != x[second]
    first, second = first[apart], second[apart]
    slope = (y[second] - y[first]) / (x[second] - x[first])
    intercept = y[first] - slope * x[first]
    errors = np.abs(slope[:, None] * x + intercept[:, None] - y).mean(axis=1)
    return slope[errors.argmin()], intercept[errors.argmin()]


def _huber_line(x, y, delta):
    """Fit again and again with less weight on large errors, until the line stands still."""
    _check_delta(delta)
    slope, intercept = _least_absolute_line(x, y)  # a start that no outlier has pulled
    for _ in range(2000):
        size = np.abs(slope * x + intercept - y)
        new_slope, new_intercept = _weighted_line(x, y, delta / np.maximum(size, delta))
        moved = abs(new_slope - slope) + abs(new_intercept - intercept)
        slope, intercept = new_slope, new_intercept
        if moved < 1e-12 * (1 + abs(slope) + abs(intercept)):
            break
    return slope, intercept


# --- inside -------------------------------------------------------------------------------------

_LABELS = "labels must be 0 and 1 (turn -1 into 0), or shares between them"
_PROBABILITIES = "these must be probabilities; numbers before the sigmoid go to ..._from_logits"


def _sigmoid(z):
    return np.exp(-np.logaddexp(0, -z))  # neither exponential can overflow


def _log_softmax(z):
    shifted = z - z.max(axis=1, keepdims=True)  # the largest becomes 0, so exp cannot overflow
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _pair(y_true, y_pred):
    """Both as arrays of floats, of one shape."""
    y_true, y_pred = np.asarray(y_true, dtype=float), np.asarray(y_pred, dtype=float)
    if y_true.shape != y_pred.shape:
        advice = "give both the same shape"
        if y_true.size == y_pred.size:
            advice += f", for instance by y_pred.reshape({y_true.shape})"
        raise ValueError(
            f"the shapes differ: {y_true.shape} and {y_pred.shape}. Broadcasting would compare "
            f"every number with every other in silence; {advice}"
        )
    if y_true.size == 0:
        raise ValueError(f"there are no samples: shape {y_true.shape}; a mean needs at least one")
    return y_true, y_pred


def _labels(y_true, y_pred):
    _check_unit("y_true", y_true, _LABELS)
    return y_true, y_pred


def _probabilities(y_true, y_pred):
    y_true, p = _labels(*_pair(y_true, y_pred))
    _check_unit("y_pred", p, _PROBABILITIES)
    return y_true, p


def _class_labels(y_true, y_pred):
    y_true, y_pred = _labels(*_pair(y_true, y_pred))
    if y_true.ndim != 2:
        raise ValueError(
            f"y_true has shape {y_true.shape}; wanted (n, classes), see one_hot(labels, classes)"
        )
    _check_rows("y_true", y_true)
    return y_true, y_pred


def _class_probabilities(y_true, y_pred):
    y_true, p = _class_labels(y_true, y_pred)
    _check_unit("y_pred", p, _PROBABILITIES)
    _check_rows("y_pred", p)
    return y_true, p


def _check_unit(name, values, advice):
    outside = values[~((values >= 0) & (values <= 1))]
    if outside.size:
        raise ValueError(f"{name} holds {outside.flat[0]:g}, outside [0, 1]; {advice}")


def _check_rows(name, rows):
    sums = rows.sum(axis=1)
    row = np.abs(sums - 1).argmax()
    if not abs(sums[row] - 1) <= 1e-3:
        raise ValueError(f"row {row} of {name} sums to {sums[row]:g}; every row must sum to 1")


def _check_delta(delta):
    if not delta > 0:
        raise ValueError(f"delta is {delta!r}; it must be above 0")
