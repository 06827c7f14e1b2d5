"""Exercise feedback that names the kind of mistake, offline.

An exercise knows the right answer and the typical wrong ones. A learner's answer is compared
with all of them, so that the feedback can say "sign of the gradient" instead of "wrong"; what
nobody planned for is named by what came back.

>>> double = Exercise("double", right=lambda x: 2 * x, cases=[(1.0,), (3.0,)],
...     mistakes={"squared": (lambda x: x * x, "You squared x; double it instead.")})
>>> double.check(lambda x: x ** 2).kind
'squared'
>>> double.check(lambda x: ...).kind
'not tried'
>>> double.check(lambda x: x + x).ok
True
"""

import difflib
import io
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from functools import wraps
from html import escape
from typing import Any

import numpy as np

from labkit.lab import progress
from labkit.lab.phrases import Said, joined, translated
from labkit.lab.records.shell import is_headless
from labkit.learn import cells, kinds, values
from labkit.learn.kinds import errors, things
from labkit.learn.kinds.arguments import names
from labkit.learn.limits import limited

_SIGNS = {"right": "✓", "not tried": "○"}
_NO_TRY = ("not tried", "an older version")
_LONG = 200  # letters of a comparison
_COLORS = {"right": "#2e7d32", "not tried": "#6c6c6c"}
# What this kernel remembers, by lesson and exercise.
_owners: dict[tuple[str, str], str] = {}  # whose function the lesson runs on
_tries: dict[tuple[str, str], list[str]] = {}  # the different wrong answers so far


