"""What a gradient gives away: images, exactly.

In a dense first layer each unit's gradient by its weights is its gradient by its bias times the
image, so one division returns the image (`from_units`). Of a batch those images come out that light
some unit alone. A server that may choose the weights makes units that most images light alone
(`trap`, `bins`). And where no dense layer stands first, an image is sought whose gradient is the
one that was sent (`match`).

Source: Phong, Aono, Hayashi, Wang and Moriai, Privacy-preserving deep learning via additively
    homomorphic encryption (2018), for the division; Fowl and others, Robbing the fed (2022), for
    the trap; Zhu, Liu and Han, Deep leakage from gradients (2019), for matching.
Lesson: 26_privacy_and_security (its cells hold the division; counting over batches and seeds, the
    trap and matching are here).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from labkit.datacenter.network import Images, Network, errors
from labkit.maths.activations import sigmoid
from labkit.maths.convolution import conv2d, conv2d_grad

NETWORK = Network((196, 100, 10))
TINY = 1e-9  # a gradient by a bias below it belongs to a unit that no image lit
SCALE = 1e4  # of the distance to match: L-BFGS begins with a step as long as the slope

# --- a dense first layer --------------------------------------------------------------------------


def from_units(W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return gradient by weights / gradient by bias of each unit that was lit, (lit, pixels).

    A unit that only one image lit gives this image, any other a weighted mean of several.

    Args:
        W, b: gradients of the first layer, shapes (pixels, units) and (units,).

    >>> from_units(np.array([[0.2, 0.0], [0.6, 0.0]]), np.array([0.4, 0.0])).round(3).tolist()
    [[0.5, 1.5]]
    """
    lit = np.abs(b) > TINY
    return (W[:, lit] / b[lit]).T


def found(images: np.ndarray, candidates: np.ndarray, tolerance: float = 1e-3) -> np.ndarray:
    """Return which images are among the candidates, no pixel off by the tolerance, bool (n,).

    Args:
        images: the true ones, shape (n, pixels).
        candidates: shape (k, pixels).
        tolerance: pixels run from 0 to 1.
    """
    apart = np.abs(images[:, None] - candidates[None]).max(axis=-1)
    return (apart < tolerance).any(axis=1)


def alone(w: np.ndarray, images: np.ndarray, network: Network = NETWORK) -> np.ndarray:
    """Return which images light a unit of the first layer that no other one lights, bool (n,).

    By theory these come out of the gradient, and no others.
    """
    W, b = network.layers(w)[0]
    lit = images @ W + b > 0
    return lit[:, lit.sum(axis=0) == 1].any(axis=1)


class Count(NamedTuple):
    """Images that came out of the gradient of a batch, one number for each seed, (seeds,)."""

    found: np.ndarray  # exactly, to the tolerance
    alone: np.ndarray  # by theory: those that light a unit alone


def count_batches(
    images: Images,
    batches: Sequence[int] = (1, 2, 4, 8, 16, 32),
    seeds: int = 10,
    public: np.ndarray | None = None,
    network: Network = NETWORK,
) -> dict[int, Count]:
    """Return batch size -> how many of its images its gradient gives away.

    Args:
        images: to draw batches from.
        batches: images of a batch.
        seeds: how many batches, each with weights of its own.
        public: images of the server's own; with them its weights are a `trap`.
        network: what the server and the clients share.
    """

    def one(batch: int, seed: int) -> tuple[int, int]:
        rows = np.random.default_rng([seed, batch]).choice(len(images.y), batch, replace=False)
        x = images.x[rows]
        w = network.start(seed) if public is None else trap(public, seed, network)
        W, b = network.layers(network.gradient(w, x, images.y[rows]))[0]
        if public is None:
            return found(x, from_units(W, b)).sum(), alone(w, x, network).sum()
        return found(x, from_units(*bins(W, b))).sum(), alone_in_bin(w, x, network).sum()

    return {b: Count(*np.array([one(b, seed) for seed in range(seeds)]).T) for b in batches}


