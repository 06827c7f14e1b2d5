"""Exercise feedback that names the kind of mistake, offline.

An exercise knows the right answer and the typical wrong ones. A learner's answer is compared
with all of them, so that the feedback can say "sign of the gradient" instead of "wrong".

>>> double = Exercise("double", right=lambda x: 2 * x, cases=[(1.0,), (3.0,)],
...     mistakes={"squared": (lambda x: x * x, "You squared x; double it instead.")})
>>> double.check(lambda x: x ** 2).kind
'squared'
>>> double.check(lambda x: ...).kind
'not tried'
>>> double.check(lambda x: x + x).ok
True
"""

import math
import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from html import escape
from typing import Any

_owners: dict[str, str] = {}  # exercise -> whose function the lesson runs on, in this kernel
_SHOWN = 8  # an array with more items is shown by its shape
_SIGNS = {"right": "✓", "not tried": "○"}
_COLORS = {"right": "#2e7d32", "not tried": "#6c6c6c"}
# What Python and NumPy say about the commonest slips, and what it means.
_MEANINGS = {
    "bitwise_xor": "A power is written `**`; `^` works on bits.",
    r"\^: ": "A power is written `**`; `^` works on bits.",
    "truth value of an array": "`if`, `and`, `max()` and `min()` of Python look at one number: "
    "for arrays there are `np.where`, `np.maximum` and `np.minimum`.",
    "could not be broadcast": "The shapes do not fit, number by number. A sum, mean or maximum "
    "along an axis keeps that axis with `keepdims=True`.",
    "mismatch in its core dimension": "`@` needs as many columns on its left as rows on its right.",
    "converted to Python scalars": "Functions of `math` take one number; NumPy has the same "
    "for arrays, such as `np.exp`.",
}


@dataclass(frozen=True)
class Feedback:
    """What a check found.

    `kind` is 'right', 'not tried', 'error', 'nothing returned', 'other' or a mistake's name.
    """

    exercise: str
    kind: str
    message: str

    @property
    def ok(self) -> bool:
        """True when the answer is right.

        >>> Feedback("update", "squared", "You squared x; double it instead.").ok
        False
        """
        return self.kind == "right"

    def __repr__(self) -> str:
        heading = {"right": "Right", "not tried": "Not tried yet", "other": "Not right yet"}
        words = heading.get(self.kind, f"Not right yet: {self.kind}")
        return f"{_SIGNS.get(self.kind, '✗')} {words}. {self.message}".rstrip()

    def _repr_html_(self) -> str:
        color = _COLORS.get(self.kind, "#d93025")
        return (
            f'<div role="status" style="border-left:4px solid {color};padding:0.4em 0.8em">'
            f"{_code(escape(repr(self)))}</div>"
        )


