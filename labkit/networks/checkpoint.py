"""A training that can stop after any step and go on, also in another process, bit for bit.

`Training` takes Keras' own steps with `train_on_batch`, in an order that follows from the seed and
the epoch alone. So everything that the rest of the training depends on can be named and saved:
weights, optimizer, random generators of the layers, and the number of the step.

A checkpoint appears by a rename. A process that is killed while it saves leaves the last whole one.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from labkit.networks.loops import create_variables, fixed_batch
from labkit.networks.training import NOT_COMPILED

if TYPE_CHECKING:
    import keras

FORMAT = 1


class CheckpointError(ValueError):
    """A file that cannot continue this training; the message says why."""


class Training:
    """The training of a compiled model, one step at a time.

    Args:
        model: a Keras model after `model.compile(...)`.
        x: inputs, shape (n, ...).
        y: targets, shape (n,) or (n, ...).
        batch_size: examples per step, at least 1; the last batch of an epoch may be smaller.
        seed: order of the examples in each epoch. Starting weights belong to the model.

    Attributes:
        step: steps taken so far.
        losses: the loss of each of them, on its own batch before its update.

    Raises:
        ValueError: a model that is not compiled, inputs and targets of different length, or a
            batch size below 1.

    The bits are those of this machine, its number of threads, and a CPU: a GPU may add up in
    another order each time. With the PyTorch backend give every Dropout layer a seed of its own:
    else it draws from a generator of the whole process, which no checkpoint holds.

    Lesson: 10_first_network.
    """

    def __init__(
        self, model: keras.Model, x: np.ndarray, y: np.ndarray, batch_size: int = 64, seed: int = 0
    ):
        x, y = np.asarray(x), np.asarray(y)
        _refuse(model, x, y, batch_size)
        self.model, self.x, self.y = model, x, y
        self.batch_size, self.seed = int(batch_size), int(seed)
        self.step, self.losses = 0, []
        self._order = (-1, np.arange(0))  # epoch, and the order of its examples
        self._graphs = {}  # examples of a batch -> the function that Keras trains with

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the examples."""
        return -(-len(self.x) // self.batch_size)

    def batch(self, step: int) -> np.ndarray:
        """Return the positions of the examples of a step: they follow from seed and step alone."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if self._order[0] != epoch:
            self._order = epoch, np.random.default_rng([self.seed, epoch]).permutation(len(self.x))
        return self._order[1][place * self.batch_size : (place + 1) * self.batch_size]

    def take_step(self) -> float:
        """Do one update of the weights; return the loss of its batch before the update."""
        chosen = self.batch(self.step)
        with self._graph_for(len(chosen)):
            logs = self.model.train_on_batch(self.x[chosen], self.y[chosen], return_dict=True)
        self.step += 1
        self.losses.append(float(logs["loss"]))
        return self.losses[-1]

    @contextmanager
    def _graph_for(self, examples: int) -> Iterator[None]:
        """Let each size of a batch have a graph of its own.

        TensorFlow would widen the first one to fit the next size, and compute in another order
        from then on. Which size came first is another one after a pause.
        """
        if getattr(self.model, "train_function", None) is None:  # compiled anew
            self._graphs.clear()
        self.model.train_function = self._graphs.get(examples)
        yield
        self._graphs[examples] = self.model.train_function

    def run(
        self,
        until: int,
        path: str | os.PathLike | None = None,
        every: int = 0,
        after: Callable[[Training], None] | None = None,
    ) -> None:
        """Take steps until `until` have been taken in all.

        Args:
            until: number of the last step; nothing happens if it was taken before.
            path: file of the checkpoint. every: steps from one checkpoint to the next.
            after: called with this training after every step.
        """
        while self.step < until:
            self.take_step()
            if path and every and self.step % every == 0:
                self.save(path)
            if after:
                after(self)

    def epoch_losses(self) -> np.ndarray:
        """Return the mean loss over the examples of each finished epoch, as `fit` reports it."""
        whole = self.step // self.steps_per_epoch
        losses = np.reshape(
            self.losses[: whole * self.steps_per_epoch], (whole, self.steps_per_epoch)
        )
        sizes = [len(self.batch(step)) for step in range(self.steps_per_epoch)]
        return np.average(losses, axis=1, weights=sizes) if whole else np.zeros(0)

    # --- checkpoints ------------------------------------------------------------------------

    def state(self) -> dict:
        """Return a copy of all that the rest of the training depends on; see `restore`."""
        arrays = [np.array(variable.numpy()) for variable in self._variables()]
        return {"step": self.step, "losses": list(self.losses), "arrays": arrays}

    def restore(self, state: dict) -> None:
        """Go back, or on, to a `state` of this training."""
        for variable, array in zip(self._variables(), state["arrays"], strict=True):
            variable.assign(array)
        self.step, self.losses = state["step"], list(state["losses"])

    def save(self, path: str | os.PathLike) -> None:
        """Write the state to a file; until it is whole, the file that was there stays."""
        path, state = Path(path), self.state()
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        arrays = {f"v{i}": _as_known(array) for i, array in enumerate(state["arrays"])}
        about = self._about() | {"step": state["step"], "arrays": len(arrays)}
        try:
            with open(beside, "wb") as file:
                np.savez(file, about=json.dumps(about), losses=np.array(state["losses"]), **arrays)
                file.flush()
                os.fsync(file.fileno())  # on the disk before the name is
            os.replace(beside, path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    def load(self, path: str | os.PathLike) -> None:
        """Restore the state that `save` wrote, in this process or another.

        Raises:
            CheckpointError: no such file, no checkpoint, or one of another model, of other data,
                of another batch size or seed. Nothing was changed then.
        """
        about, losses, arrays = _read(path)
        self._check(path, about, arrays)
        self.restore({"step": about["step"], "losses": losses.tolist(), "arrays": arrays})

    def _variables(self) -> list:
        """Everything that Keras changes while it trains, but for the metrics.

        `model.variables` and not `model.weights`: it includes the state of the random generators.
        """
        if not (self.model.built and self.model.optimizer.built):
            create_variables(self.model, (self.x, self.y))
        return [*self.model.variables, *self.model.optimizer.variables]

    def _about(self) -> dict:
        return {
            "format": FORMAT,
            "examples": len(self.x),
            "data": [zlib.crc32(np.ascontiguousarray(each)) for each in (self.x, self.y)],
            "batch_size": self.batch_size,
            "seed": self.seed,
            "optimizer": type(self.model.optimizer).__name__,
        }

    def _check(self, path: str | os.PathLike, about: dict, arrays: list[np.ndarray]) -> None:
        for name, value in self._about().items():
            if about.get(name) != value:
                raise CheckpointError(
                    f"{path} belongs to another training: its {name} is {about.get(name)}, "
                    f"here it is {value}"
                )
        here = [variable.numpy() for variable in self._variables()]
        for what, kind in (("shapes", lambda a: a.shape), ("types", lambda a: a.dtype.name)):
            ours, theirs = ([kind(array) for array in side] for side in (here, arrays))
            if ours != theirs:
                raise CheckpointError(
                    f"{path} belongs to another model: its variables have {what} {theirs}, "
                    f"here they are {ours}"
                )


def _refuse(model: keras.Model, x: np.ndarray, y: np.ndarray, batch_size: int) -> None:
    """Raise ValueError for what cannot be trained."""
    if not getattr(model, "compiled", False):
        raise ValueError(NOT_COMPILED)
    if len(x) != len(y) or len(x) == 0:
        raise ValueError(
            "x and y must hold one entry per example, and at least one. "
            f"Received: {len(x)} inputs and {len(y)} targets"
        )
    if not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise ValueError(
            f"batch_size must be an integer of at least 1. Received: batch_size={batch_size!r}"
        )
    batch = fixed_batch(model)
    if batch == 0:
        raise ValueError(
            "a stateful layer keeps a state for each example of a batch, so that it must know how "
            f"many there are: begin with keras.Input(batch_shape={(batch_size, *x.shape[1:])}), or "
            f"call the model once on {batch_size} examples"
        )
    if batch and (batch_size != batch or len(x) % batch):
        raise ValueError(
            f"a stateful layer keeps a state for each of {batch} examples: give batch_size={batch} "
            f"and a multiple of {batch} examples, such as the first {len(x) // batch * batch}. "
            f"Received: batch_size={batch_size} and {len(x)} examples"
        )


def _read(path: str | os.PathLike) -> tuple[dict, np.ndarray, list[np.ndarray]]:
    try:
        with np.load(path) as stored:
            about = json.loads(str(stored["about"]))
            arrays = [_as_meant(stored[f"v{i}"]) for i in range(about["arrays"])]
            return about, stored["losses"], arrays
    except FileNotFoundError:
        raise CheckpointError(f"there is no checkpoint {path}; has `save` been called?") from None
    except Exception as error:  # not a zip file, cut off, or written by something else
        raise CheckpointError(f"{path} is no checkpoint of a Training: {error}") from error


def _as_known(array: np.ndarray) -> np.ndarray:
    """Return an array that a NumPy file can hold: of bfloat16 and the like the bits, named so."""
    if array.dtype.isbuiltin != 2:  # 2: a kind that another package has added
        return array
    return array.view([(array.dtype.name, f"u{array.dtype.itemsize}")])


def _as_meant(array: np.ndarray) -> np.ndarray:
    """Return the array that `_as_known` was given."""
    if array.dtype.names is None:
        return array
    import ml_dtypes

    return array.view(getattr(ml_dtypes, array.dtype.names[0]))


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
