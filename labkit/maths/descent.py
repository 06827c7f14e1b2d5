"""Gradient descent: optimizers, the walk down a surface, one step in theory, a linear model.

Everything here is plain NumPy. The optimizers and schedules follow Keras 3 (`keras.optimizers`,
`keras.optimizers.schedules`) formula by formula; the test suite compares them with Keras itself.
"""

from collections.abc import Callable
from inspect import signature

import numpy as np
from numpy.typing import ArrayLike

from labkit.maths.schedules import Schedule, constant, cosine_decay, exponential_decay, step_decay
from labkit.maths.surfaces import SURFACES, Surface, find_surface

# Surfaces and schedules stand in files of their own; lesson 01 finds all here.
__all__ = [
    "DIVERGED",
    "SURFACES",
    "Schedule",
    "Surface",
    "Update",
    "constant",
    "contraction",
    "cosine_decay",
    "descend",
    "diverged",
    "exponential_decay",
    "find_surface",
    "fit_linear",
    "largest_stable_rate",
    "linear_gradient",
    "linear_hessian",
    "linear_loss",
    "measure_limit",
    "start_optimizer",
    "step_decay",
    "steps_to_reach",
]

DIVERGED = 1e6  # a weight larger than this counts as diverged, and the walk stops there


# --- optimizers -------------------------------------------------------------------------------
# Each function below starts one optimizer with empty memory. What it returns has the signature of
# the update rule itself, new_w = update(w, gradient, learning_rate), and remembers what it needs
# (velocity, averages, step count) from call to call.

Update = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def _sgd() -> Update:
    def update(w, gradient, learning_rate):
        return w - learning_rate * gradient

    return update


def _momentum(momentum: float = 0.9) -> Update:
    velocity = 0.0

    def update(w, gradient, learning_rate):
        nonlocal velocity
        velocity = momentum * velocity - learning_rate * gradient
        return w + velocity

    return update


def _nesterov(momentum: float = 0.9) -> Update:
    velocity = 0.0

    def update(w, gradient, learning_rate):
        nonlocal velocity
        velocity = momentum * velocity - learning_rate * gradient
        return w + momentum * velocity - learning_rate * gradient  # one look further ahead

    return update


def _rmsprop(rho: float = 0.9, epsilon: float = 1e-7) -> Update:
    squares = 0.0

    def update(w, gradient, learning_rate):
        nonlocal squares
        squares = rho * squares + (1 - rho) * gradient**2
        return w - learning_rate * gradient / np.sqrt(squares + epsilon)

    return update


def _adam(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> Update:
    mean, squares, step = 0.0, 0.0, 0

    def update(w, gradient, learning_rate):
        nonlocal mean, squares, step
        step += 1
        mean = mean + (1 - beta_1) * (gradient - mean)
        squares = squares + (1 - beta_2) * (gradient**2 - squares)
        # Both averages start at 0 and are too small at first; this factor makes up for it.
        corrected_rate = learning_rate * np.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        return w - corrected_rate * mean / (np.sqrt(squares) + epsilon)

    return update


def _adamw(
    weight_decay: float = 0.004, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7
) -> Update:
    adam = _adam(beta_1, beta_2, epsilon)

    def update(w, gradient, learning_rate):
        return adam(w - learning_rate * weight_decay * w, gradient, learning_rate)

    return update


def _adadelta(rho: float = 0.95, epsilon: float = 1e-7) -> Update:
    squares, squared_steps = 0.0, 0.0

    def update(w, gradient, learning_rate):
        nonlocal squares, squared_steps
        squares = rho * squares + (1 - rho) * gradient**2
        step = -np.sqrt(squared_steps + epsilon) / np.sqrt(squares + epsilon) * gradient
        squared_steps = rho * squared_steps + (1 - rho) * step**2
        return w + learning_rate * step

    return update


_OPTIMIZERS: dict[str, Callable[..., Update]] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adamw,
    "adadelta": _adadelta,
}
OPTIMIZERS: tuple[str, ...] = tuple(_OPTIMIZERS)