@dataclass(frozen=True)
class Exercise:
    """One exercise: a function to write (with `cases`) or a value to find (without).

    Args:
        name: short name, as in `exercise.update`.
        right: the right function, or the right value (number, text, or list of them).
        mistakes: name of the mistake -> (the wrong function or value, what to say about it).
        cases: argument tuples to try a function on; None for an exercise about a value.
        hint: a sentence shown with answers that fit no known mistake.
        tolerance: largest difference that counts as equal, relative to the right answer's size.
    """

    name: str
    right: Any
    mistakes: dict[str, tuple[Any, str]] = field(default_factory=dict)
    cases: Sequence[tuple] | None = None
    hint: str = ""
    tolerance: float = 1e-6
    lesson: str = ""

    def use(self, answer: Any) -> Any:
        """Check an answer, show what was found, and return what the lesson runs on from here.

        That is the learner's own function as soon as it is right, and the lab's until then.

        >>> half = Exercise("half", right=lambda x: x / 2, cases=[(3.0,)])
        >>> half.use(lambda x: x * 0.5)(8.0)
        ✓ Right. The lesson runs on your half from here on.
        4.0
        """
        from IPython.display import display

        feedback = self.check(answer)
        _owners[self.name] = "yours" if feedback.ok else "the lab's"
        told = (
            "The lesson runs on your {} from here on."
            if feedback.ok
            else ("Until yours is right, the lesson runs on the lab's {}.")
        )
        message = f"{feedback.message} {told.format(self.name)}".strip()
        display(Feedback(self.name, feedback.kind, message))
        return answer if feedback.ok else self.right

    @property
    def whose(self) -> str:
        """Whose function the lesson runs on: "yours" or "the lab's"."""
        return _owners.get(self.name, "the lab's")

    def check(self, answer: Any) -> Feedback:
        """Return feedback on the learner's answer; never raises because of what they wrote.

        >>> half = Exercise("half", right=0.5, mistakes={"twice": (2.0, "You multiplied by 2.")})
        >>> half.check(2)
        ✗ Not right yet: twice. You multiplied by 2.
        """
        if self.cases is not None and not _is_blank(answer) and not callable(answer):
            shown = _short(answer)
            return self._say("error", f"Give the function itself, not its result: got {shown}.")
        try:
            got = self._outputs(answer)
        except NotImplementedError:
            return self._untouched()
        except (Exception, SystemExit) as error:  # whatever a learner's code raises is feedback
            return self._say("error", _explained(error))
        if callable(answer) and any(value is None for value in got):
            return self._say("nothing returned", self._where_nothing(got))
        if all(_is_blank(value) for value in got):
            return self._untouched()
        right = self._outputs(self.right)
        if self._same(got, right):
            return self._say("right", "")
        for kind, (wrong, message) in self.mistakes.items():
            if self._same(got, self._outputs(wrong)):
                return self._say(kind, message)
        return self._say("other", self._first_difference(got, right))

    def _outputs(self, answer: Any) -> list:
        if self.cases is None or answer is None or answer is ...:
            return [answer]
        # Copies, so that an answer that changes its arguments in place cannot spoil the next case.
        return [answer(*deepcopy(case)) for case in self.cases]

    def _same(self, got: list, wanted: list) -> bool:
        return len(got) == len(wanted) and all(
            _equal(a, b, self.tolerance) for a, b in zip(got, wanted, strict=True)
        )

    def _first_difference(self, got: list, right: list) -> str:
        hint = f" Hint: {self.hint}" if self.hint else ""
        if self.cases is None:
            words = _has_words(self.right) and _items(got[0])
            if words and len(words) == len(self.right):
                return f"{self._letter_by_letter(words)}{hint}"
            return f"You answered {_short(got[0])}.{hint}"
        for case, mine, wanted in zip(self.cases, got, right, strict=True):
            if not _equal(mine, wanted, self.tolerance):
                theirs, yours = _two(wanted, mine)
                return (
                    f"For {_call(case)} the right answer is {theirs}; "
                    f"yours is {yours}{_first_place(mine, wanted, self.tolerance)}.{hint}"
                )
        raise AssertionError("unreachable: the answers were found to differ")

    def _letter_by_letter(self, words: list) -> str:
        """Say of each question A, B, C ... whether its word is right, and what is wrong with it."""
        letters = [chr(ord("A") + place) for place in range(len(words))]
        fits = [_equal(*pair, self.tolerance) for pair in zip(words, self.right, strict=True)]
        said = [f"Right: {', '.join(x for x, fit in zip(letters, fits, strict=True) if fit)}."]
        for place, (letter, word, fit) in enumerate(zip(letters, words, fits, strict=True)):
            if not fit:
                alone = [*self.right[:place], word, *self.right[place + 1 :]]
                known = [
                    text for wrong, text in self.mistakes.values() if self._same([alone], [wrong])
                ]
                said += known[:1] or [f"{letter}: it is not {_short(word)}."]
        return " ".join(said if any(fits) else said[1:])

    def _where_nothing(self, got: list) -> str:
        """Say for which case a function returned nothing: without `return`, or on a way past it."""
        gaps = [value is None for value in got]
        where = "" if all(gaps) else f" for {_call(self.cases[gaps.index(True)])}"
        return (
            f"Your function returns nothing{where}: its answer stands after `return`. "
            "`print` shows a value, and gives nothing back."
        )

    def _untouched(self) -> Feedback:
        advice = "Replace the ... in the cell above with your answer, run that cell, then this one."
        return self._say("not tried", advice)

    def _say(self, kind: str, message: str) -> Feedback:
        return Feedback(self.name, kind, message)


def _is_blank(value: Any) -> bool:
    return value is None or value is ...


