"""All-reduce: every worker has a vector, and every worker ends with the sum of all of them.

Three ways, the same in what they give and different in what they cost: a ring, a star through
worker 0, a tree. Each has its bytes, exact, and its seconds by the alpha-beta model. Lesson: 21.

>>> from labkit.datacenter.workers import Workers
>>> def job(worker):
...     return ring(worker, np.arange(5.0) + worker.rank).tolist()
>>> with Workers(2) as workers:
...     workers.run(job)
[[1.0, 3.0, 5.0, 7.0, 9.0], [1.0, 3.0, 5.0, 7.0, 9.0]]
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from labkit.datacenter.links import Link

if TYPE_CHECKING:
    from labkit.datacenter.worker import Worker
    from labkit.datacenter.workers import Workers


def ring_step(rank: int, step: int, size: int) -> tuple[int, int]:
    """Return which chunk a worker sends to the right and which it takes from the left.

    What it takes it adds to its own; in the next step it sends that one on. After size - 1 steps
    each chunk has been at every worker, and the one taken last is complete.

    Args:
        rank: the worker, 0 to size - 1.
        step: 0 to size - 2.
        size: number of workers, and of chunks.

    Source: Patarasuk and Yuan, Bandwidth optimal all-reduce algorithms (2009).

    >>> [ring_step(0, step, 4) for step in range(3)]
    [(0, 3), (3, 2), (2, 1)]
    """
    return (rank - step) % size, (rank - step - 1) % size


def reduce_scatter(worker: Worker, vector: np.ndarray) -> None:
    """Sum in place over all workers, each worker one chunk: number rank + 1, or 0 on the last.

    The chunks are `np.array_split(vector, worker.size)`; those of other numbers hold partial sums
    afterwards.

    Args:
        vector: flat and contiguous, equally long on all workers.
    """
    chunks = np.array_split(_flat(vector), worker.size)
    got = np.empty_like(chunks[0])
    for number in range(worker.size - 1):
        sent, taken = ring_step(worker.rank, number, worker.size)
        arrived = got[: len(chunks[taken])]
        _exchange(worker, chunks[sent], arrived)
        chunks[taken] += arrived


def all_gather(worker: Worker, vector: np.ndarray) -> np.ndarray:
    """Copy in place each worker's own chunk, as `reduce_scatter` left it, to all others."""
    chunks = np.array_split(_flat(vector), worker.size)
    for number in range(worker.size - 1):
        sent, taken = ring_step(worker.right, number, worker.size)  # one chunk ahead
        _exchange(worker, chunks[sent], chunks[taken])
    return vector


def ring(worker: Worker, vector: np.ndarray) -> np.ndarray:
    """Sum in place over all workers by reduce-scatter and all-gather; return the vector."""
    reduce_scatter(worker, vector)
    return all_gather(worker, vector)


def star(worker: Worker, vector: np.ndarray) -> np.ndarray:
    """Sum in place over all workers, through worker 0 as a parameter server; return the vector."""
    others = range(1, worker.size)
    if worker.rank:
        worker.send(0, _flat(vector))()
        return worker.receive(0, vector)
    got = np.empty_like(_flat(vector))
    for source in others:
        vector += worker.receive(source, got)
    for wait in [worker.send(to, vector) for to in others]:
        wait()
    return vector


def tree(worker: Worker, vector: np.ndarray) -> np.ndarray:
    """Sum in place over all workers, up a binomial tree and down again; return the vector.

    In round k those whose rank ends in a one and k zeros, as a binary number, hand their sum to the
    worker 2^k before them. It works for any number of workers.

    Source: Thakur, Rabenseifner, Gropp, Optimization of collective communication in MPICH (2005).
    """
    _up(worker, _flat(vector))
    return _down(worker, vector)


def _up(worker: Worker, vector: np.ndarray) -> None:
    """Sum at worker 0; the others keep partial sums."""
    got = np.empty_like(vector)
    for hop in _hops(worker.size):
        if worker.rank % (2 * hop) == hop:
            worker.send(worker.rank - hop, vector)()
        elif worker.rank % (2 * hop) == 0 and worker.rank + hop < worker.size:
            vector += worker.receive(worker.rank + hop, got)


def _down(worker: Worker, vector: np.ndarray) -> np.ndarray:
    """Copy what worker 0 has to all others."""
    for hop in reversed(_hops(worker.size)):
        if worker.rank % (2 * hop) == hop:
            worker.receive(worker.rank - hop, vector)
        elif worker.rank % (2 * hop) == 0 and worker.rank + hop < worker.size:
            worker.send(worker.rank + hop, vector)()
    return vector


