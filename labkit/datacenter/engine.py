"""The real engine: data parallel training by Keras on JAX, in processes of its own.

What `distributed` does by hand, an engine does with these lines in each process:

    keras.distribution.initialize(address, number_of_processes, rank)
    data_parallel = keras.distribution.DataParallel(auto_shard_dataset=False)
    keras.distribution.set_distribution(data_parallel)
    model.fit(own_rows, own_labels, batch_size=rows_of_a_batch // number_of_processes)

Keras hands them on to `jax.distributed`; on CPUs the processes speak through gloo. Keras shares out
a `tf.data.Dataset`, but not arrays, and says so unless `auto_shard_dataset` is False: each process
passes its own rows, and `batch_size` counts those. The compiler finds by itself that gradients must
be summed, and puts an all-reduce into the program.

Nothing here touches the backend of the kernel that calls it.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

MISSING = (
    "JAX is not installed, so that the real engine cannot run here. "
    'Install it with: pip install "labkit[dist]"'
)
PROGRAM = "*jit_train_step.cpu_after_optimizations.txt"
_COMMAND = "from labkit.datacenter.engine import main; main()"

Layers = Sequence[tuple[np.ndarray, np.ndarray]]  # weights (inputs, outputs) and bias (outputs,)


def available() -> bool:
    """Return whether JAX is installed; `MISSING` says what to do if it is not."""
    return importlib.util.find_spec("jax") is not None


class EngineError(RuntimeError):
    """A training that ended early, in the words of the process that is to blame.

    Attributes:
        rank: this process; None when the time was over.
    """

    def __init__(self, message: str, rank: int | None):
        super().__init__(message)
        self.rank = rank


class Trained(NamedTuple):
    """What a training by the engine brings back.

    Attributes:
        losses: of each epoch, mean over its steps.
        layers: weights and bias of each layer after the training, float32.
        replicas_equal: whether all processes hold the same weights, bit for bit.
        all_reduces: how many numbers each all-reduce of one step carries, read from `program`;
            empty in one process.
        program: one training step, as XLA compiled it.
        seconds: from the start of the processes to their end; most of it is starting.
        exit_codes: by rank; 0 is a clean end.
    """

    losses: list[float]
    layers: list[tuple[np.ndarray, np.ndarray]]
    replicas_equal: bool
    all_reduces: list[int]
    program: str
    seconds: float
    exit_codes: list[int]


def train(
    layers: Layers,
    x: np.ndarray,
    y: np.ndarray,
    processes: int = 2,
    batch_size: int = 64,
    epochs: int = 3,
    learning_rate: float = 0.1,
    momentum: float = 0.0,
    limit: float = 120.0,
) -> Trained:
    """Train dense layers by gradient descent, with Keras on JAX, in processes of its own.

    A ReLU follows each layer but the last; the loss is the mean cross-entropy. Rows are taken in
    the order in which they come, so that another training can be compared step by step.

    Args:
        layers: the start: weights (inputs, outputs) and bias (outputs,) of each layer.
        x: array (rows, inputs).
        y: array (rows,) of classes, whole numbers.
        processes: how many share each batch.
        batch_size: rows of a step, over all processes.
        epochs: passes over all rows.
        learning_rate, momentum: of the optimizer.
        limit: seconds for all of it.

    Raises:
        ModuleNotFoundError: JAX is missing.
        ValueError: rows, batch and processes do not divide without a rest.
        EngineError: a process failed, or the time was over; no process is left then.
    """
    if not available():
        raise ModuleNotFoundError(MISSING)
    _check(len(x), batch_size, processes)
    with tempfile.TemporaryDirectory(prefix="labkit-engine-") as folder:
        arrays = {f"array_{k}": a for k, a in enumerate(a for pair in layers for a in pair)}
        rates = {"learning_rate": learning_rate, "momentum": momentum}
        sizes = {"batch_size": batch_size, "epochs": epochs}
        np.savez(Path(folder, "task.npz"), x=x, y=y, **rates, **sizes, **arrays)
        begun = time.monotonic()
        codes = _run(processes, Path(folder), limit)
        return _read(Path(folder), processes, time.monotonic() - begun, codes)


def all_reduces(program: str) -> list[int]:
    """Return how many numbers each all-reduce of a compiled program carries.

    Args:
        program: text of XLA (HLO), after all optimizations.

    >>> all_reduces("%sum = (f32[], f32[16,20]{1,0}) all-reduce(%loss, %dot.3), channel_id=1")
    [321]
    """
    shapes = re.findall(r"= (\S+|\([^=]*?\)) all-reduce(?:-start)?\(", program)
    return [sum(map(_numbers, re.findall(r"\w+\[([\d,]*)\]", shape))) for shape in shapes]


def _numbers(dimensions: str) -> int:
    return int(np.prod([int(size) for size in dimensions.split(",") if size]))


def _check(rows: int, batch_size: int, processes: int) -> None:
    if processes < 1 or batch_size % processes:
        raise ValueError(
            f"batch_size must be a multiple of processes, so that each gets as many rows. "
            f"Received: batch_size={batch_size!r}, processes={processes!r}"
        )
    if rows == 0 or rows % batch_size:
        raise ValueError(
            f"the rows must fill whole batches of {batch_size}. Received: {rows} rows; "
            f"pass {rows - rows % batch_size} of them, or change batch_size"
        )


# --- the processes ------------------------------------------------------------------------------


def _run(processes: int, folder: Path, limit: float) -> list[int]:
    """Start the processes and wait; return their exit codes, all 0."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    popens: list[subprocess.Popen] = []
    try:
        for rank in range(processes):
            popens.append(_spawn(rank, processes, address, folder))
        return _wait(popens, folder, limit)
    finally:
        for each in popens:
            each.kill()
            each.wait()
            each.stdin.close()