def _explained(error: BaseException) -> str:
    """Return an error in its own words, and what the commonest ones mean."""
    raised = f"Your code raised {type(error).__name__}: {error}"
    meaning = next((m for sign, m in _MEANINGS.items() if re.search(sign, str(error))), "")
    return f"{raised}{'' if raised.endswith('.') else '.'} {meaning}" if meaning else raised


def _equal(a: Any, b: Any, tolerance: float) -> bool:
    """Compare numbers and arrays by size and shape, text ignoring case, anything else by ==.

    Words in a row are compared word by word, whatever holds them: a list, a tuple or an array.
    """
    if isinstance(b, str) and getattr(a, "shape", None) == ():
        a = a.tolist()  # an array that holds one word
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str) and _plain(a) == _plain(b)
    if isinstance(a, Callable) or isinstance(b, Callable) or _is_blank(a) or _is_blank(b):
        return a is b
    if _has_words(b):
        x, y = _items(a), _items(b)
        return x is not None and len(x) == len(y) and all(map(_equal, x, y, [tolerance] * len(y)))
    x, y = _as_numbers(a), _as_numbers(b)
    if y is None:
        try:
            return type(a) is type(b) and bool(a == b)
        except Exception:  # a learner's object need not compare
            return False
    return x is not None and x.shape == y.shape and bool(_close(x, y, tolerance).all())


def _items(value: Any) -> list | None:
    """Return what a list, a tuple or an array holds, None for anything else."""
    try:
        value = value.tolist() if hasattr(value, "tolist") else value
    except Exception:  # whatever a learner's object does when it is converted
        return None
    return list(value) if isinstance(value, (list, tuple)) else None


def _has_words(value: Any) -> bool:
    return any(isinstance(item, str) or _has_words(item) for item in _items(value) or [])


def _as_numbers(value: Any):
    """Return a value as an array of floats, or None when it is not made of real numbers."""
    import numpy as np

    try:
        array = np.asarray(value)
        return array.astype(float) if array.dtype.kind in "biufO" else None
    except Exception:  # ragged lists, or whatever a learner's object does when it is converted
        return None


def _close(x, y, tolerance: float):
    """Return where x equals y, an array of the same shape, relative to the size of all of y."""
    import numpy as np

    size = float(np.abs(y[np.isfinite(y)]).max(initial=0.0))
    # A right answer of 1e-17 is a zero with rounding; it sets no scale.
    scale = size if size > 1e-12 else 1.0
    return np.isclose(x, y, rtol=0, atol=tolerance * scale, equal_nan=True)


def _first_place(mine: Any, wanted: Any, tolerance: float) -> str:
    """Say where two arrays too large to show first differ, '' for anything else."""
    import numpy as np

    x, y = _as_numbers(mine), _as_numbers(wanted)
    if x is None or y is None or x.shape != y.shape or y.size <= _SHOWN:
        return ""
    place = tuple(np.argwhere(~_close(x, y, tolerance))[0].tolist())
    return f"; at {list(place)} it should be {y[place]:.6g} and is {x[place]:.6g}"


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _code(escaped: str) -> str:
    """Turn `words between backticks` of an escaped text into code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)


def _call(case: tuple) -> str:
    return f"({', '.join(map(_short, case))})"


def _two(wanted: Any, mine: Any) -> tuple[str, str]:
    """Show two values that differ, with more digits when six do not tell them apart."""
    shown = _short(wanted), _short(mine)
    return shown if shown[0] != shown[1] else (_short(wanted, 12), _short(mine, 12))


def _short(value: Any, digits: int = 6) -> str:
    """Show a value on one line: arrays by shape when they are large."""
    try:
        shape = tuple(getattr(value, "shape", ()))
        if math.prod(shape) > _SHOWN:
            return f"an array of shape {shape}"
        value = _rounded(value, digits)
        text = f"{value:.{digits}g}" if isinstance(value, float) else repr(value)
    except Exception:  # a learner's object may break its own repr
        return f"a {type(value).__name__}"
    return text if len(text) <= 80 else text[:77] + "..."


def _rounded(value: Any, digits: int) -> Any:
    """Return plain Python numbers with a few digits, also inside lists, tuples and dicts."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if type(value) in (list, tuple):
        return type(value)(_rounded(item, digits) for item in value)
    if type(value) is dict:
        return {key: _rounded(item, digits) for key, item in value.items()}
    return value