ALL_REDUCE: dict[str, Callable] = {"ring": ring, "star": star, "tree": tree}


def _hops(size: int) -> list[int]:
    """Return 1, 2, 4, ... below the number of workers: one round of a tree each."""
    return [2**k for k in range((size - 1).bit_length())]


def _flat(vector: np.ndarray) -> np.ndarray:
    if vector.ndim != 1 or not vector.flags.c_contiguous:
        raise ValueError(
            f"a flat, contiguous array is summed in place; got shape {vector.shape}. "
            "Give array.ravel() of a contiguous one, and keep the array that this returns"
        )
    return vector


def _exchange(worker: Worker, out: np.ndarray, into: np.ndarray) -> None:
    """Send to the right while taking from the left."""
    wait = worker.send(worker.right, out)
    worker.receive(worker.left, into)
    wait()


# --- what it costs ------------------------------------------------------------------------------

# Messages that follow one another, and how often the vector crosses one line, for N workers.
# Star: the N - 1 senders wait their latency at once, then share the line of worker 0; on the way
# back it sends one message after another. Tree: exact for N = 2^k; else a latency may overlap.
COSTS: dict[str, Callable[[int], tuple[float, float]]] = {
    "ring": lambda n: (2 * (n - 1), 2 * (n - 1) / n),
    "star": lambda n: (n if n > 1 else 0, 2 * (n - 1)),
    "tree": lambda n: (2 * len(_hops(n)), 2 * len(_hops(n))),
}


def seconds(method: str, size: int, size_in_bytes: float, link: Link) -> float:
    """Return how long an all-reduce takes by the alpha-beta model.

    Args:
        method: "ring", "star" or "tree".
        size: number of workers.
        size_in_bytes: of the vector.
        link: each worker's line.

    Source: Hockney (1994) for a message; the counts are those of `COSTS`.

    >>> slow = Link(bandwidth=20e6, latency=0.01)
    >>> [round(seconds(method, 8, 2**20, slow), 3) for method in ALL_REDUCE]
    [0.232, 0.814, 0.375]
    """
    messages, volume = _cost(method, size)
    return messages * link.latency + volume * Link(link.bandwidth).seconds(size_in_bytes)


def crossover(method: str, other: str, size: int, link: Link) -> float | None:
    """Return the size in bytes at which two methods take equally long; None where one always wins.

    >>> round(crossover("ring", "tree", 8, Link(bandwidth=20e6, latency=0.01)))
    376471
    """
    (few, small), (many, large) = _cost(method, size), _cost(other, size)
    if link.bandwidth is None or (few - many) * (large - small) <= 0:
        return None
    return (few - many) / (large - small) * link.latency * link.bandwidth


def bytes_sent(method: str, size: int, items: int, itemsize: int) -> list[int]:
    """Return the bytes that each worker sends in one all-reduce, by rank: exact.

    The ring's are 2(N - 1)/N of the vector, up to the rounding of its chunks.

    Args:
        method: "ring", "star" or "tree".
        size: number of workers.
        items: length of the vector.
        itemsize: bytes of a number.

    >>> bytes_sent("ring", 4, 8, 4), bytes_sent("star", 4, 8, 4), bytes_sent("tree", 4, 8, 4)
    ([48, 48, 48, 48], [96, 32, 32, 32], [64, 32, 64, 32])
    """
    _cost(method, size)
    if size == 1:
        return [0]
    if method == "star":
        vectors = [size - 1] + [1] * (size - 1)
    elif method == "tree":
        vectors = [(rank > 0) + _children(rank, size) for rank in range(size)]
    else:
        # All chunks but one on the way to the sums, all but another one on the way back.
        chunks = [len(chunk) for chunk in np.array_split(np.empty(items, np.uint8), size)]
        left_out = [chunks[(r + 1) % size] + chunks[(r + 2) % size] for r in range(size)]
        return [(2 * items - out) * itemsize for out in left_out]
    return [count * items * itemsize for count in vectors]


def _children(rank: int, size: int) -> int:
    """Return how many workers get the sum from this one, in a binomial tree."""
    return sum(rank % (2 * hop) == 0 and rank + hop < size for hop in _hops(size))