def start_optimizer(name: str, **constants: float) -> Update:
    """Return the update rule `name` with empty memory: new_w = update(w, gradient, learning_rate).

    Args:
        name: one of `OPTIMIZERS`; formulas and constants are those of `keras.optimizers`.
        **constants: momentum (momentum, nesterov; default 0.9), rho (rmsprop 0.9, adadelta 0.95),
            beta_1, beta_2 (adam, adamw; 0.9, 0.999), weight_decay (adamw; 0.004), epsilon (1e-7);
            each in [0, 1).

    Raises:
        ValueError: the name is unknown, it has no such constant, or the constant is out of range.

    Source: Keras 3, keras/src/optimizers (SGD, RMSprop, Adam, AdamW, Adadelta).
    Lesson: 01_gradient_descent.

    >>> update = start_optimizer("momentum", momentum=0.5)
    >>> update(1.0, 2.0, 0.1)
    0.8
    >>> round(update(0.8, 2.0, 0.1), 6)
    0.5
    """
    if name not in _OPTIMIZERS:
        raise ValueError(f"no optimizer is called {name!r}; choose one of {', '.join(OPTIMIZERS)}")
    allowed = signature(_OPTIMIZERS[name]).parameters
    for constant_name, value in constants.items():
        if constant_name not in allowed:
            raise ValueError(
                f"{name} has no constant {constant_name!r}; it has {', '.join(allowed) or 'none'}"
            )
        if not 0 <= value < 1:
            raise ValueError(f"{constant_name} is {value!r}; it must lie in [0, 1)")
    return _OPTIMIZERS[name](**constants)


def descend(
    surface: Surface | str,
    optimizer: str | Update = "sgd",
    learning_rate: float = 0.1,
    steps: int = 50,
    start: ArrayLike | None = None,
    momentum: float = 0.9,
    schedule: Callable[[int], float] | None = None,
) -> np.ndarray:
    """Return the points visited, shape (steps + 1, 2); fewer when the walk diverges.

    Args:
        surface: a `Surface`, or its name in `SURFACES`.
        optimizer: a name in `OPTIMIZERS`, or your own update(w, gradient, learning_rate).
        learning_rate: step size, above 0.
        steps: number of updates, 0 or more.
        start: first point, shape (2,); the surface's own when None.
        momentum: share of the velocity kept from step to step, in [0, 1); "momentum" and
            "nesterov" use it, the others don't.
        schedule: learning rate at step 0, 1, 2, ...; replaces `learning_rate` when given.

    Returns:
        Row 0 is the start. The walk ends with the first point that has a coordinate beyond
        `DIVERGED` (1e6) in size, so all values are finite.

    Raises:
        ValueError: an unknown name, a rate that is not above 0, negative steps, a start that is
            not two numbers.

    Lesson: 01_gradient_descent.

    >>> descend("article", learning_rate=0.1, steps=3)[:, 0].round(6).tolist()
    [0.0, 0.4, 0.48, 0.496]
    >>> len(descend("article", learning_rate=0.3, steps=1000))  # diverged, stopped early
    45
    """
    surface = find_surface(surface)
    if not learning_rate > 0:
        raise ValueError(f"learning_rate is {learning_rate!r}; it must be above 0, such as 0.1")
    if steps < 0:
        raise ValueError(f"steps is {steps!r}; it must be 0 or more")
    update = _find_update(optimizer, momentum)
    w = np.array(surface.start if start is None else start, dtype=float)
    if w.shape != (2,):
        raise ValueError(f"start has shape {w.shape}; it must be two numbers, such as (0.0, 1.0)")
    path = [w]
    for step in range(steps):
        rate = learning_rate if schedule is None else schedule(step)
        w = np.asarray(update(w.copy(), surface.gradient(w), rate), dtype=float)
        path.append(w)
        if diverged(w):
            break
    return np.array(path)


def _find_update(optimizer: str | Update, momentum: float) -> Update:
    if callable(optimizer):
        return optimizer
    uses_it = optimizer in ("momentum", "nesterov")
    return start_optimizer(optimizer, **({"momentum": momentum} if uses_it else {}))


def diverged(path: ArrayLike) -> bool:
    """Return whether the last point of a path (or a single point) left the ground for good.

    Args:
        path: points, shape (n, d), or one point, shape (d,).

    >>> diverged([[0.0, 0.0], [0.0, 2e6]])
    True
    """
    last = np.atleast_2d(np.asarray(path, dtype=float))[-1]
    return not bool(np.all(np.abs(last) <= DIVERGED))  # "not <=" is also true for nan


# --- theory of one step on a quadratic --------------------------------------------------------


