"""How often to save a training that may be killed, and a training that really is.

The formulas say what a failure now and then costs on average; `simulate` draws the failures, and
`train_and_kill` kills a process. All times are in one unit, seconds say.

Sources: Young, A first order approximation to the optimum checkpoint interval, CACM (1974);
Daly, A higher order estimate of the optimum checkpoint interval for restart dumps, FGCS (2006).
"""

from __future__ import annotations

import math
import os
import signal
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from labkit.datacenter.parcel import pack, unpack
from labkit.datacenter.workers import WorkerError, Workers

MOST_FAILURES = 1e6  # in one simulated run: it would not end


def young(cost: float, mtbf: float) -> float:
    """Return the first-order best interval between two checkpoints, sqrt(2 cost mtbf).

    Args:
        cost: seconds that a checkpoint takes.
        mtbf: mean seconds between failures.

    Source: Young (1974).

    >>> round(young(cost=60, mtbf=3 * 3600), 1)
    1138.4
    """
    _check(cost=cost, mtbf=mtbf)
    return math.sqrt(2 * cost * mtbf)


def daly(cost: float, mtbf: float) -> float:
    """Return the higher-order best interval; above cost = 2 mtbf it is the mtbf itself.

    Args: as `young`.

    Source: Daly (2006).

    >>> round(daly(cost=60, mtbf=3 * 3600), 1)
    1098.8
    """
    _check(cost=cost, mtbf=mtbf)
    if cost >= 2 * mtbf:
        return float(mtbf)
    part = cost / (2 * mtbf)
    return math.sqrt(2 * cost * mtbf) * (1 + math.sqrt(part) / 3 + part / 9) - cost


def best_interval(cost: float, mtbf: float) -> float:
    """Return the interval that makes `expected_seconds` of a long work least.

    It is the root of (1 - x) exp(x + cost / mtbf) = 1 with x = interval / mtbf, which Lambert's W
    solves. The time of a restart plays no part.

    Args: as `young`.

    >>> round(best_interval(cost=60, mtbf=3 * 3600), 1)
    1098.8
    """
    from scipy.special import lambertw

    _check(cost=cost, mtbf=mtbf)
    return float(mtbf * (1 + lambertw(-math.exp(-1 - cost / mtbf)).real))


def expected_seconds(
    interval: float | np.ndarray, cost: float, mtbf: float, restart: float, work: float
) -> float | np.ndarray:
    """Return the mean wall time of a work, exact for failures that come at a constant rate.

    A checkpoint follows each interval and the end. A failure may strike during work, checkpoint
    and restart alike; what was done since the last checkpoint is lost. One interval takes
    mtbf exp(restart / mtbf) (exp((interval + cost) / mtbf) - 1).

    Args:
        interval: seconds of work between two checkpoints; an array gives an array.
        cost, mtbf: as `young`.
        restart: seconds from a failure until the training goes on.
        work: seconds that the training takes without failures and checkpoints.

    Source: Daly (2006), with a shorter last interval where they do not fit evenly.

    >>> round(expected_seconds(1080, cost=60, mtbf=10800, restart=120, work=604800) / 604800, 4)
    1.1257
    """
    _check(interval=interval, cost=cost, mtbf=mtbf, work=work)
    interval = np.asarray(interval, float)
    whole, rest = _parts(interval, work)
    with np.errstate(over="ignore", invalid="ignore"):  # inf: it would never end
        found = np.where(whole > 0, whole * _one(interval, cost, mtbf, restart), 0.0)
        found = found + np.where(rest > 0, _one(rest, cost, mtbf, restart), 0.0)
    return float(found) if found.ndim == 0 else found


def _one(interval, cost, mtbf, restart):
    """Return the mean wall time of one interval and its checkpoint."""
    return mtbf * np.exp(restart / mtbf) * np.expm1((interval + cost) / mtbf)


class Simulated(NamedTuple):
    """Wall times of simulated runs: their mean, its 95 % interval, and all of them."""

    mean: float
    low: float
    high: float
    seconds: np.ndarray


