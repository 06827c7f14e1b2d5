"""Activation functions with their derivatives, and what they do to signals in a deep network.

Every function is finite and right for inputs of any size: no exponential is taken of a large
positive number. Each `f` has its `f_grad`; `ACTIVATIONS` lists those that work on each number
alone. Defaults and names are those of Keras 3; the test suite compares with Keras and SciPy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np
from numpy.typing import ArrayLike

# --- functions of one number, and their slopes --------------------------------------------------


def linear(x: ArrayLike) -> np.ndarray:
    """Return x itself: a layer without activation.

    >>> linear([-2, 3]).tolist()
    [-2.0, 3.0]
    """
    return _numbers(x).copy()


def linear_grad(x: ArrayLike) -> np.ndarray:
    """Return the slope of `linear`, 1 everywhere.

    >>> linear_grad([-2, 3]).tolist()
    [1.0, 1.0]
    """
    return np.ones_like(_numbers(x))


def sigmoid(x: ArrayLike) -> np.ndarray:
    """Return 1 / (1 + exp(-x)), between 0 and 1.

    Args:
        x: numbers of any shape.

    Raises:
        TypeError: x is not made of real numbers.

    >>> float(sigmoid(0)), float(sigmoid(-1000)), float(sigmoid(1000))
    (0.5, 0.0, 1.0)
    """
    x = _numbers(x)
    small = np.exp(-np.abs(x))  # never above 1, so it cannot overflow
    return np.where(x >= 0, 1, small) / (1 + small)


def sigmoid_grad(x: ArrayLike) -> np.ndarray:
    """Return the slope of the sigmoid, sigmoid(x) * (1 - sigmoid(x)), at most 0.25.

    1 - sigmoid(x) is written as sigmoid(-x): the difference would round to 0 from x = 37 on.

    >>> float(sigmoid_grad(0)), float(sigmoid_grad(40)) > 0
    (0.25, True)
    """
    x = _numbers(x)
    return sigmoid(x) * sigmoid(-x)


def tanh(x: ArrayLike) -> np.ndarray:
    """Return the hyperbolic tangent, 2 * sigmoid(2 x) - 1, between -1 and 1.

    >>> float(tanh(0)), float(tanh(-1000)), float(tanh(1000))
    (0.0, -1.0, 1.0)
    """
    return np.tanh(_numbers(x))


def tanh_grad(x: ArrayLike) -> np.ndarray:
    """Return the slope of tanh, 1 - tanh(x)^2, at most 1.

    It is written as 4 * sigmoid'(2 x), which stays above 0 where tanh(x)^2 rounds to 1.

    >>> float(tanh_grad(0))
    1.0
    """
    return 4 * sigmoid_grad(2 * _numbers(x))


def relu(x: ArrayLike) -> np.ndarray:
    """Return max(0, x).

    >>> relu([-2, -1, 0, 1, 2]).tolist()
    [0.0, 0.0, 0.0, 1.0, 2.0]
    """
    return np.maximum(_numbers(x), 0.0)


def relu_grad(x: ArrayLike) -> np.ndarray:
    """Return the slope of ReLU: 1 where x > 0, else 0. At the kink it is 0, as in Keras.

    >>> relu_grad([-2, 0, 2]).tolist()
    [0.0, 0.0, 1.0]
    """
    return (_numbers(x) > 0).astype(float)


def leaky_relu(x: ArrayLike, negative_slope: float = 0.2) -> np.ndarray:
    """Return x where x > 0, else negative_slope * x (0.2 as in `keras.activations`).

    Source: Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models
    (2013), there with a slope of 0.01.

    >>> leaky_relu([-2, 0, 2]).tolist()
    [-0.4, 0.0, 2.0]
    """
    x = _numbers(x)
    return np.where(x > 0, x, negative_slope * x)


def leaky_relu_grad(x: ArrayLike, negative_slope: float = 0.2) -> np.ndarray:
    """Return the slope of leaky ReLU: 1 where x > 0, else negative_slope.

    >>> leaky_relu_grad([-2, 0, 2]).tolist()
    [0.2, 0.2, 1.0]
    """
    return np.where(_numbers(x) > 0, 1.0, negative_slope)


def elu(x: ArrayLike, alpha: float = 1.0) -> np.ndarray:
    """Return x where x > 0, else alpha * (exp(x) - 1).

    Source: Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning by
    exponential linear units (2016).

    >>> elu([-1000, 0, 2]).tolist()
    [-1.0, 0.0, 2.0]
    """
    x = _numbers(x)
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu_grad(x: ArrayLike, alpha: float = 1.0) -> np.ndarray:
    """Return the slope of ELU: 1 where x > 0, else alpha * exp(x).

    >>> elu_grad([-1000, 0, 2]).tolist()
    [0.0, 1.0, 1.0]
    """
    x = _numbers(x)
    return np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0)))


def gelu(x: ArrayLike) -> np.ndarray:
    """Return x * Phi(x), where Phi(x) is the chance that a standard normal number is below x.

    Source: Hendrycks and Gimpel, Gaussian error linear units (2016).

    >>> [round(float(y), 4) for y in gelu([-2, -1, 0, 1, 2])]
    [-0.0455, -0.1587, 0.0, 0.8413, 1.9545]
    """
    x = _numbers(x)
    return x * _normal_below(x)


def gelu_grad(x: ArrayLike) -> np.ndarray:
    """Return the slope of GELU, Phi(x) + x * phi(x), where phi is the normal density.

    >>> float(gelu_grad(0)), float(gelu_grad(-1000)), float(gelu_grad(1000))
    (0.5, 0.0, 1.0)
    """
    x = _numbers(x)
    near = np.clip(x, -40, 40)  # beyond, the density is 0; x**2 would overflow for 1e200
    return _normal_below(x) + near * np.exp(-(near**2) / 2) / sqrt(2 * np.pi)


def gelu_tanh(x: ArrayLike) -> np.ndarray:
    """Return the approximation of GELU by tanh that GPT-2 uses ("gelu_new" in its settings).

    It is x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))).

    Source: Hendrycks and Gimpel, Gaussian error linear units (2016).

    >>> round(float(gelu_tanh(1)), 4), float(gelu_tanh(-1000)) == 0, float(gelu_tanh(1000))
    (0.8412, True, 1000.0)
    """
    x = _numbers(x)
    return x * sigmoid(2 * _gelu_inner(x))  # (1 + tanh(u)) / 2 is sigmoid(2 u)


def gelu_tanh_grad(x: ArrayLike) -> np.ndarray:
    """Return the slope of `gelu_tanh`.

    >>> float(gelu_tanh_grad(0)), float(gelu_tanh_grad(-1000)), float(gelu_tanh_grad(1000))
    (0.5, 0.0, 1.0)
    """
    x = _numbers(x)
    near = np.clip(x, -40, 40)
    inner, inner_slope = _gelu_inner(x), sqrt(2 / np.pi) * (1 + 3 * 0.044715 * near**2)
    return sigmoid(2 * inner) + near * sigmoid_grad(2 * inner) * 2 * inner_slope


def silu(x: ArrayLike) -> np.ndarray:
    """Return x * sigmoid(x), also called swish.

    Source: Elfwing, Uchibe and Doya, Sigmoid-weighted linear units (2018).

    >>> float(silu(0)), float(silu(-1000)) == 0, float(silu(1000))
    (0.0, True, 1000.0)
    """
    x = _numbers(x)
    return x * sigmoid(x)


def silu_grad(x: ArrayLike) -> np.ndarray:
    """Return the slope of SiLU, sigmoid(x) * (1 + x * sigmoid(-x)).

    >>> float(silu_grad(0)), float(silu_grad(-1000)) == 0, float(silu_grad(1000))
    (0.5, True, 1.0)
    """
    x = _numbers(x)
    return sigmoid(x) * (1 + x * sigmoid(-x))


# --- functions of a whole row -------------------------------------------------------------------


def softmax(z: ArrayLike) -> np.ndarray:
    """Return exp(z) / sum(exp(z)) along the last axis: each row becomes shares that sum to 1.

    The largest number of each row is subtracted first. That changes nothing in exact arithmetic
    and keeps exp from overflowing.

    Args:
        z: numbers of shape (..., classes).

    Raises:
        TypeError: z is not made of real numbers.
        ValueError: z is a single number, or has no classes.

    >>> softmax([1000, 0, -1000]).tolist()
    [1.0, 0.0, 0.0]
    """
    parts = np.exp(_shifted(z))
    return parts / parts.sum(axis=-1, keepdims=True)


def softmax_grad(z: ArrayLike) -> np.ndarray:
    """Return all slopes of softmax, shape (..., classes, classes): [i, j] is d s_i / d z_j.

    It is s_i * (1 - s_i) on the diagonal and -s_i * s_j elsewhere.

    >>> softmax_grad([0, 0]).tolist()
    [[0.25, -0.25], [-0.25, 0.25]]
    """
    s = softmax(z)
    slopes = -s[..., :, None] * s[..., None, :]
    # The diagonal is s_i times the sum of all others, which is exact where s_i rounds to 1.
    others = np.where(np.eye(s.shape[-1], dtype=bool), 0, s[..., None, :]).sum(axis=-1)
    index = np.arange(s.shape[-1])
    slopes[..., index, index] = s * others
    return slopes


def log_softmax(z: ArrayLike) -> np.ndarray:
    """Return the logarithm of softmax along the last axis, also where softmax rounds to 0.

    Args:
        z: numbers of shape (..., classes).

    Raises:
        TypeError: z is not made of real numbers.
        ValueError: z is a single number, or has no classes.

    >>> log_softmax([1000, 0, -1000]).tolist()
    [0.0, -1000.0, -2000.0]
    """
    shifted = _shifted(z)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


# --- by name ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Activation:
    """A function of one number with its slope.

    Attributes:
        name: key in `ACTIVATIONS`.
        formula: in plain text.
        value: the function, from numbers of any shape to numbers of the same shape.
        slope: its derivative, likewise.

    >>> float(ACTIVATIONS["sigmoid"].slope(0))
    0.25
    """

    name: str
    formula: str
    value: Callable[[ArrayLike], np.ndarray]
    slope: Callable[[ArrayLike], np.ndarray]


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in [
        Activation("linear", "x", linear, linear_grad),
        Activation("sigmoid", "1 / (1 + exp(-x))", sigmoid, sigmoid_grad),
        Activation("tanh", "2 sigmoid(2x) - 1", tanh, tanh_grad),
        Activation("relu", "max(0, x)", relu, relu_grad),
        Activation("leaky_relu", "x if x > 0, else 0.2 x", leaky_relu, leaky_relu_grad),
        Activation("elu", "x if x > 0, else exp(x) - 1", elu, elu_grad),
        Activation("gelu", "x Phi(x)", gelu, gelu_grad),
        Activation("gelu_tanh", "x sigmoid(1.596 x + 0.0714 x^3)", gelu_tanh, gelu_tanh_grad),
        Activation("silu", "x sigmoid(x)", silu, silu_grad),
    ]
}


def find(name: str) -> Activation:
    """Return the activation of this name.

    Raises:
        ValueError: there is none; the message lists those there are.

    >>> find("relu").formula
    'max(0, x)'
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"activation {name!r} is unknown; use one of: {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


