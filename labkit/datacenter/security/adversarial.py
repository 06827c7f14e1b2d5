"""Adversarial examples: images changed so little that nobody sees it, and the answer is another.

What is compared has the same size: no pixel moves by more than epsilon. What differs is who chose
the direction: chance, the gradient for another image, or the gradient for this one.

Lesson: 26_privacy_and_security.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from labkit.datacenter.network import Images, Network, errors
from labkit.datacenter.smaller import quantization
from labkit.machine import one_thread
from labkit.maths.descent import start_optimizer

STEPS, BATCH_SIZE, LEARNING_RATE = 600, 64, 0.04
# slope(x, y) -> slope of each row's loss for its pixels, in the shape of x
Slope = Callable[[np.ndarray, np.ndarray], np.ndarray]


# --- the attacks --------------------------------------------------------------------------------


def input_slope(network: Network, w: np.ndarray) -> Slope:
    """Return the function that tells in which direction each row's loss rises.

    Args:
        network: dense layers.
        w: weights (..., items); rows are then (..., n, inputs), and classes (..., n).

    Source: the chain rule, one layer further than training needs it.

    >>> slope = input_slope(Network((2, 2)), np.array([3.0, -1.0, 0.0, 0.0, 0.0, 0.0]))
    >>> slope(np.zeros((1, 2)), np.array([0])).tolist()
    [[-2.0, 0.0]]
    """
    first = network.layers(w)[0][0]

    def precise(scores: np.ndarray, y: np.ndarray) -> np.ndarray:
        # In float32 the slope of a very sure network is 0, and an attack would seem to fail.
        return errors(np.float64(scores), y).astype(scores.dtype)

    def slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return network.inputs_and_errors(w, x, y, error=precise)[0][1] @ first.mT

    return slope


def random_signs(x: np.ndarray, epsilon: float, seed: int = 0) -> np.ndarray:
    """Return the images with each pixel moved by epsilon, up or down by chance.

    Args:
        x: rows of pixels in [0, 1].
        epsilon: how far.
        seed: of the chance.
    """
    signs = np.random.default_rng(seed).choice(np.array([-1, 1], x.dtype), x.shape)
    return np.clip(x + epsilon * signs, 0, 1)


def fgsm(slope: Slope, x: np.ndarray, y: np.ndarray, epsilon: float) -> np.ndarray:
    """Return the images with each pixel moved by epsilon in the direction that raises the loss.

    Args:
        slope: of the network that is attacked.
        x: rows of pixels in [0, 1].
        y: right classes.
        epsilon: how far.

    Source: Goodfellow, Shlens and Szegedy, Explaining and harnessing adversarial examples (2015).
    """
    return np.clip(x + epsilon * np.sign(slope(x, y)), 0, 1)


def pgd(
    slope: Slope, x: np.ndarray, y: np.ndarray, epsilon: float, steps: int = 10, seed: int = 0
) -> np.ndarray:
    """Return the images after small steps uphill that never leave the box of epsilon around them.

    Args:
        slope, x, y, epsilon: as in `fgsm`.
        steps: each is 2.5 epsilon / steps long.
        seed: of where in the box it begins.

    Source: Madry et al., Towards deep learning models resistant to adversarial attacks (2018).
    """
    random = np.random.default_rng(seed)
    low, high = np.clip(x - epsilon, 0, 1), np.clip(x + epsilon, 0, 1)
    moved = np.clip(x + random.uniform(-epsilon, epsilon, x.shape).astype(x.dtype), 0, 1)
    for _ in range(steps):
        moved = np.clip(moved + 2.5 * epsilon / steps * np.sign(slope(moved, y)), low, high)
    return moved


def borrowed(slope: Slope, x: np.ndarray, y: np.ndarray, epsilon: float) -> np.ndarray:
    """Return the images, each with the change that FGSM made for the next image.

    A stronger control than chance: the change has the same size and the same look, and only its
    target is another.
    """
    change = np.roll(fgsm(slope, x, y, epsilon) - x, 1, axis=-2)
    return np.clip(x + change, 0, 1)


# --- a network that has seen them ---------------------------------------------------------------


def train(
    network: Network,
    images: Images,
    seeds: Sequence[int],
    epsilon: float = 0.0,
    steps: int = STEPS,
    learning_rate: float = LEARNING_RATE,
) -> np.ndarray:
    """Return trained weights (seeds, items); with epsilon, trained on attacked images.

    Momentum 0.9; the rate falls to 0 over the second half of the steps. Attacked is every image of
    every batch, by FGSM from a random place in the box.

    Args:
        network: what is trained.
        images: rows (n, inputs), and their classes.
        seeds: of weights and batches; all are trained at once.
        epsilon: of the attack; 0 trains as usual.
        steps: batches of 64.
        learning_rate: before it falls.

    Source: Wong, Rice and Kolter, Fast is better than free: revisiting adversarial training (2020).
    """
    randoms = [np.random.default_rng(seed) for seed in seeds]
    w, update = np.stack([network.start(seed) for seed in seeds]), start_optimizer("momentum")
    with one_thread():
        for step in range(steps):
            rows = np.stack([r.choice(len(images.y), BATCH_SIZE, replace=False) for r in randoms])
            x, y = images.x[rows], images.y[rows]
            if epsilon:
                x = pgd(input_slope(network, w), x, y, epsilon, steps=1, seed=step)
            rate = np.float32(learning_rate * min(1, 2 - 2 * step / steps))
            w = update(w, network.gradient(w, x, y), rate)
    return w


# --- measured -----------------------------------------------------------------------------------


class Attacked(NamedTuple):
    """What an attack does, measured for each seed.

    Attributes:
        name: of the attack.
        epsilon: of the attack.
        moved: mean length of the change of an image, (seeds,).
        own: accuracy of the network whose gradient was used, (seeds,).
        other: accuracy of a network trained with another seed, on the same images, (seeds,).
        int8: accuracy of the first network in integers of 8 bits, on the same images, (seeds,).
    """

    name: str
    epsilon: float
    moved: np.ndarray
    own: np.ndarray
    other: np.ndarray
    int8: np.ndarray


ATTACKS: dict[str, Callable[[Slope, np.ndarray, np.ndarray, float], np.ndarray]] = {
    "random signs": lambda slope, x, y, epsilon: random_signs(x, epsilon),
    "FGSM of another image": borrowed,
    "FGSM": fgsm,
    "PGD": pgd,
}


def measure(
    network: Network,
    w: np.ndarray,
    images: Images,
    epsilons: Sequence[float],
    attacks: dict[str, Callable] = ATTACKS,
) -> list[Attacked]:
    """Attack networks with their own gradients, and show the images to others too.

    Args:
        network: dense layers.
        w: weights of two or more seeds, (seeds, items).
        images: that did not train them.
        epsilons: sizes of the change; 0 gives the accuracy on the images as they are.
        attacks: name -> attack(slope, x, y, epsilon), of the learner too.

    Raises:
        ValueError: a single network: there is no other one to show the images to.
    """
    if len(w) < 2:
        raise ValueError("give the weights of two seeds or more, so that each has another")
    integers = [_in_int8(network.layers(each), images.x) for each in w]
    return [
        _attacked(name, epsilon, attack, network, w, integers, images)
        for name, attack in attacks.items()
        for epsilon in epsilons
    ]


def _attacked(name, epsilon, attack, network, w, integers, images) -> Attacked:
    x = np.broadcast_to(images.x, (len(w), *images.x.shape))
    y = np.broadcast_to(images.y, (len(w), len(images.y)))
    with one_thread():
        moved = np.asarray(attack(input_slope(network, w), x, y, epsilon), x.dtype)
        shown = Images(moved, y)
        return Attacked(
            name,
            epsilon,
            np.sqrt(((moved - x) ** 2).sum(axis=-1)).mean(axis=-1),
            network.accuracy(w, shown),
            network.accuracy(np.roll(w, 1, axis=0), shown),
            np.array([_accuracy(*each, images.y) for each in zip(integers, moved, strict=True)]),
        )


def _in_int8(layers: Sequence, x: np.ndarray) -> list[quantization.Int8Layer]:
    return quantization.quantize_network(layers, quantization.calibrate(layers, x))


def _accuracy(network: list[quantization.Int8Layer], x: np.ndarray, y: np.ndarray) -> float:
    return (quantization.run(network, x).argmax(axis=-1) == y).mean()
