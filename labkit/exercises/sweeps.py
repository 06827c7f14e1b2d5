"""Exercises of lesson 91: how sure is a mean, which to take, how flattered, which go on."""

from math import sqrt

import numpy as np

from labkit.learn.checks import Exercise

# --- how sure: my_interval(values, t) -> (low, high) ------------------------------------------


def _interval(center, half):
    return float(center - half), float(center + half)


interval = Exercise(
    name="interval",
    lesson="91",
    right=lambda v, t: _interval(np.mean(v), t * np.std(v, ddof=1) / sqrt(len(v))),
    # Student's t to the last digit, so that scipy's answer is right as well
    cases=[([0.83, 0.93, 0.92, 0.90], 3.182446305284263), ([0.2, 0.5, 0.9], 4.302652729911275)],
    mistakes={
        "spread of the runs": (
            lambda v, t: _interval(np.mean(v), t * np.std(v, ddof=1)),
            "This is where single runs lie. The mean of n runs is known better than one run: by "
            "how much?",
        ),
        "divided by n": (
            lambda v, t: _interval(np.mean(v), t * np.std(v, ddof=1) / len(v)),
            "You divided by n. The spread of a mean shrinks with the root of n only: four times "
            "the runs halve it.",
        ),
        "n instead of n - 1": (
            lambda v, t: _interval(np.mean(v), t * np.std(v) / sqrt(len(v))),
            "Your standard deviation divides by n, NumPy's default. Estimated from a few runs it "
            "comes out too small.",
        ),
        "variance": (
            lambda v, t: _interval(np.mean(v), t * np.var(v, ddof=1) / sqrt(len(v))),
            "You used the variance. It is a square: accuracy times accuracy.",
        ),
        "t forgotten": (
            lambda v, t: _interval(np.mean(v), np.std(v, ddof=1) / sqrt(len(v))),
            "This is one standard error to each side. That covers fewer than 95 %.",
        ),
        "median": (
            lambda v, t: _interval(np.median(v), t * np.std(v, ddof=1) / sqrt(len(v))),
            "Your interval lies around the median. This one belongs to the mean.",
        ),
        "half width": (
            lambda v, t: t * np.std(v, ddof=1) / sqrt(len(v)),
            "This is half the width of the interval. Asked are both of its ends.",
        ),
    },
    hint="An interval is a middle and a half width. The half width is t standard errors; what is "
    "the standard error of a mean?",
)

# --- which setting: my_winner(scores) -> name -------------------------------------------------

_SCORES = [
    {
        "sgd 0.3": [0.89, 0.86, 0.90, 0.91],
        "momentum 0.1": [0.89, 0.93, 0.92, 0.91],
        "adam 0.03": [0.86, 0.96, 0.91, 0.87],
        "steady": [0.90, 0.90, 0.90, 0.90],
        "adam 0.3": [0.11, 0.14, 0.25, 0.07],
    },
    {"a": [0.7, 0.9, 0.1], "b": [0.6, 0.6, 0.7], "c": [0.62, 0.64], "d": [0.3, 0.3, 0.3]},
    {"x": [0.5, 0.7, 0.9], "y": [0.61, 0.62, 0.60, 0.63], "z": [0.95, 0.2, 0.8]},
]


def _best_by(score):
    return lambda scores: max(scores, key=lambda name: score(scores[name]))


winner = Exercise(
    name="winner",
    lesson="91",
    right=_best_by(np.mean),
    cases=[(scores,) for scores in _SCORES],
    mistakes={
        "best single run": (
            _best_by(max),
            "You took the setting with the best single run. One lucky seed is enough for that; "
            "compare the means.",
        ),
        "lowest mean": (
            lambda scores: min(scores, key=lambda name: np.mean(scores[name])),
            "You took the lowest mean. An accuracy is better when it is higher.",
        ),
        "best worst run": (
            _best_by(min),
            "You compared the worst run of each setting. That is careful, but it hangs on one "
            "unlucky seed; compare the means.",
        ),
        "sum": (
            _best_by(sum),
            "You compared sums, so a setting wins by being repeated more often.",
        ),
        "smallest spread": (
            lambda scores: min(scores, key=lambda name: np.std(scores[name])),
            "You took the setting that varies least. It may vary little and still be bad.",
        ),
        "score instead of name": (
            lambda scores: max(np.mean(values) for values in scores.values()),
            "This is the best mean itself. Return the name of the setting that has it.",
        ),
    },
    hint="`max` can be told by what to compare: see its argument `key`. It returns a name.",
)