@dataclass(frozen=True)
class Feedback:
    """What a check found.

    `kind` is 'right', 'not tried', 'error', 'nothing returned', 'other', a mistake's name, or the
    name of what came back, such as 'a column'.
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
        words = heading.get(self.kind) or f"Not right yet: {self.kind}"
        said = joined([translated(f"{words}."), translated(self.message)])
        return f"{_SIGNS.get(self.kind, '✗')} {said}".rstrip()

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
        hint: a sentence shown from the second wrong answer on. It points; it is no solution.
        tolerance: largest difference that counts as equal, relative to the right answer's size.
        lesson: the number of the lesson that shows it.
        also: further right answers, (the function or value, what to say about it): a convention
            of other books.
        read: gives what was answered the form of `right`: "2 and 7" -> [2, 7]. It gets the answer
            and, of a function, the arguments after the call. What it cannot read (it raises an
            error) is judged as it is.
        then: argument tuples that are tried only on an answer that is right so far. There a mistake
            may raise an error, which in `cases` would hide its name.
        seconds: after which an answer is stopped; 10 when None.
    """

    name: str
    right: Any
    mistakes: dict[str, tuple[Any, str]] = field(default_factory=dict)
    cases: Sequence[tuple] | None = None
    hint: str = ""
    tolerance: float = 1e-6
    lesson: str = ""
    also: Sequence[tuple[Any, str]] = ()
    read: Callable[..., Any] | None = None
    then: Sequence[tuple] = ()
    seconds: float | None = None

    def check(self, answer: Any) -> Feedback:
        """Return feedback on the learner's answer; never raises because of what they wrote.

        >>> half = Exercise("half", right=0.5, mistakes={"twice": (2.0, "You multiplied by 2.")})
        >>> half.check(2)
        ✗ Not right yet: twice. You multiplied by 2.
        """
        return self._told(self._judged(answer))

    def use(self, answer: Any) -> Any:
        """Check an answer, show what was found, and return what the lesson runs on from here.

        That is the learner's own function as soon as it is right, and the lab's until then. One
        that changes its arguments, or answers in another form than the lab's (a list for an
        array), comes back wrapped, so that the lesson goes on safely.

        >>> half = Exercise("half", right=lambda x: x / 2, cases=[(3.0,)])
        >>> half.use(lambda x: x * 0.5)(8.0)
        ✓ Right. From here on the lesson runs on your `half`.
        4.0
        """
        from IPython.display import display

        found = self._judged(answer)
        feedback = self._told(found)
        yours = feedback.ok and not is_headless()
        _owners[self._key] = "yours" if yours else "the lab's"
        mine = cells.name_of(answer, self.name) or self.name
        if yours and self.cases is None:
            whose = "From here on the lesson goes on with your answer."
        elif yours:
            whose = f"From here on the lesson runs on your `{mine}`."
        elif feedback.ok:
            whose = "A run without a reader takes the lab's own, at full speed."
        else:
            whose = "Until it is right, the lesson runs on the lab's own."
        display(replace(feedback, message=f"{feedback.message} {whose}".strip()))
        return found.usable if yours else self.right

    @property
    def whose(self) -> str:
        """Whose function the lesson runs on: "yours" or "the lab's"."""
        return Said(_owners.get(self._key, "the lab's"))

    @property
    def _key(self) -> tuple[str, str]:
        return self.lesson, self.name

    def _told(self, found: "_Found") -> Feedback:
        """Return what is said about an answer, keep it in the learner's progress, count a try."""
        feedback = Feedback(self.name, found.kind, found.message)
        if found.kind in _NO_TRY:
            return feedback
        wrong = _tries.setdefault(self._key, [])
        if not feedback.ok and found.trace not in wrong:
            wrong.append(found.trace)
        if self.lesson:
            facts = {
                "kind": found.kind + found.more,
                "ok": feedback.ok,
                "tries": len(wrong) + feedback.ok,
            }
            progress.add(self.lesson, "check", self.name, **facts)
        if self.hint and not feedback.ok and len(wrong) > 1 and found.kind not in self.mistakes:
            return replace(feedback, message=f"{found.message} Hint: {self.hint}".strip())
        return feedback

    # --- judging -------------------------------------------------------------------------------

    def _judged(self, answer: Any) -> "_Found":
        if stale := cells.unread_definition(cells.name_of(answer, self.name)):
            return _Found("an older version", stale, stale)
        if self.cases is not None and not values.is_blank(answer) and not callable(answer):
            shown = values.short(answer)
            text = f"Give the function itself, not its result: got {shown}."
            return _Found("error", text, shown)
        try:
            trial = self._trial(answer)
        except NotImplementedError:
            return self._untouched()
        except (Exception, SystemExit) as error:  # whatever a learner's code raises is feedback
            return self._raised(error, answer)
        found = self._compared(answer, trial)
        if found.kind == "right" and self.then:
            later = replace(self, cases=self.then, then=(), mistakes={})._judged(answer)
            return found if later.kind == "right" else later
        return found

    def _trial(self, answer: Any) -> "_Trial":
        """Call an answer on all cases, and look at what it does to its arguments."""
        if self.cases is None or values.is_blank(answer):
            return _Trial([self._form(answer)], [answer])
        # Copies, so that an answer that changes its arguments in place cannot spoil the next case.
        arguments = [tuple(map(values.copied, case)) for case in self.cases]
        heard = _Heard(sys.stdout)
        with redirect_stdout(heard), limited(self.seconds):
            raw = [answer(*case) for case in arguments]
        got = [self._form(*each) for each in zip(raw, arguments, strict=True)]
        return _Trial(got, raw, arguments, heard.anything)

    def _outputs(self, answer: Any) -> list:
        """Return what one of the lab's own answers, right or wrong, gives."""
        if self.cases is None:
            return [self._form(answer)]
        copies = [tuple(map(values.copied, case)) for case in self.cases]
        return [self._form(answer(*case), case) for case in copies]

    def _form(self, value: Any, arguments: tuple = ()) -> Any:
        try:
            return self.read(value, *arguments) if self.read else value
        except Exception:  # whatever it is, it has no form that could be read
            return value

    def _same(self, got: list, wanted: list) -> bool:
        return len(got) == len(wanted) and all(
            values.same(a, b, self.tolerance) for a, b in zip(got, wanted, strict=True)
        )

    def _compared(self, answer: Any, trial: "_Trial") -> "_Found":
        got, trace = trial.got, _trace(trial.got)
        if callable(answer) and any(value is None for value in got):
            return _Found("nothing returned", self._where_nothing(trial), trace)
        if all(values.is_blank(value) for value in got):
            return self._untouched()
        right = self._outputs(self.right)
        for wanted, text in [(right, ""), *((self._outputs(f), text) for f, text in self.also)]:
            if self._same(got, wanted):
                return _Found("right", text, trace, self._usable(answer, trial, wanted))
        planned = []
        for kind, (wrong, message) in self.mistakes.items():
            planned.append((kind, self._outputs(wrong), message))
            if self._same(got, planned[-1][1]):
                return _Found(kind, message, trace)
        if self.cases is not None:
            for kind, outputs, message in planned:
                if self._same(got, list(map(values.negative, outputs))):
                    told = f"{message} And the sign is turned over."
                    return _Found(f"{kind}, and the sign", told, trace)
        return self._unplanned(answer, trial, right, trace)

    def _by_goal(
        self,
        found: "_Found",
        answer: Any,
        judge: Callable[[Any], tuple[bool, str]],
        raised: tuple[str, str],
        seconds: float | None = None,
    ) -> "_Found":
        """Judge an answer by what it reaches, where many are right.

        Args:
            found: what the cases say of it.
            answer: the function.
            judge: answer -> whether it reaches the goal, and how far it comes, in words.
            raised: where it runs, in words, and the kind of mistake if it fails there.
            seconds: after which it is stopped; 10 when None.
        """
        try:
            with limited(seconds):
                reached, told = judge(answer)
        except (Exception, SystemExit) as error:  # whatever a learner's code raises is feedback
            where, kind = raised
            message = f"{found.message} {where}: {str(error)[:200]}"
            return replace(found, kind=kind, message=message)
        if reached:
            return replace(found, kind="right", message=told, usable=found.usable or answer)
        return replace(found, kind="not good enough", message=told)

    def _unplanned(self, answer: Any, trial: "_Trial", right: list, trace: str) -> "_Found":
        """Say what kind of thing came back, and for which case it is not the right one."""
        if any(map(things.is_unfinished, got := trial.got)):
            return _Found("not tried", "A part of your answer is still `...`.", trace)
        if letters := self._letter_by_letter(got[0]):
            return _Found(*letters, trace)
        if callable(answer) and self._by_chance(answer, got):
            told = (
                "Your function gives something else each time that it is called with the same: is "
                "a random number drawn in it? None is asked for."
            )
            return _Found("by chance", told, trace)
        kind, text = self._named(answer, got, right) or ("other", "")
        return _Found(kind, f"{text} {self._first_difference(got, right)}".strip(), trace)

    def _named(self, answer: Any, got: list, right: list) -> tuple[str, str] | None:
        function = self.cases is not None
        tried = kinds.Tried(
            got=got,
            wanted=right,
            cases=list(self.cases) if function else None,
            answer=answer,
            right=self.right if self.read is None else None,
            tolerance=self.tolerance,
            names=names([answer, self.right], len(self.cases[0])) if function else (),
            accepts=self._accepts,
        )
        try:
            return kinds.named(tried)
        except Exception as error:  # the learner goes on; that the lab failed is not hidden
            failed = f"The lab has no name for this answer: {type(error).__name__}: {error}"
            warnings.warn(failed, stacklevel=2)
            return None

    def _accepts(self, answer: Any) -> bool:
        """Return whether a function is right, as soon as one case tells."""
        cases = [*self.cases, *self.then]
        wanted = replace(self, cases=cases)._outputs(self.right)
        try:
            with limited():
                return all(
                    values.same(
                        replace(self, cases=[case])._outputs(answer)[0], each, self.tolerance
                    )
                    for case, each in zip(cases, wanted, strict=True)
                )
        except Exception:  # whatever changed code raises
            return False

    def _usable(self, answer: Any, trial: "_Trial", wanted: list) -> Any:
        """Return a right answer as the lesson can run on it: itself, if it behaves."""
        if self.cases is None:
            words = isinstance(self.right, str) or values.has_words(self.right)
            return self.right if words else values.in_form(trial.got[0], wanted)
        spoils = not all(map(values.unchanged, self.cases, trial.arguments))
        formed = [values.in_form(each, wanted) for each in trial.raw]
        if not spoils and all(a is b for a, b in zip(formed, trial.raw, strict=True)):
            return answer

        @wraps(answer)
        def in_form(*arguments):
            given = map(values.copied, arguments) if spoils else arguments
            return values.in_form(answer(*given), wanted)

        return in_form

    # --- what to say ----------------------------------------------------------------------------

    def _first_difference(self, got: list, right: list) -> str:
        if self.cases is None:
            return f"You answered {values.short(got[0])}."
        for case, mine, wanted in zip(self.cases, got, right, strict=True):
            if not values.same(mine, wanted, self.tolerance):
                theirs, yours = values.two(wanted, mine)
                place = values.first_place(mine, wanted, self.tolerance)
                start = f"For {values.call(case)} the right answer is {theirs}"
                told = f"{start}; yours is {yours}{place}."
                short = values.first_place(mine, wanted, self.tolerance, shown=0)
                # Nobody reads matrices off a line: one of their numbers says as much.
                if len(told) <= _LONG:
                    return told
                return f"In one case, {short[2:]}." if short else f"Yours is {yours}."
        raise AssertionError("unreachable: the answers were found to differ")

    def _by_chance(self, answer: Any, got: list) -> bool:
        """Return whether a function gives other numbers when it is called once more."""
        try:
            with redirect_stdout(io.StringIO()):  # what it prints has been seen
                again = self._trial(answer).got
        except (Exception, SystemExit):  # whatever a learner's code raises the second time
            return False
        first, second = (list(map(values.numbers, _parts(each))) for each in (got, again))
        return all(each is not None for each in first) and not all(
            np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=False)
        )

    def _letter_by_letter(self, answer: Any) -> tuple[str, str] | None:
        """Say of each question A, B, C ... whether its word is right, and what is wrong with it."""
        words = self.cases is None and values.has_words(self.right) and values.items(answer)
        if not words or len(words) != len(self.right):
            return None
        letters = [chr(ord("A") + place) for place in range(len(words))]
        fits = [values.same(*pair) for pair in zip(words, self.right, strict=True)]
        said = [f"Right: {', '.join(x for x, fit in zip(letters, fits, strict=True) if fit)}."]
        for place, (letter, word, fit) in enumerate(zip(letters, words, fits, strict=True)):
            if not fit:
                alone = [*self.right[:place], word, *self.right[place + 1 :]]
                known = [
                    text for wrong, text in self.mistakes.values() if self._same([alone], [wrong])
                ]
                said += known[:1] or [f"{letter}: it is {self._no_word(word)}."]
        wrong = ", ".join(x for x, fit in zip(letters, fits, strict=True) if not fit)
        return wrong, " ".join(said if any(fits) else said[1:])

    def _no_word(self, word: Any) -> str:
        """Say what is wrong with an answer that no planned mistake has."""
        answers = [self.right, *(wrong for wrong, _ in self.mistakes.values())]
        known = {each for answer in answers for each in values.items(answer) or []}
        if not isinstance(word, str):
            return f"a word, in quotes, and not {values.short(word)}"
        if any(values.same(word, each) for each in known):
            return f"not {values.short(word)}"
        near = difflib.get_close_matches(word.lower().strip(), known, 1)
        meant = f"; did you mean {near[0]!r}?" if near else " of the task"
        return f"not {values.short(word)}, which is none of the words{meant}".rstrip("?")

    def _where_nothing(self, trial: "_Trial") -> str:
        """Say for which case a function returned nothing, and what it did instead."""
        gaps = [value is None for value in trial.got]
        where = "" if all(gaps) else f" for {values.call(self.cases[gaps.index(True)])}"
        start = f"Your function returns nothing{where}"
        if where:
            return f"{start}: there is a way through it that meets no `return`."
        if trial.printed:
            return (
                f"{start}: `print` shows a value, and gives nothing back. The answer stands after "
                "`return`."
            )
        if not all(map(values.unchanged, self.cases, trial.arguments)):
            return (
                f"{start}: it changes what it is given, in place. The lesson goes on with what "
                "stands after `return`."
            )
        return f"{start}: its answer stands after `return`."

    def _raised(self, error: BaseException, answer: Any) -> "_Found":
        count = len(self.cases[0]) if self.cases else 0
        told, meaning = errors.explained(error, answer, count)
        if "'ellipsis'" in str(error):
            return _Found("not tried", "A `...` still stands in your function.", told)
        more = f": {type(error).__name__}"
        return _Found("error", f"{told} {meaning}".strip(), told, more=more)

    def _untouched(self) -> "_Found":
        advice = "Replace the ... in the cell above with your answer, run that cell, then this one."
        return _Found("not tried", advice, "")


