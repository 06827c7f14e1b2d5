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
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from html import escape
from typing import Any

_SHOWN = 8  # an array with more items is shown by its shape
_SIGNS = {"right": "✓", "not tried": "○"}
_COLORS = {"right": "#2e7d32", "not tried": "#6c6c6c"}


@dataclass(frozen=True)
class Feedback:
    """What a check found: `kind` is 'right', 'not tried', 'error', 'other' or a mistake's name."""

    exercise: str
    kind: str
    message: str

    @property
    def ok(self) -> bool:
        """True when the answer is right."""
        return self.kind == "right"

    def __repr__(self) -> str:
        heading = {"right": "Right", "not tried": "Not tried yet", "other": "Not right yet"}
        words = heading.get(self.kind, f"Not right yet: {self.kind}")
        return f"{_SIGNS.get(self.kind, '✗')} {words}. {self.message}".rstrip()

    def _repr_html_(self) -> str:
        color = _COLORS.get(self.kind, "#d93025")
        return (
            f'<div role="status" style="border-left:4px solid {color};padding:0.4em 0.8em">'
            f"{escape(repr(self))}</div>"
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

    def check(self, answer: Any) -> Feedback:
        """Return feedback on the learner's answer; never raises because of what they wrote."""
        if self.cases is not None and not _is_blank(answer) and not callable(answer):
            shown = _short(answer)
            return self._say("error", f"Give the function itself, not its result: got {shown}.")
        try:
            got = self._outputs(answer)
        except NotImplementedError:
            return self._untouched()
        except Exception as error:  # whatever a learner's code raises is feedback, not a crash
            return self._say("error", f"Your code raised {type(error).__name__}: {error}")
        if all(_is_blank(value) for value in got):
            return self._untouched(nothing_returned=callable(answer) and got[0] is None)
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
            return f"You answered {_short(got[0])}.{hint}"
        for case, mine, wanted in zip(self.cases, got, right, strict=True):
            if not _equal(mine, wanted, self.tolerance):
                arguments = ", ".join(_short(argument) for argument in case)
                return (
                    f"For ({arguments}) the right answer is {_short(wanted)}; "
                    f"yours is {_short(mine)}{_first_place(mine, wanted, self.tolerance)}.{hint}"
                )
        raise AssertionError("unreachable: the answers were found to differ")

    def _untouched(self, nothing_returned: bool = False) -> Feedback:
        advice = "Replace the ... in the cell above with your answer, run that cell, then this one."
        if nothing_returned:  # perhaps a try that changes its arguments, or forgot `return`
            advice = "Your function returns nothing: its answer stands after `return`."
        return self._say("not tried", advice)

    def _say(self, kind: str, message: str) -> Feedback:
        return Feedback(self.name, kind, message)


def _is_blank(value: Any) -> bool:
    return value is None or value is ...


def _equal(a: Any, b: Any, tolerance: float) -> bool:
    """Compare numbers and arrays by size and shape, text ignoring case, anything else by ==."""
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str) and _plain(a) == _plain(b)
    if isinstance(a, Callable) or isinstance(b, Callable) or _is_blank(a) or _is_blank(b):
        return a is b
    x, y = _as_numbers(a), _as_numbers(b)
    if y is None:
        try:
            return type(a) is type(b) and bool(a == b)
        except Exception:  # a learner's object need not compare
            return False
    return x is not None and x.shape == y.shape and bool(_close(x, y, tolerance).all())


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


def _short(value: Any) -> str:
    """Show a value on one line: arrays by shape when they are large."""
    try:
        shape = tuple(getattr(value, "shape", ()))
        if math.prod(shape) > _SHOWN:
            return f"an array of shape {shape}"
        value = value.tolist() if hasattr(value, "tolist") else value
        text = f"{value:.6g}" if isinstance(value, float) else repr(value)
    except Exception:  # a learner's object may break its own repr
        return f"a {type(value).__name__}"
    return text if len(text) <= 80 else text[:77] + "..."
