"""A training in a process of its own that is killed in the middle of an epoch.

Lesson: 10_first_network.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from labkit.data import load_mnist
from labkit.networks.checkpoint import Training
from labkit.networks.models import mlp

LAST, DIES, EVERY = 160, 105, 10  # updates: all of them, the one that kills, between two files


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
        [sys.executable, "-m", "labkit.networks.killed", str(path)],
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