def contraction(learning_rate: float, curvature: float) -> float:
    """Return the factor by which one step multiplies the distance to the minimum.

    On J = curvature / 2 * (w - minimum)**2 one step of gradient descent gives
    new distance = (1 - learning_rate * curvature) * distance. Below 0 the walk jumps to the other
    side; at -1 it swings for ever; below -1 it diverges.

    Args:
        learning_rate: step size.
        curvature: second derivative of J; for J = (w x - y)**2 it is 2 x**2.

    Lesson: 01_gradient_descent.

    >>> round(contraction(0.1, curvature=8), 6)
    0.2
    """
    return 1 - learning_rate * curvature


def largest_stable_rate(curvature: ArrayLike) -> float:
    """Return the learning rate above which gradient descent diverges: 2 / largest curvature.

    Args:
        curvature: second derivative of J (a number), or its Hessian, shape (n, n), symmetric.

    Raises:
        ValueError: no direction curves upward, so no rate is stable; or not a symmetric matrix.

    Source: |1 - learning_rate * curvature| < 1 for the largest eigenvalue of the Hessian.
    Lesson: 01_gradient_descent.

    >>> largest_stable_rate(8)
    0.25
    >>> largest_stable_rate([[0.2, 0], [0, 5]])
    0.4
    """
    hessian = np.atleast_2d(np.asarray(curvature, dtype=float))
    if hessian.ndim != 2 or not np.array_equal(hessian.shape, hessian.shape[::-1]):
        raise ValueError(f"curvature has shape {hessian.shape}; give a number or a square matrix")
    if not np.allclose(hessian, hessian.T):
        raise ValueError("this Hessian is not symmetric; second derivatives always are")
    largest = float(np.linalg.eigvalsh(hessian)[-1])
    if largest <= 0:
        raise ValueError(
            f"the largest curvature is {largest:g}: the surface bends upward nowhere, "
            "so it has no minimum and no stable learning rate"
        )
    return 2 / largest


def measure_limit(
    gradient: Callable[[np.ndarray], np.ndarray], start: ArrayLike, update: Update | None = None
) -> float:
    """Return the largest learning rate at which the steps of a walk do not grow, found by trying.

    The rate is doubled until the steps grow; then the gap between the last good and the first bad
    rate is halved thirty times.

    Args:
        gradient: function from w to dJ/dw, of a quadratic.
        start: where each walk starts, a number or shape (n,); not the minimum.
        update: your own update(w, gradient, learning_rate); plain gradient descent when None.

    Returns:
        The rate, with a relative error below 1e-6; 1e6 where every rate up to it is stable.

    Lesson: 01_gradient_descent.

    >>> round(measure_limit(lambda w: 8 * w, 1.0), 6)
    0.25
    """
    update = update or _sgd()
    low, high = 0.0, 1.0
    while high < 1e6 and not _steps_grow(gradient, start, high, update):
        low, high = high, 2 * high
    for _ in range(30):
        middle = (low + high) / 2
        grow = _steps_grow(gradient, start, middle, update)
        low, high = (low, middle) if grow else (middle, high)
    return low


def _steps_grow(gradient: Callable, start: ArrayLike, rate: float, update: Update) -> bool:
    w, lengths = np.array(start, dtype=float), []
    while len(lengths) < 150 and (not lengths or lengths[-1] < 1e6 * lengths[0]):
        new = update(w.copy(), gradient(w), rate)
        lengths.append(np.linalg.norm(new - w))
        w = np.asarray(new, dtype=float)
    return bool(lengths[-1] > max(lengths[-2], 1e-9 * lengths[0]))  # below that it is rounding


def steps_to_reach(path: ArrayLike, minimum: ArrayLike, tolerance: float = 1e-6) -> int | None:
    """Return after how many steps a path first comes within `tolerance` of a point, None if never.

    Args:
        path: points, shape (n, d).
        minimum: the point aimed at, shape (d,).
        tolerance: distance that counts as arrived, in the units of w.

    >>> steps_to_reach([[4.0], [2.0], [1.0]], [0.0], tolerance=2.5)
    1
    """
    distance = np.linalg.norm(np.asarray(path, dtype=float) - np.asarray(minimum), axis=-1)
    near = np.flatnonzero(distance < tolerance)
    return int(near[0]) if near.size else None


# --- a linear model on data ---------------------------------------------------------------------