def _parts(answers: list) -> list:
    """Return the values of all answers, those of tuples one by one."""
    return [part for each in answers for part in (each if isinstance(each, tuple) else (each,))]


@dataclass(frozen=True)
class _Found:
    """What was found: kind and message, a trace that tells answers apart, what can be used.

    `more` is what the progress keeps beside the kind: which error it was.
    """

    kind: str
    message: str
    trace: str
    usable: Any = None
    more: str = ""


@dataclass(frozen=True)
class _Trial:
    """What a function gave for each case, as it came and as it is read, and what it did beside."""

    got: list
    raw: list
    arguments: list[tuple] | None = None
    printed: bool = False


class _Heard(io.TextIOBase):
    """Passes on what a learner's function prints, and remembers that it printed."""

    def __init__(self, out):
        self.out, self.anything = out, False

    def write(self, text: str) -> int:
        self.anything = self.anything or bool(text.strip())
        return self.out.write(text)

    def flush(self) -> None:
        self.out.flush()


def _trace(got: list) -> str:
    """Return a text that is the same for answers that give the same."""
    parts = []
    for value in got:
        array = values.numbers(value)
        if array is not None:
            parts.append(f"{array.shape}{hash(array.tobytes())}")
            continue
        try:
            text = repr(value)
        except Exception:  # a learner's object may break its own repr
            text = " at 0x"
        parts.append(type(value).__name__ if " at 0x" in text else text[:10_000])
    return "|".join(parts)


def _code(escaped: str) -> str:
    """Turn `words between backticks` of an escaped text into code; a lone backtick goes."""
    return re.sub(r"`+([^`]+)`+", r"<code>\1</code>", escaped).replace("`", "")