def simulate(
    interval: float,
    cost: float,
    mtbf: float,
    restart: float,
    work: float,
    repeats: int = 200,
    seed: int = 0,
    shape: float = 1.0,
) -> Simulated:
    """Draw the failures of many runs, and return how long the runs took.

    Args:
        interval, cost, mtbf, restart, work: as `expected_seconds`.
        repeats: number of runs, at least 2.
        seed: of the failures.
        shape: of the Weibull distribution of the time between failures; 1 is a constant rate,
            below 1 a failure makes the next one likelier soon. The mean stays `mtbf`.

    Raises:
        ValueError: values that are not positive, or a work that would not end.

    >>> run = simulate(1080, cost=60, mtbf=10800, restart=120, work=604800)
    >>> run.low < expected_seconds(1080, 60, 10800, 120, 604800) < run.high
    True
    """
    _check(interval=interval, cost=cost, mtbf=mtbf, work=work, shape=shape, repeats=repeats - 1)
    if (interval + cost + restart) / mtbf > math.log(MOST_FAILURES * min(1, interval / work)):
        raise ValueError(
            f"this work would hardly ever end: between two failures lie {mtbf:g} s, and restart, "
            f"interval and checkpoint take {restart + interval + cost:g} s. Save more often."
        )
    rng = np.random.default_rng(seed)
    whole, rest = _parts(interval, work)
    seconds, pause, left = np.zeros(repeats), np.zeros(repeats), np.full(repeats, whole)
    runs = np.arange(repeats)  # those that still go
    while len(runs):
        life = mtbf / math.gamma(1 + 1 / shape) * rng.weibull(shape, len(runs))
        need = pause[runs] + left[runs] * (interval + cost) + (rest + cost if rest else 0.0)
        seconds[runs] += np.minimum(life, need)
        saved = np.maximum(0, (life - pause[runs]) // (interval + cost))
        left[runs] -= np.minimum(left[runs], saved)
        runs = runs[life < need]
        pause[runs] = restart
    mean, half = seconds.mean().item(), 1.96 * seconds.std(ddof=1).item() / math.sqrt(repeats)
    return Simulated(mean, mean - half, mean + half, seconds)


def _parts(interval, work):
    """Return how many whole intervals the work has, and the rest."""
    whole = np.floor(work / interval * (1 + 1e-12))
    rest = work - whole * interval
    return whole, np.where(rest > 1e-9 * interval, rest, 0.0)


def _check(**values: Any) -> None:
    for name, value in values.items():
        if not np.all(np.asarray(value) > 0):
            raise ValueError(f"{name} must be positive. Received: {value!r}")


# --- a training that is killed ------------------------------------------------------------------


class CheckpointError(ValueError):
    """A file that holds no whole checkpoint."""


def save(path: str | os.PathLike, checkpoint: Any, at_half: Callable[[], None] | None = None):
    """Write a checkpoint beside the old one, then put it in its place: a rename is all or nothing.

    Args:
        at_half: called when half of the bytes are on the disk.
    """
    beside = f"{os.fspath(path)}.new"
    _write(beside, pack(checkpoint), at_half)
    os.replace(beside, path)


def save_in_place(path: str | os.PathLike, checkpoint: Any, at_half=None) -> None:
    """Write a checkpoint over the old one: how not to do it, for comparison with `save`."""
    _write(path, pack(checkpoint), at_half)


def load(path: str | os.PathLike) -> Any:
    """Return what `save` wrote. Load only what you wrote yourself: a pickle can run code.

    Raises:
        CheckpointError: the file is cut off, or no checkpoint.
    """
    content = Path(path).read_bytes()
    try:
        return unpack(content)
    except Exception as error:  # half a pickle may raise anything
        raise CheckpointError(f"{Path(path).name} is no whole checkpoint: {error}") from None


def _write(path, content: bytes, at_half: Callable[[], None] | None) -> None:
    with open(path, "wb") as file:
        file.write(content[: len(content) // 2])
        if at_half:
            file.flush()
            at_half()
        file.write(content[len(content) // 2 :])
        file.flush()
        os.fsync(file.fileno())  # on the disk before the name is


def train_and_kill(
    step: Callable[[dict, int], float],
    state: dict[str, Any],
    steps: int,
    every: int = 10,
    kills: int = 3,
    kills_in_save: int = 1,
    seed: int = 0,
    keep: Sequence[str] | None = None,
    save: Callable = save,
) -> dict[str, Any]:
    """Train in a process of its own, kill it by SIGKILL, and resume it, until it is through.

    Args:
        step: `step(state, number)` changes the state and returns the loss; a function of a
            notebook will do. `number` counts from 0.
        state: name -> array or whatever a checkpoint must hold, before the first step.
        steps: number of steps.
        every: steps from one checkpoint to the next.
        kills: how often the process is killed between two steps. The seed chooses where.
        kills_in_save: how often it is killed with half a checkpoint written.
        seed: of the places of the kills.
        keep: names of the state that are saved; all when None. What is not saved starts anew.
        save: how to write a checkpoint: `save` or `save_in_place`.

    Returns:
        "losses": one for each step, shape (steps,). "state": after the last step.
        "kills": steps done when it was killed, in order. "in_save": for each kill, whether a
        checkpoint was half written. "resumed_at": the step each resumed run began with.
        "repeated": steps done twice.

    Raises:
        CheckpointError: a kill left half a checkpoint; `save` never does.
        ValueError: more kills than places for them, or a name in `keep` that `state` lacks.
        WorkerError: the step raised an error.

    >>> def step(state, number):
    ...     state["w"] -= 0.1 * 2 * (state["w"] - 3)
    ...     return float((state["w"] - 3) ** 2)
    >>> run = train_and_kill(step, {"w": 0.0}, steps=40, kills=1, kills_in_save=0)
    >>> len(run["losses"]), len(run["kills"])
    (40, 1)
    """
    _check(steps=steps, every=every)
    if unknown := sorted(set(keep or ()) - set(state)):
        raise ValueError(f"keep names no part of the state: {unknown}. It has {sorted(state)}")
    plan = _plan(steps, every, kills, kills_in_save, seed)
    resumed_at = []
    with tempfile.TemporaryDirectory() as folder, Workers(1) as workers:
        path = Path(folder, "checkpoint")
        args = (step, state, steps, every, path, keep, save)
        for strike in plan:
            try:
                workers.run(_train, *args, strike, patience=60, limit=600)
            except WorkerError as error:
                if error.cause != "killed":
                    raise
            resumed_at.append(load(path)["step"] if path.exists() else 0)
        [(losses, last)] = workers.run(_train, *args, None, patience=60, limit=600)
    done = [strike[0] for strike in plan]
    return {
        "losses": np.array(losses),
        "state": last,
        "kills": done,
        "in_save": [strike[1] for strike in plan],
        "resumed_at": resumed_at,
        "repeated": sum(done) - sum(resumed_at),
    }


def _plan(steps: int, every: int, kills: int, in_save: int, seed: int) -> list[tuple[int, bool]]:
    """Return (steps done, whether a checkpoint is half written) of each kill, in order."""
    saves = np.arange(every, steps, every)
    others = np.setdiff1d(np.arange(1, steps), saves)
    for asked, places, where in ((kills, others, "between"), (in_save, saves, "in a save of")):
        if not 0 <= asked <= len(places):
            raise ValueError(
                f"at most {len(places)} kills fit {where} {steps} steps. Received: {asked!r}"
            )
    rng = np.random.default_rng(seed)
    chosen = [(int(place), False) for place in rng.choice(others, kills, replace=False)]
    return sorted(chosen + [(int(place), True) for place in rng.choice(saves, in_save, False)])


def _train(worker, step, state, steps, every, path, keep, save, strike) -> tuple[list, dict]:
    """Do the steps from the last checkpoint on; at `strike` this process kills itself."""
    found = load(path) if path.exists() else {"step": 0, "losses": [], "state": {}}
    losses, state = found["losses"], state | found["state"]
    for number in range(found["step"], steps):
        losses.append(float(step(state, number)))
        if strike == (number + 1, False):
            _die()
        if (number + 1) % every == 0:
            kept = {name: state[name] for name in (state if keep is None else keep)}
            checkpoint = {"step": number + 1, "losses": losses, "state": kept}
            save(path, checkpoint, _die if strike == (number + 1, True) else None)
    return losses, state


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)  # no `finally` runs, no buffer is written
