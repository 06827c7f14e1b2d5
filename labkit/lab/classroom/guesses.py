"""First guesses of a class beside what was measured."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from labkit.lab.words import cut, show

_BINS = 8
_LONGEST = 80  # letters of a guess that are shown


@dataclass(frozen=True)
class Prediction:
    """What a class guessed at one prediction."""

    lesson: str
    name: str
    guessed: int  # learners who guessed
    shown: int  # learners who looked without a guess
    close: int  # of those who guessed
    truths: list[str]  # as measured in their notebooks; all the same, or not
    bars: list[tuple[str, int, bool]]  # (guess, learners, whether it is the truth)

    @property
    def share(self) -> float:
        """The share of guesses that were close."""
        return self.close / self.guessed if self.guessed else math.nan


def first_guesses(learners: dict[str, list[dict]]) -> list[dict]:
    """Return the first guess of each learner at each prediction, as plain rows.

    Args:
        learners: name -> lines, from `progress.read_class`.

    >>> line = {"at": "2026", "lesson": "01", "what": "guess", "name": "a", "guess": 1, "answer": 2}
    >>> first_guesses({"anna": [line, line]})[0]["answer"]
    2
    """
    found: dict[tuple[str, str, str], dict] = {}
    for learner, lines in learners.items():
        for line in lines:
            if line["what"] == "guess":
                found.setdefault((line["lesson"], line["name"], learner), line)
    return [
        {
            "learner": learner,
            "lesson": lesson,
            "prediction": name,
            "guess": line.get("guess"),
            "answer": line.get("answer"),
            "close": line.get("close") is True,
            "at": line["at"],
        }
        for (lesson, name, learner), line in sorted(found.items(), key=lambda one: one[0])
    ]


def predictions(rows: list[dict]) -> list[Prediction]:
    """Return what a class guessed at each prediction, in the order of the lessons.

    Args:
        rows: from `first_guesses`.

    >>> row = {"lesson": "01", "prediction": "a", "answer": "b", "close": True, "guess": "b"}
    >>> predictions([row])[0].bars
    [('b', 1, True)]
    """
    grouped: dict[tuple[str, str], list[dict]] = {}
    for row in rows:
        grouped.setdefault((row["lesson"], row["prediction"]), []).append(row)
    return [_prediction(*name, own) for name, own in grouped.items()]


def _prediction(lesson: str, name: str, rows: list[dict]) -> Prediction:
    made = [row for row in rows if row["guess"] is not None]
    truths = list(dict.fromkeys(told(row["answer"]) for row in rows if row["answer"] is not None))
    return Prediction(
        lesson=lesson,
        name=name,
        guessed=len(made),
        shown=len(rows) - len(made),
        close=sum(row["close"] for row in made),
        truths=truths,
        bars=_bars([row["guess"] for row in made], [row["answer"] for row in rows]),
    )


def _bars(guesses: list[Any], answers: list[Any]) -> list[tuple[str, int, bool]]:
    """Return (guess, learners, is the truth): a bar a choice, or a range of numbers each."""
    if any(isinstance(guess, list) for guess in guesses):
        return []  # drawn curves: their share of close ones says what a bar could
    if guesses and all(map(_is_number, guesses)) and len(set(guesses)) > _BINS:
        return _ranges(guesses, answers)
    counted = Counter(map(told, guesses))
    true = {told(answer) for answer in answers if answer is not None}
    labels = sorted(counted, key=_order) if all(map(_is_number, guesses)) else list(counted)
    for label in true - set(labels):
        labels.append(label)
    if not all(map(_is_number, guesses)):
        labels.sort(key=lambda label: -counted[label])
    return [(label, counted[label], label in true) for label in labels]


def _ranges(guesses: list[float], answers: list[Any]) -> list[tuple[str, int, bool]]:
    """Return numbers counted in ranges of one width; of one factor where they span many."""
    low, high = min(guesses), max(guesses)
    log = low > 0 and high / low > 100
    span = (math.log(low), math.log(high)) if log else (low, high)
    edges = [span[0] + (span[1] - span[0]) * k / _BINS for k in range(_BINS + 1)]
    edges = [math.exp(edge) if log else edge for edge in edges]
    edges[0], edges[-1] = low, high  # exactly, whatever exp(log) has lost
    counted = Counter(_bin(guess, edges) for guess in guesses)
    true = {_bin(answer, edges) for answer in answers if _is_number(answer)}
    bars = [
        (f"{show(edges[k])} to {show(edges[k + 1])}", counted[k], k in true) for k in range(_BINS)
    ]
    below = [(f"below {show(low)}", 0, True)] if -1 in true else []
    above = [(f"above {show(high)}", 0, True)] if _BINS in true else []
    return [*below, *bars, *above]


def _bin(value: float, edges: list[float]) -> int:
    """Return the number of the range that a value is in, -1 or `_BINS` beyond the ends."""
    if not edges[0] <= value <= edges[-1]:
        return -1 if value < edges[0] else _BINS
    return min(sum(value >= edge for edge in edges[1:]), _BINS - 1)


def _order(label: str) -> float:
    try:
        return float(label.replace(",", ""))
    except ValueError:
        return math.inf


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1e300  # so are no infinite numbers, and no whole ones of a thousand digits


def told(value: Any) -> str:
    """Return a guess or an answer as it is read; nothing of it is longer than a line.

    >>> told([1, 2]), told(0.25), told(None)
    ('a curve', '0.25', '')
    """
    if value is None:
        return ""
    if isinstance(value, list):
        return "a curve"
    if isinstance(value, dict):
        return cut(json.dumps(value, ensure_ascii=False), _LONGEST)
    return cut(show(value) if _is_number(value) else str(value), _LONGEST)