def _cost(method: str, size: int) -> tuple[float, float]:
    if method not in COSTS:
        raise ValueError(f"method must be one of: {', '.join(COSTS)}. Received: {method!r}")
    if size < 1:
        raise ValueError(f"size must be 1 or more workers. Received: {size!r}")
    return COSTS[method](size)


# --- what it takes ------------------------------------------------------------------------------


def timed(
    worker: Worker, method: str | Callable, items: int, repeats: int
) -> list[tuple[float, float]]:
    """Job: sum a float32 vector over all workers, several times; return begin and end of each.

    The times are those of the machine's clock, so that workers can be compared.

    Args:
        method: "ring", "star", "tree", or a function like `ring`.
        items: length of the vector.
        repeats: how many times.

    Raises:
        ValueError: the sum is wrong.
    """
    all_reduce = ALL_REDUCE[method] if isinstance(method, str) else method
    found = []
    for _ in range(repeats):
        vector = np.full(items, worker.rank + 1, np.float32)
        _start_together(worker)
        begun = time.perf_counter()
        all_reduce(worker, vector)
        found.append((begun, time.perf_counter()))
        if not (vector == worker.size * (worker.size + 1) / 2).all():
            raise ValueError(f"{getattr(method, '__name__', method)} did not give the sum")
    return found