# --- signal and gradient through many layers ----------------------------------------------------

# Standard deviation of a weight, from the number of inputs and outputs of its layer.
INITIALIZATIONS: dict[str, Callable[[int, int], float]] = {
    "xavier": lambda fan_in, fan_out: sqrt(2 / (fan_in + fan_out)),
    "he": lambda fan_in, fan_out: sqrt(2 / fan_in),
    "small_normal": lambda fan_in, fan_out: 0.05,  # what Keras' RandomNormal does
    "unit_normal": lambda fan_in, fan_out: 1.0,  # what np.random.normal does
}


def weight_std(initialization: str, fan_in: int, fan_out: int) -> float:
    """Return the standard deviation with which a layer's weights are drawn.

    Args:
        initialization: a key of `INITIALIZATIONS`.
        fan_in, fan_out: inputs and outputs of the layer, from 1 up.

    Raises:
        ValueError: the initialization is unknown, or a count is below 1.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural
    networks (2010); He, Zhang, Ren and Sun, Delving deep into rectifiers (2015).

    >>> weight_std("he", 50, 50), weight_std("xavier", 25, 7)
    (0.2, 0.25)
    """
    if initialization not in INITIALIZATIONS:
        allowed = ", ".join(INITIALIZATIONS)
        raise ValueError(f"initialization {initialization!r} is unknown; use one of: {allowed}")
    for name, count in (("fan_in", fan_in), ("fan_out", fan_out)):
        if count < 1:
            raise ValueError(f"{name} is a number of units, from 1 up; got {count!r}")
    return INITIALIZATIONS[initialization](fan_in, fan_out)


