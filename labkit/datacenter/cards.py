"""A training step on a card: launching its operations, moving its numbers, and the arithmetic.

An operation must be handed to the device before it runs. Small ones are done sooner than the next
is handed over, and the device waits: the step is launch-bound. What a card can do is quoted from
its data sheet, what this machine can do is measured here, through Keras' backend, on its device.

Lesson: 17_on_a_gpu.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from labkit.datacenter.factors import DEVICES
from labkit.datacenter.roofline import Times, interleave
from labkit.networks import devices
from labkit.networks.backend import without_advice, without_chatter
from labkit.networks.training import fit

if TYPE_CHECKING:
    import keras

FORMATS = ("float32", "TF32", "bfloat16")
LAYERS = 3  # of the square network whose step is modeled and measured
# A. Gray, Getting Started with CUDA Graphs, NVIDIA Technical Blog, 2019
# (developer.nvidia.com/blog/cuda-graphs): a small kernel on a V100, seconds a launch, the 2.9 of
# the kernel included: twenty in a row, and twenty as one graph. Read in three retellings.
LAUNCHES = {"in a row": 3.8e-6, "as a graph": 3.4e-6}


class Card(NamedTuple):
    """What a device can do at best.

    Attributes:
        name: of the card or processor.
        origin: "quoted" or "measured".
        peaks: format -> FLOP a second of dense matrix products; formats without units are missing.
        bandwidth: bytes a second of its own memory.
        memory: bytes of it.
        link: bytes a second from the main memory to it, one way; 0 where they are one.
        source: of the figures.
    """

    name: str
    origin: str
    peaks: dict[str, float]
    bandwidth: float
    memory: float
    link: float
    source: str


def _quoted(name: str, float32: float, tf32: float, bandwidth: float, link: float, source: str):
    """Return a card that lesson 25 knows: its 16-bit peak and its memory stand there."""
    peaks = {"float32": float32, "TF32": tf32, "bfloat16": DEVICES[name].peak.value}
    memory = DEVICES[name].memory.value
    return Card(name, "quoted", peaks, bandwidth, memory, link, source)


# The sheets state Hopper's matrix units with sparsity, twice the dense figure that stands here, and
# PCI Express both ways together, twice the link. NVIDIA's own pages, and where they were read:
#   T4    nvidia.com/en-us/data-center/tesla-t4; a copy of its table, which says 300 GB/s (256 bits
#         at 10 Gb/s, as the card reports itself, would be 320)
#   A100  nvidia-a100-datasheet-us-nvidia-1758950-r4-web.pdf; glennklockwood.com/garden/processors
#   H100  nvidia.com/en-us/data-center/h100; the same notes: 66.9, 494.7 and 989.4 TFLOP/s dense
#   H200  nvidia.com/en-us/data-center/h200; the chip of the H100 with other memory, as there
CARDS = {
    "T4": Card("T4", "quoted", {"float32": 8.1e12}, 300e9, 16e9, 16e9, "NVIDIA, T4 data sheet"),
    "A100": _quoted("A100", 19.5e12, 156e12, 2039e9, 32e9, "NVIDIA, A100 data sheet, 2021: dense"),
    "H100": _quoted(
        "H100", 67e12, 494.5e12, 3350e9, 64e9, "NVIDIA, H100 SXM data sheet, 2023: dense"
    ),
    "H200": Card(
        "H200",
        "quoted",
        {"float32": 67e12, "TF32": 494.5e12, "bfloat16": 989e12},
        4800e9,
        141e9,
        64e9,
        "NVIDIA, H200 SXM data sheet, 2024: dense",
    ),
}

# --- the model ----------------------------------------------------------------------------------


class Parts(NamedTuple):
    """Seconds of a step: launching its operations, moving its numbers, its arithmetic.

    A GPU is handed an operation while it does the one before, so the longest part decides. On a CPU
    the same core does both, one after the other: `overlap` is False, and launching is added.
    """

    launching: float
    moving: float
    arithmetic: float
    overlap: bool = True

    @property
    def seconds(self) -> float:
        """Seconds of the whole step."""
        work = max(self.moving, self.arithmetic)
        return max(self.launching, work) if self.overlap else self.launching + work

    @property
    def bound(self) -> str:
        """Which part is the longest: "launch", "memory" or "compute".

        >>> Parts(2e-3, 1e-3, 1e-4).bound
        'launch'
        """
        return ("launch", "memory", "compute")[int(np.argmax(self[:3]))]


def step(
    card: Card, batch: int, width: int, operations: int, launch: float, form: str = "float32"
) -> Parts:
    """Return the parts of a training step of three square layers (modeled).

    A layer multiplies three times: outputs, gradient of the weights, errors of its inputs; 2 b w w
    operations each, and each reads two matrices and writes one. Adam reads a weight, its gradient
    and two moments, and writes three of them, in float32.

    Args:
        card: whose peak and bandwidth count.
        batch: examples.
        width: inputs and outputs of each layer.
        operations: that are launched for a step.
        launch: seconds from one launch to the next.
        form: of the products, one of `FORMATS`; a card without such units takes float32.

    Raises:
        ValueError: a batch, width, operations or launch that is not above 0, or an unknown format.

    Source: the roofline, Williams, Waterman and Patterson (2009), with launches as a third limit.

    >>> step(CARDS["A100"], 32, 64, operations=100, launch=5e-6).bound
    'launch'
    """
    if min(batch, width, operations, launch) <= 0:
        raise ValueError(
            "batch, width, operations and launch must be above 0. "
            f"Received: {batch!r}, {width!r}, {operations!r}, {launch!r}"
        )
    if form not in FORMATS:
        raise ValueError(f"form must be one of {list(FORMATS)}. Received: {form!r}")
    peak = card.peaks.get(form, card.peaks["float32"])
    size = 2 if form == "bfloat16" and form in card.peaks else 4
    moved = LAYERS * (3 * size * (2 * batch * width + width**2) + 7 * 4 * width**2)
    flop = LAYERS * 3 * 2 * batch * width**2
    overlap = card.link > 0  # a device of its own, beside the processor
    return Parts(operations * launch, moved / card.bandwidth, flop / peak, overlap)


# --- what is measured here ----------------------------------------------------------------------


def clock() -> str:
    """Return the clock that counts: "cpu", which neighbors do not lengthen, or "wall" on a GPU.

    A GPU works while the processor waits or does something else: CPU time does not see it.
    """
    return "wall" if devices.device().kind == "gpu" else "cpu"


def seconds_of(calls: Mapping[Any, Callable[[], object]], seconds: float) -> dict[Any, float]:
    """Return the seconds of each call, the median, measured by turns on the clock that counts.

    Not the best repeat: the CPU time of a thread that still runs, as those of JAX do, is added
    late, so that the shortest is too short.

    Args:
        calls: name -> function without arguments that waits for its device.
        seconds: of wall time for all of them.
    """
    times = interleave(dict(calls), seconds, time.process_time, warm=True)
    return {name: float(np.median(_of(each))) for name, each in times.items()}


def _of(times: Times) -> np.ndarray:
    return getattr(times, clock())


def copies(sizes: tuple[int, ...], seconds: float = 1.0) -> dict[int, float]:
    """Return bytes -> seconds to copy a NumPy array of that size to the device.

    Args:
        sizes: in bytes, multiples of 4.
        seconds: of wall time.
    """
    arrays = {size: np.zeros(size // 4, np.float32) for size in sizes}
    return seconds_of({s: lambda a=a: devices.put(a) for s, a in arrays.items()}, seconds)


def additions(numbers: tuple[int, ...], seconds: float = 1.0) -> dict[int, float]:
    """Return numbers -> seconds of one addition to so many numbers, called from Python.

    Args:
        numbers: how many.
        seconds: of wall time.
    """
    return seconds_of({n: devices.addition(n) for n in numbers}, seconds)


def chains(operations: int = 100, numbers: int = 100, seconds: float = 1.0) -> dict[str, float]:
    """Return way -> seconds of one of many small operations: launched one by one, or compiled.

    Args:
        operations: in a chain.
        numbers: that each works on.
        seconds: of wall time.
    """
    ways = {"one by one": False, "one compiled call": True}
    calls = {way: devices.chain(operations, numbers, how) for way, how in ways.items()}
    with without_chatter():  # TensorFlow's compiler says that it is there
        found = seconds_of({way: call for way, call in calls.items() if call}, seconds)
    return {way: each / operations for way, each in found.items()}


def this_machine(seconds: float = 2.0, side: int = 1024) -> Card:
    """Return what the device here can do, as Keras' backend uses it.

    By the clock that counts: on a CPU the rates are those of a second of CPU time, of one core.

    Args:
        seconds: of wall time.
        side: of the square matrices whose product is taken as the peak.
    """
    numbers = 2**23  # 32 MiB, beyond most caches
    calls: dict[Any, Callable] = {"float32": devices.product(side)}
    calls["bfloat16"] = devices.product(side, "bfloat16")
    calls["memory"] = devices.addition(numbers)
    with without_chatter():
        took = seconds_of(calls, seconds)
    peaks = {form: 2 * side**3 / took[form] for form in ("float32", "bfloat16")}
    here = devices.device()
    size = 4 * 2**22
    link = size / copies((size,), 0.2)[size] if here.kind == "gpu" else 0.0
    return Card(here.name, "measured", peaks, 2 * 4 * numbers / took["memory"], 0.0, link, "here")


def square(width: int, seed: int = 0) -> keras.Sequential:
    """Return the network of `step`: three square layers, compiled with Adam.

    Args:
        width: inputs and outputs of each layer.
        seed: of the weights.
    """
    from labkit.networks.backend import keras

    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(width, "relu") for _ in range(LAYERS - 1)]
    model = keras.Sequential([keras.Input((width,)), *layers, keras.layers.Dense(width)])
    model.compile("adam", "mse")
    return model


WAYS = ("a call a step", "model.fit", "labkit's fit")


@without_advice()  # against many traces: each way has a model of its own
def step_seconds(
    build: Callable[[], keras.Model],
    x: np.ndarray,
    y: np.ndarray,
    batch_size: int,
    epochs: int = 3,
    ways: tuple[str, ...] = WAYS,
) -> dict[str, float]:
    """Return way -> seconds of a training step, the best of the epochs after the first.

    The first epoch traces and compiles. "a call a step" is the loop that one writes oneself, over
    `train_on_batch`; the other two are told once.

    Args:
        build: returns a compiled Keras model; called once for each way.
        x, y: examples; those that do not fill a batch are left out.
        batch_size: examples of a step.
        epochs: beyond the first.
        ways: of `WAYS`.
    """
    steps = len(x) // batch_size
    x, y = x[: steps * batch_size], y[: steps * batch_size]
    found = {}
    for way in ways:
        with without_chatter():
            ends = _RUN[way](build(), x, y, batch_size, epochs + 1)
        found[way] = float(np.diff(ends).min()) / steps
    return found


def _now() -> float:
    return time.perf_counter() if clock() == "wall" else time.process_time()


def _own_loop(model: Any, x: np.ndarray, y: np.ndarray, batch_size: int, epochs: int) -> list:
    ends = []
    for _ in range(epochs):
        for begin in range(0, len(x), batch_size):
            model.train_on_batch(x[begin : begin + batch_size], y[begin : begin + batch_size])
        ends.append(_now())
    return ends


def _keras_fit(model: Any, x: np.ndarray, y: np.ndarray, batch_size: int, epochs: int) -> list:
    ends: list[float] = []
    model.fit(x, y, batch_size, epochs, verbose=0, callbacks=[_noting(ends)])
    return ends


def _labkit_fit(model: Any, x: np.ndarray, y: np.ndarray, batch_size: int, epochs: int) -> list:
    ends: list[float] = []
    fit(model, x, y, batch_size, epochs, verbose=0, callbacks=[_noting(ends)])
    return ends


def _noting(ends: list[float]) -> Any:
    from labkit.networks.backend import keras

    return keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: ends.append(_now()))


_RUN = dict(zip(WAYS, (_own_loop, _keras_fit, _labkit_fit), strict=True))


@without_advice()
def train(
    model: keras.Model, x: np.ndarray, y: np.ndarray, batch_size: int, epochs: int, way: str
) -> float:
    """Train a compiled model in one of the `WAYS`, and return the seconds of all of it.

    Args:
        model: a compiled Keras model; it goes on learning.
        x, y: examples.
        batch_size: examples of a step.
        epochs: passes over them.
        way: of `WAYS`.

    Raises:
        ValueError: an unknown way.
    """
    if way not in _RUN:
        raise ValueError(f"way must be one of {list(_RUN)}. Received: {way!r}")
    begun = _now()
    with without_chatter():
        return _RUN[way](model, x, y, batch_size, epochs)[-1] - begun