# --- a server that chooses the weights ------------------------------------------------------------


def trap(public: np.ndarray, seed: int = 0, network: Network = NETWORK) -> np.ndarray:
    """Return weights that sort images by brightness: the next unit needs a little more light.

    All units see the mean of the pixels, and their biases are quantiles of it, so that an image
    lights all units up to its own brightness. All units have the same way on, so in the difference
    of two neighbors only the images between their thresholds remain: `bins`.

    Args:
        public: images like the clients', from which the server knows the quantiles, (n, pixels).
        seed: of the weights behind.
        network: two layers.

    Raises:
        ValueError: a network of another depth.

    Source: Fowl, Geiping, Czaja, Goldblum and Goldstein, Robbing the fed: directly obtaining
        private data in federated learning with modified models, ICLR (2022).
    """
    if len(network.widths) != 3:
        raise ValueError(f"the trap is laid in two layers. Received: widths {network.widths}")
    w = np.zeros(network.items, "float32")
    (W, b), (out, _) = network.layers(w)
    units = len(b)
    W[...] = 1 / len(W)
    b[1:] = -np.quantile(public.mean(axis=1), np.arange(1, units) / units)  # the first: all images
    out[...] = np.random.default_rng(seed).normal(size=out.shape[1])
    return w


def bins(W: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return gradients that belong to one bin of brightness each: unit minus next unit.

    Args:
        W, b: gradients of the first layer of a `trap`, shapes (pixels, units) and (units,).

    >>> bins(np.array([[0.5, 0.2]]), np.array([1.0, 0.5]))
    (array([[0.3, 0.2]]), array([0.5, 0.5]))
    """
    return -np.diff(W, axis=1, append=0), -np.diff(b, append=0)


def alone_in_bin(w: np.ndarray, images: np.ndarray, network: Network = NETWORK) -> np.ndarray:
    """Return which images share their bin of a `trap` with no other, bool (n,)."""
    W, b = network.layers(w)[0]
    place = (images @ W + b > 0).sum(axis=1)
    return (place[:, None] == place).sum(axis=1) == 1


def expected_alone(batch: int, bins: int) -> float:
    """Return how many images of a batch are alone in their bin on average: B (1 - 1/m)^(B - 1).

    Args:
        batch: B, images that are drawn independently.
        bins: m, all equally likely.

    >>> round(expected_alone(32, 100), 1)
    23.4
    """
    return batch * (1 - 1 / bins) ** (batch - 1)


# --- noise ----------------------------------------------------------------------------------------


def from_all_units(W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the image that fits the gradients of all units best, by least squares, (pixels,).

    For a gradient of one image with noise: W is about image x b.

    >>> from_all_units(np.outer([0.5, 1.0], [2.0, -4.0]), np.array([2.0, -4.0])).tolist()
    [0.5, 1.0]
    """
    return W @ b / (b @ b)


def expected_error(b: np.ndarray, image: np.ndarray, deviation: float) -> float:
    """Return the root mean square error of `from_all_units` for little noise: modeled.

    Each number of the gradient has noise of deviation s. To first order the error of a pixel x has
    variance s^2 (1 + x^2) / |b|^2: the noise of its own row, and that of b. Where it says more than
    the image's own root mean square, nothing is to be seen anyway.

    Args:
        b: gradient by the bias without noise, shape (units,).
        image: shape (pixels,).
        deviation: s, of the noise on each number.

    >>> round(expected_error(np.array([3.0, 4.0]), np.zeros(4), 0.5), 3)
    0.1
    """
    return float(deviation * np.sqrt((1 + image**2).mean()) / np.linalg.norm(b))


# --- where no dense layer stands first ------------------------------------------------------------


def small_kernels(seed: int = 0) -> list[np.ndarray]:
    """Return weights of a network of two convolutions (5 x 5, stride 2, sigmoid) and a dense layer.

    For images of 14 x 14; no biases, so no division gives anything away.
    """
    random = np.random.default_rng(seed)
    return [random.uniform(-0.5, 0.5, shape) for shape in ((5, 5, 1, 8), (5, 5, 8, 8), (128, 10))]


def kernel_gradients(
    kernels: Sequence[np.ndarray], image: np.ndarray, digit: int
) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the gradients of the cross-entropy by each of the weights, and by the image.

    Args:
        kernels: as `small_kernels` returns them.
        image: shape (14, 14).
        digit: on it.
    """
    outputs = [np.asarray(image, float)[None, :, :, None]]
    for kernel in kernels[:-1]:
        outputs.append(sigmoid(conv2d(outputs[-1], kernel, stride=2, padding="same")))
    flat = outputs[-1].reshape(1, -1)
    error = errors(flat @ kernels[-1], np.array([digit]))
    gradients = [flat.T @ error]
    back = (error @ kernels[-1].T).reshape(outputs[-1].shape)
    for kernel, before, after in zip(kernels[-2::-1], outputs[-2::-1], outputs[:0:-1], strict=True):
        back, own, _ = conv2d_grad(before, kernel, back * after * (1 - after), 2, "same")
        gradients.append(own)
    return gradients[::-1], back[0, :, :, 0]


def digit_of(gradients: Sequence[np.ndarray]) -> int:
    """Return the digit of one image: the only class whose weights are pushed up.

    The gradient by the last weights is what comes in, above 0 after a sigmoid, times chance - true.
    """
    return int(gradients[-1].sum(axis=0).argmin())


def match(
    kernels: Sequence[np.ndarray],
    sent: Sequence[np.ndarray],
    steps: int = 100,
    seed: int = 0,
) -> list[np.ndarray]:
    """Return images (14, 14) on the way to one whose gradient is the one that was sent.

    L-BFGS on the squared distance |g(x) - sent|^2. Its slope by x is twice the change of dL/dx when
    the weights move along the difference g(x) - sent (the second derivatives may be taken in either
    order), so two first derivatives are enough.

    Args:
        kernels: which the server knows.
        sent: gradients of one image by each of them.
        steps: at most.
        seed: of the noise to begin with.

    Source: Zhu, Liu and Han (2019); Pearlmutter, Fast exact multiplication by the Hessian (1994),
        for the change along a direction.
    """
    from scipy.optimize import minimize

    digit, path = digit_of(sent), [np.random.default_rng(seed).random(196)]

    def distance(pixels: np.ndarray) -> tuple[float, np.ndarray]:
        image = pixels.reshape(14, 14)
        own = kernel_gradients(kernels, image, digit)[0]
        away = [a - b for a, b in zip(own, sent, strict=True)]
        slope = 2 * _change_along(away, kernels, image, digit)
        return SCALE * sum((part**2).sum() for part in away), SCALE * slope.ravel()

    minimize(
        distance,
        path[0],
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, 1)] * 196,
        callback=lambda pixels: path.append(pixels.copy()),
        options={"maxiter": steps, "maxcor": 50, "ftol": 0, "gtol": 1e-10},
    )
    return [pixels.reshape(14, 14) for pixels in path]


def _change_along(
    way: Sequence[np.ndarray], kernels: Sequence[np.ndarray], image: np.ndarray, digit: int
) -> np.ndarray:
    """Return how fast dL/dx changes when the weights move along a way, (14, 14)."""
    step = 1e-4 / (np.sqrt(sum((part**2).sum() for part in way)) + 1e-300)
    ahead, behind = (
        [kernel + sign * step * part for kernel, part in zip(kernels, way, strict=True)]
        for sign in (1, -1)
    )
    slopes = [kernel_gradients(each, image, digit)[1] for each in (ahead, behind)]
    return (slopes[0] - slopes[1]) / (2 * step)
