"""Who is to blame when an experiment stands still: slow, waiting, or hung?

A worker is alive as long as its bytes move or its processor works, however slow that is. One that
does neither waits for another one, or for nothing: then it hangs.
"""

from __future__ import annotations

from dataclasses import dataclass

ENOUGH = 0.03  # seconds of a processor that count as work; to answer the pool takes less


class WorkerError(RuntimeError):
    """An experiment that ended early.

    Attributes:
        rank: the worker that is to blame; None where all wait for each other.
        cause: "raised", "killed", "exited", "hung", "finished" (before another one had its
            message), "unread" (a message that nobody took), "deadlock", "limit", "pickle"
            or "refused" (by the system).
    """

    def __init__(self, message: str, rank: int | None, cause: str):
        super().__init__(message)
        self.rank, self.cause = rank, cause


@dataclass
class Pulse:
    """When a worker last did something, and whom it waits for."""

    since: float
    cpu: float = 0.0
    moved: int = 0
    waits_for: int | None = None
    stopped: bool = False  # by the system: SIGSTOP, a debugger

    def look(self, now: float, cpu: float, stopped: bool) -> None:
        """Note the seconds of a processor that it has used in all."""
        self.stopped = stopped
        if cpu > self.cpu + ENOUGH:
            self.cpu, self.since = cpu, now

    def hear(self, now: float, moved: int, waits_for: int | None, busy: bool) -> None:
        """Note the bytes that it has moved in all, whom it waits for, and if its line is busy."""
        if busy or moved != self.moved or waits_for != self.waits_for:
            self.since = now
        self.moved, self.waits_for = moved, waits_for


def blame(pulses: dict[int, Pulse], now: float, patience: float) -> WorkerError | None:
    """Return what keeps an experiment from its end; None while it goes on, or may.

    Args:
        pulses: rank -> pulse of each worker that has not finished.
        now: of the same clock. patience: seconds without a sign of life.

    >>> pulses = {0: Pulse(since=0.0, waits_for=1), 1: Pulse(since=0.0)}
    >>> print(blame(pulses, now=3.0, patience=2.5).args[0].partition(".")[0])
    worker 1 hung: it did nothing for 2
    >>> pulses[1].look(now=2.9, cpu=1.0, stopped=False)  # it works: it is only slow
    >>> blame(pulses, now=3.0, patience=2.5)
    """
    quiet = {rank: each for rank, each in pulses.items() if now - each.since >= patience}
    for rank, pulse in quiet.items():
        if pulse.stopped or pulse.waits_for is None:
            return _hung(rank, pulses, patience)
    for rank in quiet:
        chain = [rank]
        while (after := pulses[chain[-1]].waits_for) in quiet and after not in chain:
            chain.append(after)
        if after in chain:
            ring = " waits for ".join(f"worker {r}" for r in [*chain[chain.index(after) :], after])
            return WorkerError(
                f"deadlock: {ring}. Let each worker send before it receives.", None, "deadlock"
            )
        if after not in pulses:
            return WorkerError(
                f"worker {chain[-1]} waits for worker {after}, which has finished its job. "
                f"Let both exchange the same messages.",
                after,
                "finished",
            )
    return None


def _hung(rank: int, pulses: dict[int, Pulse], patience: float) -> WorkerError:
    how = "was stopped" if pulses[rank].stopped else "did nothing"
    waiting = [other for other, pulse in pulses.items() if pulse.waits_for == rank]
    told = f", and {named(waiting)} waited for it" if waiting else ""
    return WorkerError(
        f"worker {rank} hung: it {how} for {patience:g} s{told}. "
        f"If it only sleeps, allow more with patience=.",
        rank,
        "hung",
    )


def named(ranks: list[int]) -> str:
    """Return "worker 1" or "workers 1, 2".

    >>> named([1, 2])
    'workers 1, 2'
    """
    return f"worker{'s' if len(ranks) > 1 else ''} {', '.join(map(str, ranks))}"
