"""The roofline of this machine: what one thread can compute, what memory can bring, and layers.

A layer is a product of an (m, k) and a (k, n) matrix. It takes at least as long as its arithmetic
and at least as long as reading and writing its numbers, so its rate lies below two lines: the
peak of the arithmetic, and intensity times bandwidth. All is measured with one thread, by CPU
time, which other processes do not lengthen as they lengthen wall time, and by turns, so that a
busy moment meets all of it; the best repeat counts, as the one that was disturbed least.
"""

from __future__ import annotations

import math
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labkit import machine

FLOAT32 = 4  # bytes of a number
SAMPLE = 0.001  # seconds that one reading of the clock spans at least
KIB, MIB = 2**10, 2**20
PEAK_SIDES = (512, 1024)  # of square matrices; the faster product is taken as the peak
MEMORY_AT_LEAST, MEMORY_AT_MOST = 128 * MIB, 1024 * MIB

# --- the formulas -------------------------------------------------------------------------------


def intensity(m: int, k: int, n: int, itemsize: int = FLOAT32) -> float:
    """Return FLOP per byte of an (m, k) times (k, n) product that moves each number once.

    2 m k n operations; m k + k n numbers are read, and m n written.

    Args:
        m, k, n: sides of the matrices, at least 1; m grows with the batch.
        itemsize: bytes of a number, 4 for float32.

    Raises:
        ValueError: a side or an itemsize below 1.

    Source: Williams, Waterman and Patterson, Roofline: An Insightful Visual Performance Model for
        Multicore Architectures, Communications of the ACM (2009).
    Lesson: 20_faster_training.

    >>> intensity(1, 4096, 4096) < 0.5 < intensity(2, 4096, 4096)
    True
    """
    if min(m, k, n, itemsize) < 1:
        raise ValueError(
            f"sides and itemsize must be 1 or more. Received: {m}, {k}, {n}, {itemsize}"
        )
    return 2 * m * k * n / size_in_bytes(m, k, n, itemsize)


def size_in_bytes(m: int, k: int, n: int, itemsize: int = FLOAT32) -> int:
    """Return the bytes of all three matrices of a product.

    >>> size_in_bytes(1, 784, 500)
    1573136
    """
    return itemsize * (m * k + k * n + m * n)


def roof(intensity: ArrayLike, peak: float, bandwidth: float) -> float | np.ndarray:
    """Return the highest rate at an intensity, in FLOP/s: min(peak, intensity x bandwidth).

    Args:
        intensity: FLOP per byte, one number or an array.
        peak: FLOP/s of the arithmetic.
        bandwidth: bytes a second from where the numbers are: a cache or memory.

    Source: Williams, Waterman and Patterson (2009), as `intensity`.
    Lesson: 20_faster_training.

    >>> roof(0.5, peak=100e9, bandwidth=20e9) / 1e9
    10.0
    """
    rates = np.minimum(peak, np.asarray(intensity, dtype=float) * bandwidth)
    return rates if rates.ndim else float(rates)


def ridge(peak: float, bandwidth: float) -> float:
    """Return the intensity at which both limits meet, in FLOP per byte.

    >>> ridge(peak=100e9, bandwidth=20e9)
    5.0
    """
    return peak / bandwidth


# --- the lab's layers ---------------------------------------------------------------------------


class Layer(NamedTuple):
    """A layer as a product: one example is `rows` rows, the weights are a (k, n) matrix."""

    rows: int
    k: int
    n: int

    def shape(self, batch: int) -> tuple[int, int, int]:
        """Return m, k, n of the product for a batch.

        >>> Layer(121, 288, 64).shape(8)
        (968, 288, 64)
        """
        return batch * self.rows, self.k, self.n


LARGE = "large matrix"
LAYERS = {
    "MLP hidden": Layer(1, 784, 500),  # lesson 10
    "LSTM step": Layer(1, 100, 200),  # lesson 13: 50 inputs and 50 states, four gates
    "CNN conv_2": Layer(121, 288, 64),  # lesson 11, as im2col: 11 x 11 places, 3 x 3 x 32 numbers
    "transformer": Layer(64, 64, 256),  # lesson 14: the feed-forward part of 64 places
    # 61 MiB, and no power of two: rows of 4,096 numbers share few places of a cache, which cost a
    # tenth of the rate where it was tried.
    LARGE: Layer(1, 4000, 4000),
}
BATCHES = (1, 8, 64, 512)


# --- the stopwatch ------------------------------------------------------------------------------


class Times(NamedTuple):
    """Seconds of one call, a value for each sample: by the CPU clock and by the wall clock."""

    cpu: np.ndarray
    wall: np.ndarray


