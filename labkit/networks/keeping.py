"""What a file keeps of a network; and a training that is killed in the middle of an epoch.

Lesson: 10_first_network.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np

from labkit.data import load_mnist
from labkit.networks.backend import without_advice, without_chatter
from labkit.networks.checkpoint import Training
from labkit.networks.models import mlp

if TYPE_CHECKING:
    import keras

LAST, DIES, EVERY = 160, 105, 10  # updates: all of them, the one that kills, between two files


def saved_and_loaded(model: keras.Model, path: str | os.PathLike) -> keras.Model:
    """Return what comes back from a file; its ending, .keras or .h5, says which kind of file.

    Args:
        model: a compiled Keras model.
        path: of the file that is written.
    """
    from labkit.networks.backend import keras

    # .h5 says at each saving that it is outdated; on another backend it loads TensorFlow.
    with without_advice(), without_chatter():
        model.save(path)
        return keras.saving.load_model(path)


def next_losses(model: keras.Model, x: np.ndarray, y: np.ndarray) -> str:
    """Return, in words, the losses of three more updates on one batch, or why there are none.

    From the second one on they show what the optimizer remembers.

    Args:
        model: a compiled Keras model; it learns on.
        x, y: the batch.
    """
    try:
        logs = [model.train_on_batch(x, y, return_dict=True) for _ in range(3)]
    except ValueError as error:
        return f"refused: {str(error).split('<')[0].strip(' :')}"
    return ", ".join(f"{each['loss']:.4f}" for each in logs)


def largest_difference(a: keras.Model, b: keras.Model) -> float:
    """Return the largest difference of a weight between two models of the same shape."""
    pairs = zip(a.get_weights(), b.get_weights(), strict=True)
    return max(float(np.abs(ours - theirs).max()) for ours, theirs in pairs)


def orders(images: int, epochs: int, seed: int | None = None) -> list[list[int]]:
    """Return in which order Keras' `fit` goes through the images in each epoch.

    Measured: a network that cannot learn answers 0 to image k, which should be k, so that the loss
    of a batch of one tells which image it was.

    Args:
        images: how many.
        epochs: passes over them.
        seed: given to `keras.utils.set_random_seed`; None leaves the generators as they are.
    """
    from labkit.networks.backend import keras

    if seed is not None:
        keras.utils.set_random_seed(seed)
    numbers = np.arange(images, dtype="float32")
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((1,)), dense])
    model.compile(keras.optimizers.SGD(0.0), "mae")
    means = []  # of the losses of an epoch so far
    note = keras.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: means.append(logs))
    model.fit(numbers[:, None], numbers, batch_size=1, epochs=epochs, verbose=0, callbacks=[note])
    sums = np.reshape([each["loss"] for each in means], (epochs, images)) * (1 + np.arange(images))
    return np.diff(sums, prepend=0).round().astype(int).tolist()


def training() -> Training:
    """Return a fresh training with dropout, 784-64-10 on MNIST's 4,000 images, always the same."""
    from labkit.networks.backend import keras

    digits = load_mnist()
    keras.utils.set_random_seed(0)
    model = mlp(64, dropout=0.2, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    return Training(model, digits.x_train, digits.y_train, batch_size=100, seed=0)


def start(path: str | os.PathLike) -> subprocess.Popen:
    """Start a process that trains, saves a checkpoint now and then, and gets no end.

    It sends itself SIGKILL, the signal that no program can catch, after update 105.

    Args:
        path: file of its checkpoint.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "labkit.networks.keeping", str(path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def was_killed(process: subprocess.Popen) -> bool:
    """Wait for a process of `start`; return whether it was killed, and did not fail otherwise.

    Raises:
        RuntimeError: it ended in another way; the message says what it wrote.
    """
    said = process.communicate()[1].decode()
    if process.returncode != -signal.SIGKILL:
        raise RuntimeError(f"the training ended with status {process.returncode}: {said[-2000:]}")
    return True


def _die(state: Training) -> None:
    if state.step == DIES:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    training().run(LAST, sys.argv[1], every=EVERY, after=_die)