def _spawn(rank: int, processes: int, address: str, folder: Path) -> subprocess.Popen:
    command = [
        sys.executable,
        "-P",
        "-c",
        _COMMAND,
        str(rank),
        str(processes),
        address,
        str(folder),
    ]
    with Path(folder, f"words_{rank}.txt").open("wb") as words:
        return subprocess.Popen(
            command,
            env=_environment(rank, address, folder),
            stdin=subprocess.PIPE,  # it closes when the parent is gone, however that ended
            stdout=subprocess.DEVNULL,
            stderr=words,
            start_new_session=True,  # a terminal's Ctrl-C reaches the parent alone
        )


def _environment(rank: int, address: str, folder: Path) -> dict[str, str]:
    """Return what a process needs to know before it imports anything."""
    dump = f"--xla_dump_to={folder / f'program_{rank}'} --xla_dump_hlo_as_text"
    # gRPC would look for the other process behind a proxy; and what a user has set for JAX, such as
    # a cache of programs or another address, is not meant for these two.
    kept = {
        name: value
        for name, value in os.environ.items()
        if "proxy" not in name.lower() and not name.startswith(("JAX_", "XLA_"))
    }
    return kept | {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "JAX_CPU_COLLECTIVES_IMPLEMENTATION": "gloo",
        "JAX_COORDINATOR_BIND_ADDRESS": address,  # the default listens to the whole network
        "JAX_TRACEBACK_FILTERING": "off",  # else JAX has the last word
        "JAX_LOCAL_DEVICE_IDS": "0",  # all is told: JAX need not look for a cluster
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen=false {dump} "
        "--xla_dump_hlo_module_re=jit_train_step",
    }


def _wait(popens: list[subprocess.Popen], folder: Path, limit: float) -> list[int]:
    until = time.monotonic() + limit
    while True:
        codes = [each.poll() for each in popens]
        for rank, code in enumerate(codes):
            if code:
                raise EngineError(_told(rank, code, folder), rank)
        if None not in codes:
            return codes
        if time.monotonic() > until:
            slow = ", ".join(str(rank) for rank, code in enumerate(codes) if code is None)
            message = f"not done within {limit:g} s (process {slow}); allow more with limit="
            raise EngineError(message, None)
        time.sleep(0.02)