def interleave(
    calls: dict[str, Callable[[], object]],
    seconds: float,
    clock: Callable[[], float] = time.thread_time,
    warm: bool = False,
) -> dict[str, Times]:
    """Time several functions by turns, so that a disturbance meets them all.

    Each round has another order: what a function finds (cache, sleeping threads) depends on the
    one before it. In a fixed order, the first of several equal networks seemed a quarter slower.

    A short one is repeated until a sample lasts a millisecond, after one call that is not counted:
    it is measured with its data in the cache. A long one, whose data the others have pushed out
    of the cache since its last turn, is measured as it is found.

    Args:
        calls: name -> function without arguments.
        seconds: of wall time, after which no new round begins; 3 rounds are done in any case.
        clock: of CPU time: `time.thread_time`, or `time.process_time` for work of many threads.
        warm: call a long one too once without counting it, as if no other function were there.

    Lesson: 20_faster_training.
    """
    end = time.perf_counter() + seconds
    span = max(SAMPLE, 10 * _tick(clock))
    repeats = {name: _repeats(call, span) for name, call in calls.items()}
    samples, order, dice = {name: [] for name in calls}, list(calls), random.Random(0)
    while time.perf_counter() < end or len(next(iter(samples.values()))) < 3:
        dice.shuffle(order)
        for name in order:
            samples[name].append(_sample(calls[name], repeats[name], clock, warm))
    return {name: Times(*np.array(some).T) for name, some in samples.items()}


def fastest(
    calls: dict[Any, Callable[[], object]],
    seconds: float,
    clock: Callable[[], float] = time.thread_time,
) -> dict[Any, float]:
    """Return the CPU seconds of a call, the best repeat: warm, by turns, NumPy on one thread.

    Args:
        calls: name -> function without arguments.
        seconds: of wall time for all of them.
        clock: of CPU time, as of `interleave`.

    Lesson: 22_smaller_models.
    """
    with machine.one_thread():
        times = interleave(calls, seconds, clock, warm=True)
    return {name: float(each.cpu.min()) for name, each in times.items()}


def _repeats(call: Callable[[], object], span: float) -> int:
    call()  # the first call pays for pages of memory that nobody has touched
    return math.ceil(span / max(_sample(call, 1, time.thread_time)[1], 1e-9))


def _sample(
    call: Callable[[], object], repeats: int, clock: Callable[[], float], warm: bool = False
) -> tuple[float, float]:
    if warm or repeats > 1:
        call()
    cpu, wall = clock(), time.perf_counter()
    for _ in range(repeats):
        call()
    cpu, wall = clock() - cpu, time.perf_counter() - wall
    return max(cpu, 1e-9) / repeats, wall / repeats


def _tick(clock: Callable[[], float]) -> float:
    """Return by how much a clock moves at once: a microsecond on Linux, 16 ms on Windows."""
    begun = clock()
    while (now := clock()) == begun:
        pass
    return now - begun


def cpu_clock() -> Callable[[], float]:
    """Return the clock of CPU time for NumPy held to one thread.

    Where it cannot be held (Accelerate on macOS), all threads of the process are counted.
    """
    return time.thread_time if machine.holds_threads() else time.process_time


# --- what is measured ---------------------------------------------------------------------------


def product(m: int, k: int, n: int) -> Callable[[], object]:
    """Return a function that multiplies an (m, k) and a (k, n) matrix, and no more."""
    left, right = np.ones((m, k), np.float32), np.ones((k, n), np.float32)
    out = np.empty((m, n), np.float32)
    return lambda: np.matmul(left, right, out=out)


def readers(array: np.ndarray) -> list[Callable[[], object]]:
    """Return functions that read an array once, from front to back."""
    return [lambda: np.dot(array, array), lambda: np.max(array)]


# --- the whole machine --------------------------------------------------------------------------


class Dot(NamedTuple):
    """A layer with a batch: what it is, and the rate it reaches by either clock, in FLOP/s."""

    layer: str
    batch: int
    intensity: float  # FLOP per byte
    size_in_bytes: int
    rate: float  # by CPU time, the best repeat
    wall_rate: float  # by wall time, the mean of all repeats


@dataclass(frozen=True)
class Roofline:
    """What one thread of a machine can do.

    Attributes:
        machine: its name.
        origin: "measured" here, or "quoted" from another machine.
        peak: FLOP/s in float32.
        bandwidths: place -> bytes a second that are read from it: "cache" (nearest to the core,
            L2 where the system tells) and "memory".
        sizes: bytes of an array -> bytes a second that are read from it, rising sizes.
        dots: the lab's layers with several batches.
    """

    machine: str
    origin: str
    peak: float
    bandwidths: dict[str, float]
    sizes: dict[int, float]
    dots: tuple[Dot, ...]

    def dot(self, layer: str, batch: int) -> Dot:
        """Return one of the dots.

        Raises:
            KeyError: a layer or batch that was not measured.
        """
        for dot in self.dots:
            if (dot.layer, dot.batch) == (layer, batch):
                return dot
        known = sorted({(dot.layer, dot.batch) for dot in self.dots})
        raise KeyError(f"no dot for {layer!r} with batch {batch}; measured: {known}")

    def bandwidth(self, size_in_bytes: ArrayLike) -> float | np.ndarray:
        """Return bytes a second that are read from an array of this size, between those measured.

        A smaller array counts as read at least as fast: what is lost on it is the call, not the
        way. Beyond the sizes measured the rate is that of the nearest one.
        """
        rates = np.maximum.accumulate(list(self.sizes.values())[::-1])[::-1]
        found = np.interp(np.log(np.asarray(size_in_bytes, float)), np.log(list(self.sizes)), rates)
        return found if found.ndim else float(found)

    def share_of_roof(self, layer: str, batch: int) -> float:
        """Return the measured rate of a layer as a share of what the roof of memory allows."""
        dot = self.dot(layer, batch)
        return dot.rate / roof(dot.intensity, self.peak, self.bandwidths["memory"])