def measure(
    workers: Workers,
    link: Link,
    sizes: Sequence[int] = (2, 4, 8),
    bytes_each: Sequence[int] = (2**20,),
    methods: Iterable[str | Callable] = tuple(ALL_REDUCE),
    repeats: int = 3,
) -> list[dict[str, Any]]:
    """Return one row for each method, number of workers and length: how long it really took.

    From the moment when the last worker begins to the moment when the last one has the sum.

    Args:
        workers: a pool of at least max(sizes) processes.
        link: each worker's line.
        sizes: numbers of workers.
        bytes_each: bytes of the vector, multiples of 4 (float32).
        methods: names of `ALL_REDUCE`, or functions like `ring`.
        repeats: how many times; `seconds` is the median, `least` and `most` the range.
    """
    rows = []
    for method, size, length in ((m, n, b) for b in bytes_each for n in sizes for m in methods):
        longest = repeats * (seconds("star", size, length, link) + 10 * size * link.latency)
        job = (timed, method, length // 4, repeats)
        waits = {"patience": 5 + longest, "limit": 60 + 5 * longest}
        found = np.array(workers.run(*job, size=size, link=link, **waits))
        begun, ended = found.max(axis=0).T
        taken = sorted((ended - begun).tolist())
        row = {"method": getattr(method, "__name__", method), "size": size, "size_in_bytes": length}
        times = {"seconds": statistics.median(taken), "least": taken[0], "most": taken[-1]}
        rows.append(row | times)
    return rows


def fit(rows: Iterable[dict[str, Any]]) -> Link:
    """Return the line whose latency and bandwidth fit measured times best, in relative error.

    Args:
        rows: as of `measure`.

    >>> true = Link(bandwidth=20e6, latency=0.01)
    >>> rows = [{"method": "ring", "size": n, "size_in_bytes": 2**20} for n in (2, 4, 8)]
    >>> found = fit([row | {"seconds": seconds(**row, link=true)} for row in rows])
    >>> round(found.latency, 6), round(found.bandwidth)
    (0.01, 20000000)
    """
    from scipy.optimize import nnls

    rows = list(rows)
    kinds = {(*_cost(row["method"], row["size"]), row["size_in_bytes"]) for row in rows}
    if len(kinds) < 2:
        raise ValueError("two unknowns need two different measurements: other sizes or lengths")
    terms = []
    for row in rows:
        messages, volume = _cost(row["method"], row["size"])
        # Bytes in MB, so that both unknowns are of like size.
        terms.append([messages, volume * row["size_in_bytes"] / 1e6])
    taken = np.array([row["seconds"] for row in rows])
    (latency, per_megabyte), _ = nnls(np.array(terms) / taken[:, None], np.ones(len(rows)))
    return Link(1e6 / float(per_megabyte) if per_megabyte else None, float(latency))


def _start_together(worker: Worker) -> None:
    """Wait until a moment that worker 0 chooses when all are here.

    A barrier alone lets the workers go one after another, a latency apart.
    """
    moment = np.zeros(1)
    _up(worker, moment)
    rounds = len(_hops(worker.size))
    moment[0] = time.perf_counter() + rounds * (worker.links.link.latency + 0.003)
    _down(worker, moment)
    time.sleep(max(0.0, moment[0] - time.perf_counter()))


# --- the ring without processes -----------------------------------------------------------------


class Simulated(NamedTuple):
    """What a ring did, step by step.

    Attributes:
        held: one array for each moment, the start included, (workers, chunks, workers): how many
            times the numbers of the last are in a chunk that the first holds.
        vectors: what each worker has at the end.
        moves: for each step a list, by rank: (chunk sent, chunk taken).
        problem: what went wrong, in a sentence; empty when all workers have the sum.
    """

    held: list[np.ndarray]
    vectors: list[np.ndarray]
    moves: list[list[tuple[int, int]]]
    problem: str


def simulate_ring(vectors: Sequence[np.ndarray], step: Callable = ring_step) -> Simulated:
    """Do in one process, in lockstep, what `ring` does with many; no step function makes it hang.

    Args:
        vectors: one for each worker, equally long.
        step: which chunk is sent and which is taken, right or wrong.

    >>> simulate_ring([np.arange(4.0), np.ones(4)]).vectors[0].tolist()
    [1.0, 2.0, 3.0, 4.0]
    >>> print(simulate_ring([np.ones(4)] * 3, lambda rank, step, size: (0, 0)).problem)
    Worker 0 ends with chunk 0, in which worker 2 counts 2 times.
    """
    size = len(vectors)
    chunks = [np.array_split(np.array(vector), size) for vector in vectors]
    held = np.zeros((size, size, size), int)
    held[range(size), :, range(size)] = 1
    history, moves, problem = [held], [], ""
    for number in range(size - 1):
        pairs = [step(rank, number, size) for rank in range(size)]
        if problem := _bad_step(pairs, number):
            break
        history.append(_move(history[-1], chunks, pairs, add=True))
        moves.append(pairs)
    else:
        problem = _incomplete(history[-1], moves)
        own = [taken for _, taken in moves[-1]] if moves else [0]  # complete now
        for number in range(size - 1):
            pairs = [(own[r - number], own[r - number - 1]) for r in range(size)]
            history.append(_move(history[-1], chunks, pairs, add=False))
            moves.append(pairs)
    return Simulated(history, [np.concatenate(each) for each in chunks], moves, problem)


def _move(held: np.ndarray, chunks: list, pairs: list[tuple[int, int]], add: bool) -> np.ndarray:
    """Let every worker send and take one chunk at once; return who then holds what."""
    size, after = len(pairs), held.copy()
    on_the_way = [chunks[rank][sent].copy() for rank, (sent, _) in enumerate(pairs)]
    for rank, (_, taken) in enumerate(pairs):
        left = (rank - 1) % size
        chunks[rank][taken][...] = add * chunks[rank][taken] + on_the_way[left]
        after[rank, taken] = add * held[rank, taken] + held[left, pairs[left][0]]
    return after


def _bad_step(pairs: list, number: int) -> str:
    """Return what keeps a step from being done at all."""
    size = len(pairs)
    for rank, pair in enumerate(pairs):
        numbers = tuple(pair) if isinstance(pair, tuple | list | np.ndarray) else ()
        if len(numbers) != 2 or not all(isinstance(n, int | np.integer) for n in numbers):
            return (
                f"step({rank}, {number}, {size}) gave {pair!r}: two whole numbers are needed, "
                "the chunk to send and the chunk to take."
            )
        if not all(0 <= n < size for n in numbers):
            return (
                f"step({rank}, {number}, {size}) gave {pair!r}: {size} chunks have the numbers "
                f"0 to {size - 1}."
            )
    for rank in range(size):
        sent, taken = pairs[rank - 1][0], pairs[rank][1]
        if sent != taken:
            return (
                f"In step {number} worker {(rank - 1) % size} sends chunk {sent}, and its right "
                f"neighbor, worker {rank}, adds it to chunk {taken}: numbers of different places "
                "are mixed."
            )
    return ""


def _incomplete(held: np.ndarray, moves: list) -> str:
    """Return who is missing, or in it more than once, in the chunk that a worker took last."""
    for rank in range(len(held)) if moves else ():
        own = moves[-1][rank][1]
        found = [
            f"worker {other} {f'counts {times} times' if times else 'is missing'}"
            for other, times in enumerate(held[rank, own].tolist())
            if times != 1
        ]
        if found:
            return f"Worker {rank} ends with chunk {own}, in which {', '.join(found)}."
    return ""
