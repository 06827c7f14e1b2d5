"""Exercises of lesson 28: a split that tears no group, a threshold by cost, a rule to roll back."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import numpy as np

from labkit.datacenter.lifecycle import checks, rollout
from labkit.datacenter.lifecycle.fields import Table
from labkit.learn.checks import Exercise

# --- a split by group: my_split(group, order, share) -> truth values, True for the test -----------


def _until(group, order, share, extra=0):
    """Return the rows of the first groups that hold `share` of the rows, and of `extra` more."""
    sizes = np.cumsum([np.sum(group == name) for name in order])
    needed = int(np.searchsorted(sizes, share * len(group) - 1e-9)) + 1
    return np.isin(group, order[: max(needed + extra, 0)])


split = Exercise(
    name="split",
    lesson="28",
    right=_until,
    cases=[
        (np.array([3, 3, 3, 1, 2, 2, 1, 3, 4, 4]), np.array([2, 3, 1, 4]), 0.3),
        (np.array([7, 5, 7, 5, 5, 9, 9, 8, 6, 6]), np.array([6, 9, 7, 5, 8]), 0.4),
        (np.array([1, 2, 3, 4, 5, 6, 7, 8]), np.array([8, 1, 6, 3, 2, 4, 7, 5]), 0.25),
        (np.array([2, 1, 1, 1, 2, 2, 0, 0, 1, 1]), np.array([1, 0, 2]), 0.2),
        (np.array([1, 1, 4, 1, 1, 2, 2, 3, 1, 1]), np.array([1, 2, 3, 4]), 0.5),
    ],
    mistakes={
        "rows, not groups": (
            lambda group, order, share: np.arange(len(group)) < share * len(group),
            "You take rows, wherever their group is. Then one reading of a patient is learned, and "
            "the next one tested.",
        ),
        "the other part": (
            lambda group, order, share: ~_until(group, order, share),
            "You marked the rows to learn from. True is for the test.",
        ),
        "a share of the groups": (
            lambda group, order, share: np.isin(group, order[: ceil(share * len(order))]),
            "You take a share of the groups. Groups differ in size: the share is of the rows.",
        ),
        "one group too few": (
            lambda group, order, share: _until(group, order, share, -1),
            "You stop before the last group that is needed: the test holds less than its share.",
        ),
        "one group too many": (
            lambda group, order, share: _until(group, order, share, 1),
            "The test holds its share already, and you add one more group.",
        ),
        "an order of your own": (
            lambda group, order, share: _until(group, np.unique(group), share),
            "You go through the groups by their names. Names tell when somebody came: take them "
            "in `order`, which is drawn.",
        ),
        "the order backward": (
            lambda group, order, share: _until(group, order[::-1], share),
            "You begin with the last group of `order`.",
        ),
        "numbers of rows": (
            lambda group, order, share: np.flatnonzero(_until(group, order, share)),
            "You return the numbers of rows. Asked is one truth value for each row.",
        ),
        "names of groups": (
            lambda group, order, share: order[: len(np.unique(group[_until(group, order, share)]))],
            "You return which groups go to the test. Asked is one truth value for each row.",
        ),
    },
    hint="Begin with a test in which no row is. Go through `order`; stop as soon as the test holds "
    "its share; else add all rows of the group.",
)


def splitter(rule: Callable) -> Callable[[Table, int], tuple[np.ndarray, np.ndarray]]:
    """Return a splitter for the pipeline that splits groups by the rule.

    Args:
        rule: (group, order, share) -> truth values, True for the test.
    """

    def by_rule(table: Table, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        if table.plan != "groups":
            return checks.split(table, seed)
        order = np.random.default_rng(seed).permutation(np.unique(table.group))
        test = np.asarray(rule(table.group, order, checks.TEST), bool)
        return np.flatnonzero(~test), np.flatnonzero(test)

    return by_rule


# --- a threshold by cost: my_threshold(scores, truth, thresholds, miss, alarm) -> one of them -----


def costs(scores, truth, thresholds, miss: float, alarm: float) -> np.ndarray:
    """Return what each threshold costs in all, shape (thresholds,).

    Args:
        scores: probabilities of the positive class, shape (n,).
        truth: 1 or 0, shape (n,).
        thresholds: a row counts as positive from there on.
        miss: cost of a positive that is not found.
        alarm: cost of a negative that is taken for one.

    >>> costs([0.2, 0.6, 0.9], [0, 1, 1], [0.1, 0.5, 0.8], miss=10, alarm=1).tolist()
    [1.0, 0.0, 10.0]
    """
    scores, truth = np.asarray(scores), np.asarray(truth)
    positive = scores[None, :] >= np.asarray(thresholds)[:, None]
    missed, alarmed = ~positive & (truth == 1), positive & (truth == 0)
    return miss * missed.sum(1) + alarm * alarmed.sum(1).astype(float)


def _best(scores, truth, thresholds, miss, alarm):
    return float(thresholds[int(np.argmin(costs(scores, truth, thresholds, miss, alarm)))])


def _strict(scores, truth, thresholds, miss, alarm):
    return costs(scores, truth, np.nextafter(thresholds, np.inf), miss, alarm)


def _shares(scores, truth, thresholds, miss, alarm):
    positives, negatives = max(np.sum(truth == 1), 1), max(np.sum(truth == 0), 1)
    return _best(scores, truth, thresholds, miss / positives, alarm / negatives)


def _example(seed, positives, negatives):
    """Return scores and truth of so many rows, in two decimals."""
    random = np.random.default_rng(seed)
    truth = np.repeat([1, 0], [positives, negatives])
    scores = 1 / (1 + np.exp(-random.normal(np.where(truth, 0.7, -0.9), 1.2)))
    return np.round(scores, 2), truth


_GRID = np.round(np.arange(0.05, 1.0, 0.05), 2)

threshold = Exercise(
    name="threshold",
    lesson="28",
    right=_best,
    cases=[
        (*_example(0, 20, 60), _GRID, 10.0, 1.0),
        (*_example(1, 40, 40), _GRID, 1.0, 5.0),
        (*_example(2, 8, 90), _GRID, 3.0, 1.0),
        (*_example(3, 60, 30), _GRID, 20.0, 2.0),
        (np.array([0.2, 0.4, 0.6, 0.8]), np.array([0, 1, 0, 1]), np.array([0.4, 0.8]), 2.0, 1.0),
    ],
    mistakes={
        "costs exchanged": (
            lambda s, y, t, miss, alarm: _best(s, y, t, alarm, miss),
            "You charge a miss with the price of a false alarm, and the other way around.",
        ),
        "all errors cost the same": (
            lambda s, y, t, miss, alarm: _best(s, y, t, 1, 1),
            "You count errors: this threshold has the best accuracy. The two errors have prices.",
        ),
        "misses only": (
            lambda s, y, t, miss, alarm: _best(s, y, t, 1, 0),
            "You count misses alone. Whoever calls everybody back misses nobody.",
        ),
        "false alarms only": (
            lambda s, y, t, miss, alarm: _best(s, y, t, 0, 1),
            "You count false alarms alone. Whoever calls nobody back raises none.",
        ),
        "above the threshold": (
            lambda s, y, t, miss, alarm: float(t[np.argmin(_strict(s, y, t, miss, alarm))]),
            "You call nobody back whose score is just the threshold. A row counts as positive if "
            "its score is at least the threshold.",
        ),
        "shares of each class": (
            _shares,
            "You divided by the sizes of the classes. Then a rare class weighs as much as a common "
            "one; the bill adds up people.",
        ),
        "the dearest": (
            lambda s, y, t, miss, alarm: float(t[int(np.argmax(costs(s, y, t, miss, alarm)))]),
            "You chose the threshold that costs most.",
        ),
        "the cost itself": (
            lambda s, y, t, miss, alarm: float(costs(s, y, t, miss, alarm).min()),
            "You return what it costs. Asked is the threshold that costs so little.",
        ),
        "its number": (
            lambda s, y, t, miss, alarm: int(np.argmin(costs(s, y, t, miss, alarm))),
            "You return at which place of `thresholds` it stands. Asked is the threshold.",
        ),
        "the last of equals": (
            lambda s, y, t, miss, alarm: float(
                t[len(t) - 1 - int(np.argmin(costs(s, y, t, miss, alarm)[::-1]))]
            ),
            "Several thresholds cost as little, and you took the last. Take the first.",
        ),
        "the formula": (
            lambda s, y, t, miss, alarm: alarm / (alarm + miss),
            "That is the formula for probabilities that can be trusted. Here you have rows with "
            "their truth: try each threshold on them.",
        ),
    },
    hint="For one threshold t: who is missed has scores < t and truth 1; a false alarm has "
    "scores >= t and truth 0. Add up both prices, for each t; take the first t of the least.",
)


# --- a rule to roll back: my_rollback(errors, requests, errors_new, requests_new) -> bool ---------

FALSE_ALARMS, CAUGHT, CANARIES = 0.05, 0.95, 80  # the goal: at most, at least, at most
TRIALS = 400  # simulated canaries of each kind


def _reached(found: rollout.Judged) -> bool:
    return (
        found.false_alarms <= FALSE_ALARMS and found.caught >= CAUGHT and found.canaries <= CANARIES
    )


def told(found: rollout.Judged) -> str:
    """Return how good a rule is, in words."""
    return (
        f"Of {TRIALS} simulated versions as good as the old one it rolls back "
        f"{found.false_alarms:.1%}, of {TRIALS} bad ones {found.caught:.1%}, after "
        f"{found.canaries:.0f} answers on average"
    )


class _Rollback(Exercise):
    """An exercise with many right answers: every rule that keeps the goal is one."""

    def _compared(self, answer, trial):
        found = super()._compared(answer, trial)
        known = found.kind in ("not tried", "nothing returned", *self.mistakes)
        if known or not all(_is_truth(each) for each in trial.got):
            return found
        # Also one that agrees with the lab's in all cases: 2.5 standard errors do.
        # A minute: 100,000 calls, and a rule may ask SciPy.
        return self._by_goal(found, answer, _judge, ("In a canary", "no truth value"), seconds=60)


def _judge(rule) -> tuple[bool, str]:
    judged = rollout.judge(rule, runs=TRIALS)
    if _reached(judged):
        return True, f"{told(judged)}."
    goal = f"at most {FALSE_ALARMS:.0%}, at least {CAUGHT:.0%}, at most {CANARIES}"
    return False, f"{told(judged)}. The goal: {goal}."


def _is_truth(value) -> bool:
    return isinstance(value, bool | int | np.bool_) and value in (0, 1)


def _z(limit):
    return lambda e, n, f, m: rollout.by_difference(e, n, f, m, limit)


rollback = _Rollback(
    name="rollback",
    lesson="28",
    right=rollout.by_difference,
    cases=[
        (12, 120, 3, 30),
        (12, 120, 5, 30),
        (12, 120, 12, 30),
        (4, 40, 9, 10),
        (40, 400, 16, 100),
        (40, 400, 18, 100),
        (12, 120, 0, 30),
        (80, 800, 60, 200),
        (40, 400, 30, 100),
        (40, 400, 2, 100),
        (90, 300, 20, 75),
        (1, 4, 1, 1),
        (0, 4, 1, 1),
        (80, 800, 30, 200),
        (80, 800, 20, 200),
        (2, 160, 2, 40),
        (2, 160, 15, 40),
        (200, 400, 1, 100),
    ],
    mistakes={
        "any error": (
            lambda e, n, f, m: f > 0,
            "You roll back at the first error. The old version errs, too.",
        ),
        "numbers, not shares": (
            lambda e, n, f, m: f > e,
            "You compare numbers of errors. The new version gets far fewer requests.",
        ),
        "a higher share": (
            lambda e, n, f, m: f / m > e / n,
            "You roll back as soon as the share of errors is higher. Of two equally good versions "
            "one always is a little higher, and you look after each answer.",
        ),
        "1.6 standard errors": (
            _z(1.645),
            "That is the limit of one look at 95%. You look up to 200 times: chance has 200 "
            "chances.",
        ),
        "2 standard errors": (
            _z(1.96),
            "That is the limit of one look. You look up to 200 times: chance has 200 chances.",
        ),
        "never": (lambda e, n, f, m: False, "You never roll back. Bad versions stay."),
        "always": (lambda e, n, f, m: True, "You roll back whatever comes, good versions too."),
        "the better version": (
            lambda e, n, f, m: rollout.by_difference(f, m, e, n),
            "You roll back a version that is better than the old one.",
        ),
        "turned around": (
            lambda e, n, f, m: not rollout.by_difference(e, n, f, m),
            "You roll back unless the new version is worse.",
        ),
        "fixed share": (
            lambda e, n, f, m: f / m > 0.2,
            "You have a fixed limit. Where the old version errs more often than that, every new "
            "one is rolled back.",
        ),
        "only at the end": (
            lambda e, n, f, m: m >= 200 and rollout.by_difference(e, n, f, m),
            "You wait for the last answer. Until then users meet the bad version.",
        ),
    },
    hint="Compare the two shares of errors with the standard error of their difference. Because "
    "you look after each answer, 2 standard errors are too few.",
)