def measure(
    seconds: float = 9.0, batches: tuple[int, ...] = BATCHES, neighbors: int = 0
) -> Roofline:
    """Measure peak, bandwidths and the lab's layers of this machine, all by turns.

    Args:
        seconds: of wall time; the last round and the preparation take one or two more.
        batches: examples at once, for each layer.
        neighbors: busy processes that run beside, to see what they do to either clock.

    Lesson: 20_faster_training.
    """
    caches = machine.caches()
    sizes = sizes_to_try(caches, free=machine.memory()[1])
    calls = _peaks() | _reads(sizes) | _layers(batches)
    with machine.one_thread(), busy_neighbors(neighbors, seconds + 60):
        only = {name: call for name, (call, _) in calls.items()}
        times = interleave(only, seconds, cpu_clock())
    rates = {name: float(work / times[name].cpu.min()) for name, (_, work) in calls.items()}
    walls = {name: float(work / times[name].wall.mean()) for name, (_, work) in calls.items()}
    curve = {size: max(rates["dot", size], rates["max", size]) for size in sizes}
    near = max(curve[size] for size in sizes if size <= max(sizes[0], near_cache(caches)))
    return Roofline(
        machine=machine.cpu_name(),
        origin="measured",
        peak=max(rates["peak", side] for side in PEAK_SIDES),
        bandwidths={"cache": near, "memory": curve[sizes[-1]]},
        sizes=curve,
        dots=tuple(_dot(name, batch, rates, walls) for batch in batches for name in LAYERS),
    )


def sizes_to_try(caches: dict[int, int], free: int) -> list[int]:
    """Return sizes in bytes, each four times the one before, from a near cache into memory.

    The last one is four times the last cache, so that little of it is found there again: at least
    128 MiB, at most 1 GiB, and never more than an eighth of the free memory.

    >>> [size // KIB for size in sizes_to_try({2: MIB, 3: 32 * MIB}, free=8192 * MIB)]
    [128, 512, 2048, 8192, 32768, 131072]
    """
    last = max(MEMORY_AT_LEAST, 4 * max(caches.values(), default=0))
    last = max(MIB, min(last, MEMORY_AT_MOST, free // 8))
    within = [128 * KIB * 4**step for step in range(10)]
    return [size for size in within if size < last] + [last]


def near_cache(caches: dict[int, int]) -> int:
    """Return the bytes of the cache that counts as near: L2, or a guess where it is not known."""
    return caches.get(2, 512 * KIB)


def _peaks() -> dict:
    """Return name -> (function, FLOP) of large square products."""
    return {("peak", side): (product(side, side, side), 2 * side**3) for side in PEAK_SIDES}


def _reads(sizes: list[int]) -> dict:
    """Return name -> (function, bytes that it reads); all use parts of one array."""
    array, calls = np.ones(sizes[-1] // FLOAT32, np.float32), {}
    for size in sizes:
        part = array[: size // FLOAT32]
        for name, call in zip(("dot", "max"), readers(part), strict=True):
            calls[name, size] = call, part.nbytes
    return calls


def _layers(batches: tuple[int, ...]) -> dict:
    """Return (layer, batch) -> (function, FLOP); each has weights of its own."""
    shapes = {(name, b): layer.shape(b) for b in batches for name, layer in LAYERS.items()}
    return {name: (product(*shape), 2 * math.prod(shape)) for name, shape in shapes.items()}


def _dot(name: str, batch: int, rates: dict, walls: dict) -> Dot:
    shape = LAYERS[name].shape(batch)
    moved = intensity(*shape), size_in_bytes(*shape)
    return Dot(name, batch, *moved, rates[name, batch], walls[name, batch])


@contextmanager
def busy_neighbors(count: int, limit: float) -> Iterator[None]:
    """Keep some processes busy inside, as other users of a machine would; they end in any case.

    Args:
        count: of processes.
        limit: seconds after which they end by themselves, should nobody be left to end them.
    """
    code = f"import time\nend = time.monotonic() + {limit}\nwhile time.monotonic() < end: pass"
    running = [subprocess.Popen([sys.executable, "-S", "-c", code]) for _ in range(count)]
    try:
        yield
    finally:
        for each in running:
            each.kill()
        for each in running:
            each.wait()
