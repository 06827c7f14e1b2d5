"""Exercises of lesson 90: judge three references, find the slip, make a claim testable."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from labkit.learn import values
from labkit.learn.checks import Exercise
from labkit.maths.intervals import compare, mean_interval

# --- three rows: my_verdicts = [word, word, word] -------------------------------------------------

JUDGED = ("B2-REF-03", "B2-REF-02", "A2-REF-09")  # rows A, B and C of the lesson
_WORDS = ["holds", "wrong", "underspecified"]


def _verdicts_of(answer, *_):
    if isinstance(answer, set | frozenset):
        raise TypeError("which word is whose?")
    if isinstance(answer, str):
        answer = re.split(r"[\s,;]+", answer.strip())
    if isinstance(answer, dict):
        by_row = {str(row).strip().casefold(): word for row, word in answer.items()}
        names = "abc" if "a" in by_row else [id.casefold() for id in JUDGED]
        answer = [by_row[name] for name in names]
    return [_plain(word) if isinstance(word, str) else word for word in answer]


def _plain(word):
    return str(word).strip().casefold().rstrip(".").replace("-", "")


def _with(place, word):
    return [word if n == place else right for n, right in enumerate(_WORDS)]


_LETTERS = {
    "A": {
        "wrong": "what is stated of it that is not so? Look at the title, then at the first name.",
        "underspecified": "two facts are stated, and both can be looked up.",
        "opinion": "who wrote a book is no matter of taste.",
    },
    "B": {
        "holds": "the title leads to the paper. Who wrote it, and when?",
        "underspecified": "a name and a year are stated, so it can be true or false.",
        "opinion": "who wrote a paper is no matter of taste.",
    },
    "C": {
        "holds": "to say so you must know which books are meant. Do you?",
        "wrong": "to say so you must know which books are meant. Do you?",
        "opinion": "that a book exists is no opinion. Something else keeps you from checking it.",
    },
}

judge = Exercise(
    name="judge",
    lesson="90",
    right=_WORDS,
    read=_verdicts_of,
    mistakes={
        "everything is wrong": (
            ["wrong"] * 3,
            "A text with errors is not wrong in each line. What exactly is stated in A, and what "
            "do you know about C?",
        ),
        **{
            f"{letter}: {word}": (_with(place, word), f"{letter}: {text}")
            for place, (letter, texts) in enumerate(_LETTERS.items())
            for word, text in texts.items()
        },
    },
    hint="Ask of each: could I look it up from what is stated? If not, it can't be true or false "
    "yet. If so: is all of it right?",
)

# --- the slip: my_trusted(lines) -> number of lines above the first slip --------------------------


def _decimals(printed):
    return len(printed.partition(".")[2])


def _first(lines, is_slip):
    return next((n for n, line in enumerate(lines) if is_slip(*line)), len(lines))


def _slip(value, printed):
    return abs(value - float(printed)) > 0.5 * 10 ** -_decimals(printed) + 1e-9


def _cut(value, printed):
    scale = 10 ** _decimals(printed)
    return int(value * scale + 1e-9) != round(float(printed) * scale)


def _last(lines):
    return max((n for n, line in enumerate(lines) if _slip(*line)), default=len(lines))


slip = Exercise(
    name="slip",
    lesson="90",
    right=lambda lines: _first(lines, _slip),
    cases=[
        ([(0.065, "0.065"), (0.0675, "0.07"), (0.2899, "0.39"), (0.5, "0.5"), (1.5, "1.9")],),
        ([(0.7311, "0.731"), (0.964, "0.964"), (0.7616, "0.761"), (26.0, "26"), (13.0, "13")],),
        ([(0.997, "1.00"), (5.7, "6"), (26.0, "26"), (0.48, "0.48")],),
        ([(0.4, "0.5"), (0.48, "0.48"), (0.496, "0.6")],),
    ],
    mistakes={
        "rounding counts as a slip": (
            lambda lines: _first(lines, lambda value, printed: value != float(printed)),
            "You ask for equality. 0.07 is what 0.0675 looks like with two decimals: a rounded "
            "number is off by half a unit of its last digit at most, and that is no slip.",
        ),
        "one tolerance for all": (
            lambda lines: _first(lines, lambda v, printed: abs(v - float(printed)) > 0.01),
            "You take the same tolerance for every line. A number printed with three decimals "
            "promises more than one printed with none.",
        ),
        "a share of the value": (
            lambda lines: _first(lines, lambda v, p: abs(v - float(p)) > 0.01 * abs(v)),
            "You allow a share of the value. What a printed number promises hangs on its last "
            "digit, and not on its size: 5.7 may be printed as 6, and 0.7616 not as 0.761.",
        ),
        "a whole unit": (
            lambda lines: _first(
                lines, lambda v, p: abs(v - float(p)) > 10 ** -_decimals(p) + 1e-9
            ),
            "You allow a whole unit of the last digit. Whoever rounds is off by less.",
        ),
        "cut off instead of rounded": (
            lambda lines: _first(lines, _cut),
            "You cut the digits off. 0.7616 with three decimals is nearer to 0.762 than to 0.761.",
        ),
        "the last slip": (
            _last,
            "That is the last slip. What stands below the first one may rest on it.",
        ),
        "all slips": (
            lambda lines: sum(_slip(*line) for line in lines),
            "You count the slips. Asked is how far down one can trust the lines.",
        ),
        "all right lines": (
            lambda lines: sum(not _slip(*line) for line in lines),
            "You count all lines that are right. Below the first slip nothing can be trusted.",
        ),
        "counted from one": (
            lambda lines: min(_first(lines, _slip) + 1, len(lines)),
            "You count the line with the slip too. How many lines stand above it?",
        ),
    },
    hint="How many decimals has the printed text? By how much may a rounded number be off?",
)

# --- a testable claim: my_rule(with_it, without) -> "holds", "wrong" or "open" --------------------

PAIRS, WORLDS, EFFECT = 8, 200, 2.0
FALSE_ALARMS, POWER = 0.15, 0.7  # at most; at least


def worlds(effect: float, seed: int = 0) -> np.ndarray:
    """Return made-up results of runs: array (WORLDS, 2, PAIRS), with the method and without it.

    What both runs of a seed share varies with standard deviation 3, their difference with 1.

    Args:
        effect: how much the method brings, in standard deviations of that difference.
        seed: of the luck.

    >>> worlds(0.0).shape
    (200, 2, 8)
    """
    rng = np.random.default_rng(seed)
    shared = rng.normal(90, 3, (WORLDS, 1, PAIRS))
    luck = rng.normal(0, 0.5**0.5, (WORLDS, 2, PAIRS))
    return shared + luck + np.array([[effect], [0.0]])


def shares(rule, effect: float, seed: int = 0) -> dict[str, float]:
    """Return how often a rule says what, in worlds in which a method brings so much.

    >>> shares(lambda with_it, without: "open", 2.0)
    {'holds': 0.0, 'wrong': 0.0, 'open': 1.0}
    """
    said = [
        _word(rule(with_it.copy(), without.copy())) for with_it, without in worlds(effect, seed)
    ]
    return {word: said.count(word) / len(said) for word in ("holds", "wrong", "open")}


def score(rule, seed: int = 0) -> dict[str, float]:
    """Return how often a rule is fooled where nothing is, and sees gains and losses.

    >>> score(lambda with_it, without: "open")["fooled by luck"]
    0.0
    """
    return {
        "fooled by luck": 1 - shares(rule, 0.0, seed)["open"],
        "gains seen": shares(rule, EFFECT, seed)["holds"],
        "losses seen": shares(rule, -EFFECT, seed)["wrong"],
    }


_SAME = {"true": "holds", "false": "wrong", "not sure": "open", "better": "holds", "worse": "wrong"}


def _word(answer, *_):
    if answer is None or answer is ...:  # not written yet
        return answer
    word = _plain(str(answer))
    return _SAME.get(word, word)


def _paired(with_it, without):
    return _word(compare(with_it, without).verdict)


def _unpaired(with_it, without):
    (a, margin_a), (b, margin_b) = mean_interval(with_it), mean_interval(without)
    apart = abs(a - b) > np.hypot(margin_a, margin_b)
    return "open" if not apart else "holds" if a > b else "wrong"


_TURNED = {"holds": "wrong", "wrong": "holds", "open": "open"}


class _Rule(Exercise):
    """An exercise without one right answer: each rule that is seldom fooled and sees much is."""

    def _judged(self, answer):
        found = super()._judged(answer)
        if found.kind in ("not tried", "nothing returned", "error", "an older version"):
            return found
        try:
            kind = _fault({effect: shares(answer, effect) for effect in (0.0, EFFECT, -EFFECT)})
        except (Exception, SystemExit):
            return found  # it answers the first cases, and not all: what was said of those stands
        if kind == "not a verdict":
            told = f'Return "holds", "wrong" or "open"; you return {_first_other(answer)}.'
            return replace(found, kind=kind, message=told)
        if kind:
            return replace(found, kind=kind, message=self.mistakes[kind][1])
        told = "It is seldom fooled by luck, and it sees what is there, in both directions."
        return replace(found, kind="right", message=told, usable=answer)


def _first_other(rule) -> str:
    """Return the first answer of a rule that is none of the three words."""
    pairs = (pair for effect in (0.0, EFFECT, -EFFECT) for pair in worlds(effect))
    answers = (rule(*map(np.copy, pair)) for pair in pairs)
    return next((values.short(a) for a in answers if _word(a) not in _TURNED), "another word")


def _fault(said: dict[float, dict[str, float]]) -> str | None:
    """Return what is wrong with a rule, from what it says with no effect, one up, one down."""
    none, up, down = said.values()
    if min(sum(each.values()) for each in said.values()) < 1:
        return "not a verdict"
    if min(each["open"] for each in said.values()) == 1:
        return "never decides"
    if max(map(min, zip(*(each.values() for each in said.values()), strict=True))) == 1:
        return "one word for all"
    if up["wrong"] > 0.5 or down["holds"] > 0.5:
        return "upside down"
    if 1 - none["open"] > FALSE_ALARMS:
        return "takes luck for a result"
    if up["holds"] >= POWER > down["wrong"] or up["holds"] < POWER <= down["wrong"]:
        return "sees one direction"
    return "overlooks what is there" if up["holds"] < POWER else None


rule = _Rule(
    name="rule",
    lesson="90",
    right=_paired,
    read=_word,
    cases=[
        (np.array([91.0, 88.0, 94.0, 90.0]), np.array([89.0, 86.1, 91.9, 88.0])),
        (np.array([91.0, 88.0, 94.0, 90.0]), np.array([93.0, 90.1, 95.9, 92.0])),
        (np.array([91.0, 88.0, 94.0, 90.0]), np.array([91.5, 87.6, 93.2, 90.9])),
    ],
    mistakes={
        "takes luck for a result": (
            lambda with_it, without: "holds" if with_it.mean() > without.mean() else "wrong",
            "Where the method brings nothing, your rule should nearly always say open. It finds "
            "winners: two means are never quite equal. How much do they differ by luck?",
        ),
        "upside down": (
            lambda with_it, without: _TURNED[_paired(with_it, without)],
            "Where the method helps, your rule says wrong. Scores are better when higher.",
        ),
        "never decides": (
            lambda with_it, without: "open",
            "Your rule says open whatever happens. A claim that nothing can refute says nothing.",
        ),
        "one word for all": (
            lambda with_it, without: "holds",
            "Your rule says the same word whatever the numbers are.",
        ),
        "overlooks what is there": (
            _unpaired,
            "Your rule misses most of a large gain. If it looks at each side for itself: the runs "
            "of one seed share much, good or bad, and that hides the gain. If it looks at "
            "differences already: the mean of eight spreads less than a single one does.",
        ),
        "sees one direction": (
            lambda with_it, without: "holds" if _paired(with_it, without) == "holds" else "open",
            "Your rule finds a gain, or a loss, but not both. What would prove the claim wrong?",
        ),
    },
    hint="Take the difference of each pair first. Then ask whether the mean of the differences is "
    "further from 0 than its margin.",
)