def draw_networks(depth: int, width: int, seeds: int, seed: int = 0) -> np.ndarray:
    """Return standard normal numbers for the weights of `seeds` networks.

    Network number k depends on seed + k alone; `propagate` scales the numbers.

    Returns:
        array of shape (depth, seeds, width, width).

    >>> draw_networks(depth=30, width=4, seeds=2).shape
    (30, 2, 4, 4)
    """
    shape = (depth, width, width)
    return np.stack(
        [np.random.default_rng(seed + k).standard_normal(shape) for k in range(seeds)], axis=1
    )


@dataclass(frozen=True)
class Flow:
    """What passes through the layers; row 0 is the first layer.

    Attributes:
        signal: root mean square of what enters the activations, shape (depth, networks).
        gradient: root mean square of the loss's gradient there, likewise. The gradient that
            comes in behind the last layer has 1.
        silent: share of units that are at or below 0 for every input, likewise.
    """

    signal: np.ndarray
    gradient: np.ndarray
    silent: np.ndarray


def propagate(
    activation: str, std: float, networks: np.ndarray, inputs: np.ndarray, seed: int = 0
) -> Flow:
    """Send inputs forward and a random gradient backward through freshly drawn networks.

    Args:
        activation: a key of `ACTIVATIONS`.
        std: standard deviation of the weights, see `weight_std`; biases are 0.
        networks: what `draw_networks` returns, shape (depth, networks, width, width).
        inputs: shape (samples, width) or (networks, samples, width).
        seed: of the gradient that comes in at the end.

    Raises:
        ValueError: unknown activation, or shapes that do not fit.

    >>> networks = draw_networks(depth=3, width=8, seeds=2)
    >>> propagate("relu", 0.5, networks, np.ones((5, 8))).signal.shape
    (3, 2)
    """
    function = find(activation)
    if networks.ndim != 4 or inputs.ndim not in (2, 3) or inputs.shape[-1] != networks.shape[2]:
        raise ValueError(
            f"networks have shape {networks.shape} and inputs {inputs.shape}; "
            "use (depth, networks, width, width) and (samples, width)"
        )
    entering, a = [], inputs
    for weights in networks:
        entering.append(std * (a @ weights))  # (networks, samples, width)
        a = function.value(entering[-1])
    gradients = []
    back = np.random.default_rng(seed).standard_normal(a.shape)
    for z, weights in zip(entering[::-1], networks[::-1], strict=True):
        gradients.append(back * function.slope(z))
        back = std * (gradients[-1] @ weights.swapaxes(-1, -2))
    silent = [(z <= 0).all(axis=1).mean(axis=-1) for z in entering]
    return Flow(_rms(entering), _rms(gradients[::-1]), np.array(silent))