def _told(rank: int, code: int, folder: Path) -> str:
    """Return which process ended how, and its own words."""
    words = Path(folder, f"words_{rank}.txt").read_text(errors="replace")
    words = re.sub(r"\x1b\[\d*m", "", words).strip()  # Keras writes in bold
    if code < 0:
        return f"process {rank} was killed by {signal.Signals(-code).name}\n\n{words}".strip()
    last = words.splitlines()[-1] if words else f"it ended with exit code {code} without a word"
    return f"process {rank} failed: {last}\n\n{words}".strip()


def _read(folder: Path, processes: int, seconds: float, codes: list[int]) -> Trained:
    found = [dict(np.load(folder / f"result_{rank}.npz")) for rank in range(processes)]
    losses = found[0].pop("losses").tolist()
    weights = [[each[f"array_{k}"] for k in range(len(found[0]))] for each in found]
    equal = all(
        np.array_equal(a, b) for other in weights for a, b in zip(weights[0], other, strict=True)
    )
    program = max(folder.glob(f"program_0/{PROGRAM}")).read_text()  # of several, the last
    pairs = list(zip(weights[0][::2], weights[0][1::2], strict=True))
    return Trained(losses, pairs, equal, all_reduces(program), program, seconds, codes)


# --- in each process ----------------------------------------------------------------------------


def main() -> None:
    """Train as one of the processes; called by `train` alone."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    try:
        _train_one(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
    except BaseException as error:
        traceback.print_exc()
        print(
            f"{type(error).__name__}: {' '.join(str(error).split())}", file=sys.stderr, flush=True
        )
        os._exit(1)  # an orderly end would wait for the others, who wait for this one


def _end_with_the_parent() -> None:
    os.read(0, 1)  # not by sys.stdin, whose lock would be held at the end
    shutil.rmtree(sys.argv[4], ignore_errors=True)  # nobody else is left to do it
    os._exit(1)


def _train_one(rank: int, processes: int, address: str, folder: Path) -> None:
    # Keras would load TensorFlow only to set its seed, too.
    sys.modules["tensorflow"] = None  # type: ignore[assignment]
    _stay_on_loopback()
    import jax
    import keras

    if processes > 1:
        keras.distribution.initialize(address, processes, rank)
    data_parallel = keras.distribution.DataParallel(auto_shard_dataset=False)
    keras.distribution.set_distribution(data_parallel)
    task = np.load(folder / "task.npz")
    model = _model([task[f"array_{k}"] for k in range(sum("array" in name for name in task))])
    rates = {"learning_rate": float(task["learning_rate"]), "momentum": float(task["momentum"])}
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(**rates), loss)
    part = int(task["batch_size"]) // processes
    own = np.arange(len(task["x"])).reshape(-1, processes, part)[:, rank].ravel()
    x, y = task["x"][own].astype("float32"), task["y"][own]
    sizes = {"batch_size": part, "epochs": int(task["epochs"])}
    history = model.fit(x, y, **sizes, shuffle=False, verbose=0)
    weights = [each.value.addressable_data(0) for each in model.trainable_variables]
    arrays = {f"array_{k}": np.asarray(a) for k, a in enumerate(weights)}
    np.savez(folder / f"result_{rank}.npz", losses=history.history["loss"], **arrays)
    if processes > 1:
        jax.distributed.shutdown()  # without it some process may end before the others are done


def _model(weights: list[np.ndarray]):
    """Return the network with these weights and biases."""
    import keras

    widths = [each.shape[1] for each in weights[::2]]
    kinds = ["relu"] * (len(widths) - 1) + [None]
    dense = [
        keras.layers.Dense(width, activation=kind, dtype="float32")
        for width, kind in zip(widths, kinds, strict=True)
    ]
    model = keras.Sequential([keras.Input((weights[0].shape[0],)), *dense])
    model.set_weights(weights)
    return model


def _stay_on_loopback() -> None:
    """Let gloo listen on 127.0.0.1: else it takes the address that the machine's name stands for.

    JAX has no option for it. Where this inner name is gone, gloo does what it does by default.
    """
    from jaxlib import _jax

    if make := getattr(_jax, "make_gloo_tcp_collectives", None):
        _jax.make_gloo_tcp_collectives = functools.partial(make, hostname="127.0.0.1")