# --- how flattered: my_flattery(chosen, fresh) -> float ---------------------------------------

flattery = Exercise(
    name="flattery",
    lesson="91",
    right=lambda chosen, fresh: float(chosen - np.mean(fresh)),
    # in the last case the chosen score was no luck
    cases=[
        (0.94, [0.92, 0.90, 0.95, 0.84]),
        (0.8, [0.7, 0.85, 0.79]),
        (0.88, [0.9, 0.93, 0.84, 0.89]),
    ],
    mistakes={
        "sign": (
            lambda chosen, fresh: np.mean(fresh) - chosen,
            "Your sign is turned. Flattery is positive when the chosen score was too good.",
        ),
        "size of the flattery": (
            lambda chosen, fresh: abs(chosen - np.mean(fresh)),
            "You dropped the sign. Where the new runs are better on average, the chosen score was "
            "too modest, and the flattery is negative.",
        ),
        "no flattery below 0": (
            lambda chosen, fresh: max(0.0, chosen - np.mean(fresh)),
            "You cut the flattery off at 0. It is negative where the new runs are better.",
        ),
        "best of the new runs": (
            lambda chosen, fresh: chosen - max(fresh),
            "You compared with the best of the new runs: that one is chosen again, and flattered "
            "again. Take their mean.",
        ),
        "chosen run counted again": (
            lambda chosen, fresh: chosen - np.mean([*fresh, chosen]),
            "You put the chosen score among the new ones. It was chosen because it was high, so "
            "it must not help to judge itself.",
        ),
        "relative": (
            lambda chosen, fresh: (chosen - np.mean(fresh)) / chosen,
            "You divided by the score. Here the difference itself is asked for, in points of "
            "accuracy.",
        ),
        "worst of the new runs": (
            lambda chosen, fresh: chosen - min(fresh),
            "You compared with the worst of the new runs. What the setting is worth is their mean.",
        ),
    },
    hint="What did the choice promise, and what do the new runs say on average?",
)

# --- who stays: my_survivors(scores) -> names --------------------------------------------------

_RUNGS = [
    {"a": 0.31, "b": 0.72, "c": 0.55, "d": 0.64, "e": 0.12},
    {"adam 0.3": 0.14, "sgd 0.3": 0.86, "momentum 0.1": 0.91, "adam 0.03": 0.9},
    {"x": 0.1, "y": 0.95, "z": 0.2},
    {"only": 0.4},
]


def _best_first(scores):
    return sorted(scores, key=scores.get, reverse=True)


survivors = Exercise(
    name="survivors",
    lesson="91",
    right=lambda scores: _best_first(scores)[: (len(scores) + 1) // 2],
    cases=[(scores,) for scores in _RUNGS],
    read=lambda names, *_: sorted(list(names)),
    mistakes={
        "the worse half": (
            lambda scores: sorted(scores, key=scores.get)[: (len(scores) + 1) // 2],
            "You kept the worse half. An accuracy is better when it is higher.",
        ),
        "rounded down": (
            lambda scores: _best_first(scores)[: len(scores) // 2],
            "Of an odd number you kept fewer than half; of a single setting nothing would be left.",
        ),
        "above the mean": (
            lambda scores: [n for n in scores if scores[n] > np.mean(list(scores.values()))],
            "You kept what lies above the mean. That need not be half: one hopeless setting pulls "
            "the mean down, and nearly all stay.",
        ),
        "all of them": (
            _best_first,
            "Nobody was given up: all names came back. Keep the better half.",
        ),
        "the best only": (
            lambda scores: _best_first(scores)[:1],
            "You kept a single setting. After so few epochs the order at the top is luck.",
        ),
        "scores instead of names": (
            lambda scores: sorted(scores.values(), reverse=True)[: (len(scores) + 1) // 2],
            "These are the accuracies. The search goes on with the names of the settings.",
        ),
        "by their names": (
            lambda scores: sorted(scores)[: (len(scores) + 1) // 2],
            "You sorted the names by the alphabet. Sort them by their accuracy.",
        ),
        "one too many": (
            lambda scores: _best_first(scores)[: len(scores) // 2 + 1],
            "Of an even number you kept one more than half.",
        ),
    },
    hint="A dictionary's own `get` can be the `key` by which `sorted` orders its names.",
)