def theory(activation: str, std: float, depth: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the signal and gradient that `propagate` has in very wide networks.

    There each number that enters an activation is normal. So its mean square q follows from the
    layer before, q' = width * std^2 * mean of f(sqrt(q) * normal)^2, and the gradient's from the
    layer behind, in the same way with f' for f. Inputs have mean square 1.

    Returns:
        two arrays of shape (depth,): root mean squares, as in `Flow`.

    Source: Poole et al., Exponential expressivity in deep neural networks through transient
    chaos (2016); Schoenholz et al., Deep information propagation (2017).

    >>> signal, gradient = theory("relu", std=(2 / 64) ** 0.5, depth=30, width=64)
    >>> round(float((signal[-1] / signal[0])), 6), round(float((gradient[0] / gradient[-1])), 6)
    (1.0, 1.0)
    """
    function, gain = find(activation), width * std**2
    squares, slopes, q = [], [], gain
    for _ in range(depth):
        squares.append(q)
        slopes.append(_normal_mean(lambda z: function.slope(z) ** 2, q))
        q = gain * _normal_mean(lambda z: function.value(z) ** 2, q)
    # Behind the last layer the gradient is 1; each earlier layer has one more pair of factors.
    back = np.array(slopes) * gain ** np.arange(depth - 1, -1, -1.0)
    back[:-1] *= np.cumprod(slopes[:0:-1])[::-1]
    return np.sqrt(squares), np.sqrt(back)


def relu_angle(angle: ArrayLike) -> np.ndarray:
    """Return the angle between two inputs after one very wide ReLU layer, in radians.

    Source: Cho and Saul, Kernel methods for deep learning (2009).

    >>> round(float(np.degrees(relu_angle(np.pi / 2))), 2)
    71.44
    """
    angle = _numbers(angle)
    cosine = (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / np.pi
    return np.arccos(np.clip(cosine, -1, 1))


# --- inside -------------------------------------------------------------------------------------

_erfc = np.frompyfunc(erfc, 1, 1)
_STEPS = 2000
_EDGES = np.linspace(-8, 8, _STEPS + 1)
_NORMAL = (_EDGES[:-1] + _EDGES[1:]) / 2  # midpoints: none stands on the kink at 0
_DENSITY = np.exp(-(_NORMAL**2) / 2) / np.exp(-(_NORMAL**2) / 2).sum()


def _numbers(x: ArrayLike) -> np.ndarray:
    array = np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"an activation takes real numbers; got {array.dtype} ({str(x)[:40]!r}). "
            "Give a number, or a list or array of numbers of equal row lengths."
        )
    return array.astype(float)


def _shifted(z: ArrayLike) -> np.ndarray:
    z = _numbers(z)
    if z.ndim == 0 or z.shape[-1] == 0:
        raise ValueError(
            f"softmax compares the numbers of a row; got shape {z.shape}. "
            "Give an array of shape (..., classes) with at least one class."
        )
    return z - z.max(axis=-1, keepdims=True)


def _normal_below(x: np.ndarray) -> np.ndarray:
    # erfc keeps its digits where 1 + erf(x) would round to 0, for x below -8.
    return np.asarray(_erfc(-x / sqrt(2)), dtype=float) / 2


def _gelu_inner(x: np.ndarray) -> np.ndarray:
    near = np.clip(x, -40, 40)  # beyond, tanh is exactly -1 or 1; x**3 would overflow for 1e200
    return sqrt(2 / np.pi) * (near + 0.044715 * near * near**2)


def _normal_mean(function: Callable, variance: float) -> float:
    return float(np.sum(_DENSITY * function(sqrt(variance) * _NORMAL)))


def _rms(layers: list[np.ndarray]) -> np.ndarray:
    return np.sqrt([np.mean(z**2, axis=(1, 2)) for z in layers])
