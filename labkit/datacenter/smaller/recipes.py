"""Students for the tables: of a convolutional network; and pruned, in few bits, as packed files.

Lesson: 22_smaller_models.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from labkit.data.digits import Digits
from labkit.datacenter.network import Images, Network, Parts, small_digits
from labkit.datacenter.smaller import distillation, pruning, quantization

if TYPE_CHECKING:
    import keras

TEMPERATURE, RATE, FINE_RATE, FINE_STEPS = 4.0, 0.08, 0.04, 300
NARROW = Network((784, 32, 10))
LEARN = 3000  # of the 4,000 digits; the others choose the learning rate

# --- a student beside its teacher ---------------------------------------------------------------


def students(
    digits: Digits,
    probabilities: np.ndarray,
    temperature: float = TEMPERATURE,
    error: distillation.Error = distillation.error,
) -> dict[str, keras.Model]:
    """Return two students 784-32-10 as Keras models: "alone" from labels, and "distilled".

    Both get their learning rate by the rule of `tuning.tune`.

    Args:
        digits: images and labels; those of the test are not looked at.
        probabilities: of the teacher for the training images, (n, 10).
        temperature: of the distilled student and of the teacher's answers.
        error: gradient of the loss of each row by the scores.
    """
    x, y = digits.x_train.reshape(-1, 784), digits.y_train
    learn, choose = Images(x[:LEARN], y[:LEARN]), Images(x[LEARN:], y[LEARN:])
    parts = [Parts(learn, choose, choose)]
    soft = distillation.soften(np.log(probabilities[:LEARN] + 1e-9), temperature)
    settings = {"alone": (distillation.one_hot(learn.y), 1.0), "distilled": (soft, temperature)}
    found = {
        name: distillation.tune(parts, [targets], None, heat, error, NARROW).weights[0]
        for name, (targets, heat) in settings.items()
    }
    return {name: _as_keras(w) for name, w in found.items()}


def _as_keras(w: np.ndarray) -> keras.Model:
    from labkit.networks import models

    model = models.mlp(32)
    model.set_weights([part for pair in NARROW.layers(w) for part in pair])
    return model


# --- a packed file ------------------------------------------------------------------------------


class Recipe(NamedTuple):
    """A student 196-hidden-10 that a teacher taught; the share of its weights at 0; their bits."""

    hidden: int
    share: float
    bits: int


USUAL = Recipe(hidden=32, share=0.0, bits=16)


class Outcome(NamedTuple):
    """What a recipe brings, means over seeds: bytes of the packed file, share of right answers."""

    size_in_bytes: float
    validation: float
    test: float


@lru_cache(maxsize=64)
def outcome(recipe: Recipe, seeds: int = 3) -> Outcome:
    """Teach, prune, fine-tune with the zeros kept, and quantize a student for each seed.

    Args:
        recipe: of the student.
        seeds: how many students, each with images and a teacher of its own.
    """
    found = [_outcome(recipe, seed) for seed in range(seeds)]
    return Outcome(*(float(mean) for mean in np.mean(found, axis=0)))


def _outcome(recipe: Recipe, seed: int) -> Outcome:
    network, (parts, answers) = Network((196, recipe.hidden, 10)), _taught(seed)
    shown = Images(parts.train.x, answers)
    w = distillation.train(network, shown, [RATE], seed, TEMPERATURE)[0]
    if recipe.share:
        w = pruned(network, w, recipe.share)
        go_on = {"steps": FINE_STEPS, "start": w}
        w = distillation.train(network, shown, [FINE_RATE], seed, TEMPERATURE, **go_on)[0]
    w, size = packed(network, w, recipe.bits)
    return Outcome(size, *(network.accuracy(w, images) for images in parts[1:]))


@lru_cache(maxsize=8)
def _taught(seed: int) -> tuple[Parts, np.ndarray]:
    parts = small_digits(seed)
    scores = distillation.teach(parts.train, seed).scores(parts.train.x)
    return parts, distillation.soften(scores, TEMPERATURE)


def pruned(network: Network, w: np.ndarray, share: float) -> np.ndarray:
    """Return weights (items,) of which the smallest are 0, all layers together; biases stay.

    Args:
        network: whose weights they are.
        w: shape (items,).
        share: of the weights that go, in [0, 1].
    """
    w = w.copy()
    kernels = [kernel for kernel, _ in network.layers(w)]
    for kernel, stays in zip(kernels, pruning.masks(kernels, share), strict=True):
        kernel *= stays
    return w


def packed(network: Network, w: np.ndarray, bits: int) -> tuple[np.ndarray, int]:
    """Return weights as so many bits hold them, and the bytes of all numbers packed by gzip.

    One scale for each unit. Scales and biases stay in float32; up to 8 bits an integer takes a
    byte before it is packed, else two.

    Args:
        network: whose weights they are.
        w: shape (items,).
        bits: 2 to 16.

    >>> network = Network((4, 2, 3))
    >>> w, size = packed(network, network.start(0), 8)
    >>> bool(np.abs(w - network.start(0)).max() < 0.01), size > 0
    (True, True)
    """
    w, arrays = w.copy(), []
    for kernel, bias in network.layers(w):
        grid = quantization.symmetric(kernel, bits, per_channel=True)
        q = quantization.quantize(kernel, grid)
        kernel[...] = quantization.dequantize(q, grid)
        arrays += [q, np.float32(grid.scale), bias]
    return w, pruning.gzip_in_bytes(arrays)