def linear_loss(w: ArrayLike, X: ArrayLike, y: ArrayLike) -> float:
    """Return the mean squared error of the predictions X @ w, in squared units of y.

    Args:
        w: weights, shape (features,).
        X: samples, shape (n, features); a column of ones makes its weight the bias.
        y: targets, shape (n,).

    Raises:
        ValueError: the shapes do not fit; broadcasting would average the wrong numbers in silence.

    >>> linear_loss([1.0, 0.0], [[1, 1], [2, 1]], [1, 4])
    2.0
    """
    w, X, y = _check_linear(w, X, y)
    return float(np.mean((X @ w - y) ** 2))


def linear_gradient(w: ArrayLike, X: ArrayLike, y: ArrayLike) -> np.ndarray:
    """Return the gradient of `linear_loss` with respect to w, shape (features,).

    Args and Raises: as for `linear_loss`.

    >>> linear_gradient([1.0, 0.0], [[1, 1], [2, 1]], [1, 4]).tolist()
    [-4.0, -2.0]
    """
    return _linear_gradient(*_check_linear(w, X, y))


def _linear_gradient(w: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (X @ w - y) @ X * (2 / len(X))


def linear_hessian(X: ArrayLike) -> np.ndarray:
    """Return the Hessian of `linear_loss`, shape (features, features): the same for every w.

    Args:
        X: samples, shape (n, features).

    >>> linear_hessian([[1, 1], [2, 1]]).tolist()
    [[5.0, 3.0], [3.0, 2.0]]
    """
    X = np.asarray(X, dtype=float)
    return 2 / len(X) * X.T @ X


def _check_linear(w, X, y) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    w, X, y = (np.asarray(a, dtype=float) for a in (w, X, y))
    if X.ndim != 2 or w.shape != X.shape[1:] or y.shape != X.shape[:1]:
        raise ValueError(
            f"shapes do not fit: w {w.shape}, X {X.shape}, y {y.shape}; "
            "wanted w (features,), X (n, features), y (n,)"
        )
    return w, X, y


def fit_linear(
    X: ArrayLike,
    y: ArrayLike,
    batch_size: int | None = None,
    learning_rate: float | Schedule = 0.01,
    epochs: int = 10,
    optimizer: str | Update = "sgd",
    seed: int = 0,
    momentum: float = 0.9,
) -> np.ndarray:
    """Return the weights after every update, shape (updates + 1, features), starting at zero.

    Every epoch shuffles the samples and takes them in batches; the last batch may be smaller.
    When a weight grows beyond `DIVERGED` (1e6) the fit stops there, with fewer rows.

    Args:
        X: samples, shape (n, features).
        y: targets, shape (n,).
        batch_size: samples per update, in [1, n]; n (or None) is batch gradient descent, 1 is
            stochastic gradient descent.
        learning_rate: step size, or a schedule from the update number to the step size.
        epochs: passes over all samples.
        optimizer: a name in `OPTIMIZERS`, or your own update(w, gradient, learning_rate).
        seed: of the shuffling.
        momentum: share of the velocity kept from step to step, in [0, 1); "momentum" and
            "nesterov" use it, the others don't.

    Raises:
        ValueError: batch_size lies outside [1, n], or the shapes do not fit.

    Lesson: 01_gradient_descent.

    >>> fit_linear([[1.0], [2.0]], [2.0, 4.0], learning_rate=0.1, epochs=2).round(3).tolist()
    [[0.0], [1.0], [1.5]]
    """
    w, X, y = _check_linear(np.zeros(np.shape(X)[-1:]), X, y)
    batch_size = len(X) if batch_size is None else batch_size
    if not 1 <= batch_size <= len(X):
        raise ValueError(f"batch_size is {batch_size!r}; it must lie in [1, {len(X)}], the samples")
    update = _find_update(optimizer, momentum)
    schedule = learning_rate if callable(learning_rate) else constant(learning_rate)
    rng = np.random.default_rng(seed)
    path = [w]
    for _ in range(epochs):
        order = rng.permutation(len(X))
        for first in range(0, len(X), batch_size):
            batch = order[first : first + batch_size]
            gradient = _linear_gradient(path[-1], X[batch], y[batch])
            path.append(update(path[-1].copy(), gradient, schedule(len(path) - 1)))
            if not np.abs(path[-1]).max() <= DIVERGED:
                return np.array(path)
    return np.array(path)
