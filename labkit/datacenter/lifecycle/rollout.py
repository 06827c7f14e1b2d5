"""A new version takes a small share of the requests first, the canary, until a rule decides.

The rule is the learner's. It is asked after each answer of the new version whose truth is known:
`rule(errors, requests, errors_new, requests_new) -> True to roll back`, no count of requests being
0. It looks often, so chance has many chances: a rule that is right 95 times of 100 in one look is
not in 200 looks.

Lesson: 28_one_pipeline_six_fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np

from labkit.datacenter.lifecycle.fields import Table
from labkit.datacenter.lifecycle.stages import Ask, export, serve
from labkit.datacenter.serving.served import ServerError

SHARE = 0.2  # of the requests that go to a canary
ENOUGH = 200  # answers of a canary after which it gets all requests
AFTER = 100  # requests that are still counted after the decision
FIRST = 10  # answers before a rule can say anything

Rule = Callable[[int, int, int, int], bool]


class Rollout(NamedTuple):
    """What became of requests while a new version was tried.

    Attributes:
        new: whether the new version answered, shape (n,).
        wrong: whether the answer was wrong, or none came, shape (n,).
        decision: "rolled back", "promoted", or "undecided" if the requests ended first.
        at: requests until then.
    """

    new: np.ndarray
    wrong: np.ndarray
    decision: str
    at: int

    @property
    def canaries(self) -> int:
        """Answers of the new version before the decision."""
        return int(self.new[: self.at].sum())


def canary(
    old: Ask, new: Ask, live: Table, rule: Rule, share: float = SHARE, seed: int = 0
) -> Rollout:
    """Send requests to two versions, one row each, until the rule or `ENOUGH` decides.

    `AFTER` more requests show that the decision holds.

    Args:
        old, new: answer rows (n, columns) with (n, classes); an error of a server is a wrong
            answer.
        live: the requests, in their order, with the truth, which is known at once here.
        rule: says when to roll back.
        share: of the requests that go to the new version until then.
        seed: of the choice who goes where.
    """
    drawn = np.random.default_rng(seed).random(len(live.y)) < share
    asked, wrong, counts = [], [], {True: [0, 0], False: [0, 0]}
    decision, at, versions = "undecided", len(live.y), {True: new, False: old}
    for number, (row, truth) in enumerate(zip(live.x, live.y, strict=True), 1):
        if number > at + AFTER:
            break
        to_new = {"rolled back": False, "promoted": True}.get(decision, bool(drawn[number - 1]))
        asked.append(to_new)
        wrong.append(_is_wrong(versions[to_new], row, truth))
        if decision != "undecided":
            continue
        counts[to_new][0] += wrong[-1]
        counts[to_new][1] += 1
        if to_new and counts[False][1] and rule(*counts[False], *counts[True]):
            decision, at = "rolled back", number
        elif counts[True][1] == ENOUGH:
            decision, at = "promoted", number
    return Rollout(np.array(asked), np.array(wrong), decision, at)


def _is_wrong(version: Ask, row: np.ndarray, truth: int) -> bool:
    try:
        return bool(version(row[None])[0].argmax() != truth)
    except (ServerError, OSError):
        return True


@contextmanager
def versions(
    old: Sequence[np.ndarray], new: Sequence[np.ndarray], folder: str | Path, over_http: bool = True
) -> Iterator[tuple[Ask, Ask]]:
    """Yield what asks two versions: lesson 23's server for each, or this process.

    Args:
        old, new: arrays of the networks.
        folder: where their files go, until both are loaded.
        over_http: False, or without the extra `serve`: in this process.
    """
    files = [export(w, Path(folder) / f"{name}.npz") for name, w in (("old", old), ("new", new))]
    with serve(files[0], over_http) as ask_old, serve(files[1], over_http) as ask_new:
        for file in files:  # both are loaded; whoever is killed from here on leaves none behind
            file.unlink()
        yield ask_old, ask_new


# --- faults of a new version ----------------------------------------------------------------------

Weights = list[np.ndarray]


def forgotten_scale(weights: Weights, scale: tuple[np.ndarray, np.ndarray]) -> Weights:
    """Return a network that expects scaled rows, as if the scaling had stayed in the notebook."""
    (W, b, *rest), (mean, spread) = weights, scale
    return [W * spread[:, None], b + mean @ W, *rest]


def moved_classes(weights: Weights, scale: tuple[np.ndarray, np.ndarray]) -> Weights:
    """Return a network whose classes are numbered in another order, as after a new export."""
    *first, W, b = weights
    return [*first, np.roll(W, 1, axis=1), np.roll(b, 1)]


FAULTS: dict[str, Callable[[Weights, tuple[np.ndarray, np.ndarray]], Weights]] = {
    "forgotten scale": forgotten_scale,
    "moved classes": moved_classes,
}


# --- rules ----------------------------------------------------------------------------------------


def by_difference(
    errors: int, requests: int, errors_new: int, requests_new: int, limit: float = 3.0
) -> bool:
    """Return whether the new version errs more often by `limit` standard errors.

    Args:
        errors, requests: of the old version.
        errors_new, requests_new: of the new one.
        limit: standard errors; at least about 3, for the rule looks after each answer.

    Source: two-proportion z-test, pooled. Repeated looks: Armitage, McPherson and Rowe, Repeated
    significance tests on accumulating data (1969).

    >>> by_difference(20, 200, 15, 30), by_difference(20, 200, 5, 30)
    (True, False)
    """
    if min(requests, requests_new) < FIRST:
        return False
    share = (errors + errors_new) / (requests + requests_new)
    error = sqrt(share * (1 - share) * (1 / requests + 1 / requests_new))
    return errors_new / requests_new - errors / requests > limit * error


class Judged(NamedTuple):
    """How good a rule is.

    Attributes:
        false_alarms: share of equally good versions that it rolls back.
        caught: share of bad versions that it rolls back.
        canaries: mean number of answers that a bad version gave until then.
    """

    false_alarms: float
    caught: float
    canaries: float


def judge(
    rule: Rule, error: float = 0.1, bad: float = 0.3, runs: int = 200, seed: int = 0
) -> Judged:
    """Try a rule on canaries whose truth is known: as good as the old version, and bad.

    Args:
        rule: says when to roll back.
        error: error rate of the old version.
        bad: error rate of the bad new one.
        runs: simulated canaries of each kind.
        seed: of their errors.

    >>> judge(by_difference).caught > 0.95
    True
    """
    random = np.random.default_rng(seed)
    same, worse = ([_stopped(rule, error, e, random) for _ in range(runs)] for e in (error, bad))
    ended = [n for n in worse if n]
    mean = float(np.mean([n or ENOUGH for n in worse]))
    return Judged(sum(map(bool, same)) / runs, len(ended) / runs, mean)


def _stopped(rule: Rule, error: float, error_new: float, random: np.random.Generator) -> int:
    """Return after how many answers the rule rolled a canary back; 0 if it never did."""
    per_answer = round(1 / SHARE) - 1  # requests that the old version gets meanwhile
    old = np.cumsum(random.random(ENOUGH * per_answer) < error)[per_answer - 1 :: per_answer]
    new = np.cumsum(random.random(ENOUGH) < error_new)
    for n, (errors, errors_new) in enumerate(zip(old.tolist(), new.tolist(), strict=True), 1):
        if rule(errors, n * per_answer, errors_new, n):
            return n
    return 0
