"""Pipeline parallel training: a network cut into stages, a batch cut into micro-batches.

The two usual schedules, what theory says of them, and one training step through real processes.
Both leave each stage idle for the same share of the time; they differ in how many activations they
hold.

>>> [f"{name}{i}" for name, i in schedule("1f1b", stages=2, rank=0, micro_batches=3)]
['F0', 'F1', 'B0', 'F2', 'B1', 'B2']
>>> bubble(stages=2, micro_batches=3)
0.25
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from labkit.datacenter import network
from labkit.datacenter.links import Link
from labkit.datacenter.worker import Worker
from labkit.datacenter.workers import LOOPBACK, Workers

KINDS = ("gpipe", "1f1b")
Layers = Sequence[tuple[np.ndarray, np.ndarray]]  # weights (inputs, outputs) and bias (outputs,)
Order = list[tuple[str, int]]  # "F" or "B", and the number of the micro-batch


class Operation(NamedTuple):
    """One block of a schedule chart: the forward or the backward pass of one micro-batch.

    Attributes:
        name: "F" or "B".
        micro_batch: 0 to micro_batches - 1.
        begin, end: seconds on a clock that all stages share.
    """

    name: str
    micro_batch: int
    begin: float
    end: float


# --- what theory says ---------------------------------------------------------------------------


def schedule(kind: str, stages: int, rank: int, micro_batches: int) -> Order:
    """Return what one stage does, in order: pairs of "F" or "B" and a micro-batch.

    GPipe sends all micro-batches forward, then all backward. 1F1B ("one forward, one backward")
    takes each micro-batch back as soon as it can: after stages - rank - 1 forward passes that fill
    the pipeline, one of each in turn.

    Args:
        kind: "gpipe" or "1f1b".
        stages: number of stages, one process each.
        rank: 0 is the stage that sees the input.
        micro_batches: into how many parts the batch is cut.

    Raises:
        ValueError: an unknown kind, or a number outside its range.

    Source: Huang et al., GPipe (2019), arXiv:1811.06965; 1F1B as in Narayanan et al., Efficient
    large-scale language model training on GPU clusters (2021), arXiv:2104.04473, section 2.2.

    >>> schedule("gpipe", stages=3, rank=0, micro_batches=2)
    [('F', 0), ('F', 1), ('B', 0), ('B', 1)]
    """
    _check(kind, stages, micro_batches, rank)
    warm_up = micro_batches if kind == "gpipe" else min(stages - rank - 1, micro_batches)
    order = [("F", i) for i in range(warm_up)]
    for i in range(micro_batches - warm_up):
        order += [("F", warm_up + i), ("B", i)]
    return order + [("B", i) for i in range(micro_batches - warm_up, micro_batches)]


def bubble(stages: int, micro_batches: int) -> float:
    """Return the share of a step in which a stage is idle: (p - 1) / (m + p - 1), p stages.

    It is the same for both schedules, for equal stages and free communication. Some texts divide by
    the useful time instead, and so write (p - 1) / m.

    Source: Huang et al., GPipe (2019), section 2.3.

    >>> round(bubble(stages=4, micro_batches=8), 3)
    0.273
    """
    _check("gpipe", stages, micro_batches)
    return (stages - 1) / (micro_batches + stages - 1)


def live_activations(kind: str, stages: int, rank: int, micro_batches: int) -> int:
    """Return the most micro-batches whose activations a stage holds at once.

    GPipe: all m. 1F1B: min(m, p - rank).

    Source: Narayanan et al. (2021), section 2.2.

    >>> [live_activations("1f1b", 4, rank, 8) for rank in range(4)]
    [4, 3, 2, 1]
    """
    _check(kind, stages, micro_batches, rank)
    return micro_batches if kind == "gpipe" else min(micro_batches, stages - rank)


def ideal_trace(
    kind: str,
    stages: int,
    micro_batches: int,
    forward: float = 1.0,
    backward: float = 2.0,
    order: Callable[[str, int, int, int], Order] = schedule,
) -> list[list[Operation]]:
    """Return when each stage does what, if every stage is equally fast and sending is free.

    Args:
        kind, stages, micro_batches: as `schedule` takes them.
        forward, backward: seconds of one micro-batch in one stage.
        order: the schedule of one stage, `schedule` or one of your own with the same arguments.

    Returns:
        The operations of each stage, by rank.

    Raises:
        ValueError: a stage leaves out or repeats a pass, or the stages wait for each other.

    >>> ideal_trace("gpipe", stages=1, micro_batches=1)
    [[Operation(name='F', micro_batch=0, begin=0.0, end=1.0), \
Operation(name='B', micro_batch=0, begin=1.0, end=3.0)]]
    """
    _check(kind, stages, micro_batches)
    todo = [list(order(kind, stages, rank, micro_batches)) for rank in range(stages)]
    _check_complete(todo, micro_batches)
    traces: list[list[Operation]] = [[] for _ in todo]
    ended: dict = {None: 0.0}  # (name, micro-batch, rank) -> seconds
    while waits := {r: _needs(todo[r][0], r, stages) for r in range(stages) if todo[r]}:
        ready = [rank for rank, need in waits.items() if need in ended]
        if not ready:
            raise ValueError(f"nothing can go on: {'; '.join(_waiting(todo, waits))}")
        for rank in ready:
            name, i = todo[rank].pop(0)
            free = traces[rank][-1].end if traces[rank] else 0.0
            begin = max(free, ended[waits[rank]])
            end = begin + (forward if name == "F" else backward)
            traces[rank].append(Operation(name, i, begin, end))
            ended[name, i, rank] = end
    return traces


def _needs(operation: tuple[str, int], rank: int, stages: int) -> tuple[str, int, int] | None:
    """Return the operation that must have ended before; None for the input."""
    name, i = operation
    if name == "F":
        return ("F", i, rank - 1) if rank else None
    return ("B", i, rank + 1) if rank < stages - 1 else ("F", i, rank)


def _waiting(todo: list[Order], waits: dict) -> list[str]:
    told = "stage {} wants to do {}{}, and needs {}{} of stage {}"
    return [told.format(rank, *todo[rank][0], *need) for rank, need in waits.items()]


# --- what a trace tells -------------------------------------------------------------------------


def step_seconds(traces: list[list[Operation]]) -> float:
    """Return the time from the first begin to the last end, over all stages."""
    every = [each for trace in traces for each in trace]
    return max(each.end for each in every) - min(each.begin for each in every)


def idle_share(traces: list[list[Operation]]) -> float:
    """Return the share of the step in which a stage waits, as a mean over stages: the bubble.

    >>> idle_share(ideal_trace("1f1b", stages=2, micro_batches=3))
    0.25
    """
    busy = sum(each.end - each.begin for trace in traces for each in trace)
    return 1 - busy / (step_seconds(traces) * len(traces))


def live_curve(trace: list[Operation]) -> tuple[np.ndarray, np.ndarray]:
    """Return seconds, and from then on the number of micro-batches whose activations are held.

    Activations live from the begin of a forward pass to the end of the backward pass.

    >>> [each.tolist() for each in live_curve(ideal_trace("gpipe", 1, 2)[0])]
    [[0.0, 1.0, 4.0, 6.0], [1, 2, 1, 0]]
    """
    changes = sorted((each.begin, 1) if each.name == "F" else (each.end, -1) for each in trace)
    seconds, change = np.array(changes, dtype=float).T
    return seconds, np.cumsum(change).astype(int)


# --- one step in real processes -----------------------------------------------------------------


class Stage:
    """Some layers of a network, with a ReLU after each but the network's last.

    The room's `Network` sees the whole way at once; a stage goes forward and backward apart.

    Attributes:
        gradients: what `backward` has added up, one pair of arrays for each layer.
        loss: what it has added up on the last stage.
        live: the most micro-batches whose activations were held at once.
    """

    def __init__(self, layers: Layers, last: bool, rows: int):
        self.layers, self.last, self.rows = layers, last, rows
        self.gradients = [(np.zeros_like(w), np.zeros_like(b)) for w, b in layers]
        self.kept: dict[int, list[np.ndarray]] = {}  # activations of micro-batches under way
        self.loss, self.live = 0.0, 0

    def forward(self, i: int, a: np.ndarray) -> np.ndarray:
        """Return the output for micro-batch i, and keep what the backward pass needs."""
        self.kept[i] = [a]
        for k, (w, b) in enumerate(self.layers):
            z = self.kept[i][-1] @ w + b
            self.kept[i].append(z if self._linear(k) else np.maximum(z, 0))
        self.live = max(self.live, len(self.kept))
        return self.kept[i][-1]

    def backward(self, i: int, error: np.ndarray) -> np.ndarray:
        """Add up gradients, and return the error of the input.

        Args:
            i: the micro-batch.
            error: of its output; on the last stage its classes.
        """
        activations = self.kept.pop(i)
        if self.last:
            scores, classes = activations[-1], error
            self.loss += float(network.losses(scores, classes).sum()) / self.rows
            error = network.errors(scores, classes) / np.float32(self.rows)
        for k in reversed(range(len(self.layers))):
            if not self._linear(k):
                error = error * (activations[k + 1] > 0)
            w, b = self.gradients[k]
            w += activations[k].T @ error
            b += error.sum(axis=0)
            error = error @ self.layers[k][0].T
        return error

    def _linear(self, k: int) -> bool:
        return self.last and k == len(self.layers) - 1


class StageResult(NamedTuple):
    """What one stage brings back; see `Step`."""

    gradient: np.ndarray
    loss: float
    live: int
    sent: int
    trace: list[Operation]


def run_pipeline(
    worker: Worker,
    layers: Layers,
    x: np.ndarray,
    y: np.ndarray,
    kind: str,
    micro_batches: int,
    forward: float,
    backward: float,
    order: Callable[[str, int, int, int], Order],
) -> StageResult:
    """Do one stage of a training step: a job for `Workers`, one worker for each stage.

    Activations go to the next stage and errors to the one before, as messages. On a small network
    the arithmetic takes microseconds and would drown in the sending: `forward` and `backward`
    lengthen each pass to so many seconds by sleeping, as if the stage were a large one.

    Args: as `measure`, which has looked at them; the worker's rank is the stage.
    """
    own = [layers[k] for k in np.array_split(np.arange(len(layers)), worker.size)[worker.rank]]
    stage = Stage(own, worker.rank == worker.size - 1, len(x))
    parts = np.array_split(np.arange(len(x)), micro_batches)
    # pass -> where its input comes from, where its output goes, what it does, least seconds,
    # numbers of a row that come in a message, and what comes in where there is no such stage.
    before, behind, dtype = worker.rank - 1, worker.rank + 1, np.result_type(x, *own[0])
    passes = {
        "F": (before, behind, stage.forward, forward, own[0][0].shape[0], x),
        "B": (behind, before, stage.backward, backward, own[-1][0].shape[1], y),
    }
    trace, on_the_line, sent = [], [], worker.sent
    worker.barrier()
    for name, i in order(kind, worker.size, worker.rank, micro_batches):
        source, to, work, least, width, data = passes[name]
        if 0 <= source < worker.size:
            came = worker.receive(source, np.empty((len(parts[i]), width), dtype))
        else:
            came = data[parts[i]]
        begin = time.monotonic()  # it counts from the start of the machine, for all processes
        out = work(i, came)
        time.sleep(max(0.0, begin + least - time.monotonic()))
        trace.append(Operation(name, i, begin, time.monotonic()))
        if 0 <= to < worker.size:
            on_the_line.append(worker.send(to, out))
    for wait in on_the_line:
        wait()
    gradient = np.concatenate([a.ravel() for pair in stage.gradients for a in pair])
    return StageResult(gradient, stage.loss, stage.live, worker.sent - sent, trace)


class Step(NamedTuple):
    """One training step through a pipeline of real processes, measured.

    Attributes:
        kind, micro_batches, forward, backward: the settings, as `measure` takes them.
        loss: mean over the batch.
        gradient: of the mean loss, one vector: weights and bias of each layer in turn.
        live: by rank, the most micro-batches whose activations were held at once; counted.
        sent: by rank, bytes of activations and errors; counted.
        traces: by rank, what was done when; seconds since the first operation.
    """

    kind: str
    micro_batches: int
    forward: float
    backward: float
    loss: float
    gradient: np.ndarray
    live: list[int]
    sent: list[int]
    traces: list[list[Operation]]

    @property
    def seconds(self) -> float:
        """From the first begin to the last end."""
        return step_seconds(self.traces)

    @property
    def idle(self) -> float:
        """Share of that time in which a stage waited, mean over stages."""
        return idle_share(self.traces)


def measure(
    workers: Workers,
    layers: Layers,
    x: np.ndarray,
    y: np.ndarray,
    kind: str,
    micro_batches: int,
    stages: int | None = None,
    forward: float = 0.06,
    backward: float = 0.12,
    order: Callable[[str, int, int, int], Order] = schedule,
    link: Link = LOOPBACK,
) -> Step:
    """Do one training step through a pipeline of real processes, and measure it.

    Args:
        workers: the pool.
        layers: weights (inputs, outputs) and bias (outputs,) of each layer.
        x, y: the batch, rows (n, inputs) and classes (n,).
        kind, micro_batches: as `schedule` takes them.
        stages: number of processes; the whole pool when None.
        forward, backward: seconds to which each pass of a micro-batch is lengthened.
        order: the schedule of one stage, `schedule` or one of your own with the same arguments.
        link: the line of each worker.

    Raises:
        ValueError: fewer layers than stages, fewer rows than micro-batches, or an order with which
            `ideal_trace` could not end.
        WorkerError: a stage failed.
    """
    stages = workers.size if stages is None else stages
    _check(kind, stages, micro_batches)
    _check_cut(len(layers), stages, len(x), micro_batches)
    ideal = ideal_trace(kind, stages, micro_batches, forward, backward, order)  # else it never ends
    expected = step_seconds(ideal)
    job = (layers, x, y, kind, micro_batches, forward, backward, order)
    options = {"size": stages, "link": link, "patience": 2.5 + 2 * expected}
    found = workers.run(run_pipeline, *job, limit=60 + 10 * expected, **options)
    zero = min(each.trace[0].begin for each in found)
    traces = [
        [each._replace(begin=each.begin - zero, end=each.end - zero) for each in stage.trace]
        for stage in found
    ]
    return Step(
        kind, micro_batches, forward, backward,
        loss=found[-1].loss,
        gradient=np.concatenate([each.gradient for each in found]),
        live=[each.live for each in found],
        sent=[each.sent for each in found],
        traces=traces,
    )  # fmt: skip


def compare(workers: Workers, *network: object, repeats: int = 3, **settings) -> dict[str, list]:
    """Measure both schedules by turns, so that a busy moment of the machine meets both.

    Args:
        workers: the pool.
        *network: layers, x, y, as `measure` takes them.
        repeats: steps of each schedule.
        **settings: what else `measure` takes, without `kind`.

    Returns:
        "gpipe" and "1f1b", each with its list of `Step`.
    """
    found: dict[str, list[Step]] = {kind: [] for kind in KINDS}
    for turn in range(repeats):
        for kind in KINDS if turn % 2 == 0 else KINDS[::-1]:
            found[kind].append(measure(workers, *network, kind=kind, **settings))
    return found


def _check(kind: str, stages: int, micro_batches: int, rank: int = 0) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}. Received: {kind!r}")
    if stages < 1 or micro_batches < 1:
        raise ValueError(
            f"stages and micro_batches must be 1 or more. Received: {stages!r}, {micro_batches!r}"
        )
    if not 0 <= rank < stages:
        raise ValueError(f"rank must lie in 0 to {stages - 1}, the last stage. Received: {rank!r}")


def _check_complete(orders: list[Order], micro_batches: int) -> None:
    wanted = [(name, i) for i in range(micro_batches) for name in "FB"]
    for rank, order in enumerate(orders):
        if sorted(order) != sorted(wanted):
            wrong = next(
                each for each in [*wanted, *order] if order.count(each) != 1 or each not in wanted
            )
            raise ValueError(
                f"each stage does F and B of micro-batches 0 to {micro_batches - 1} once each. "
                f"Stage {rank} does {wrong[0]}{wrong[1]} {order.count(wrong)} times"
            )


def _check_cut(layers: int, stages: int, rows: int, micro_batches: int) -> None:
    if layers < stages:
        raise ValueError(f"{layers} layers cannot be cut into {stages} stages; use fewer stages")
    if rows < micro_batches:
        raise ValueError(
            f"{rows} rows cannot be cut into {micro_batches} micro-batches; use fewer of them"
        )
