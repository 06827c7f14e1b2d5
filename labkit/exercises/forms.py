"""Exercises that take a right answer in more than one form, or try it in two rounds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from labkit.learn.checks import Exercise, Feedback


@dataclass(frozen=True)
class Forms(Exercise):
    """An exercise with further right answers, other ways of writing them, and a second round.

    Args:
        read: gives what was answered the form of `right`: "2 and 7" -> [2, 7]. What it cannot read
            (it raises an error) is judged as it is.
        also: further right functions or values.
        then: argument tuples that are tried only on an answer that is right so far. There a mistake
            may raise an error, which in `cases` would hide its name.

    >>> pair = Forms("pair", right=[2, 7], read=lambda answer: sorted(answer))
    >>> pair.check({7, 2}).ok
    True
    """

    read: Callable[[Any], Any] = lambda answer: answer
    also: Sequence = ()
    then: Sequence[tuple] = ()

    def check(self, answer: Any) -> Feedback:
        """Return feedback on the learner's answer; never raises because of what they wrote."""
        first = replace(self, also=(), then=())
        feedback = first._judge(answer)
        for right in self.also:
            if not feedback.ok and replace(first, right=right)._judge(answer).ok:
                feedback = self._say("right", "")
        if feedback.ok and self.then:
            return replace(first, cases=self.then, mistakes={})._judge(answer)
        return feedback

    def _judge(self, answer: Any) -> Feedback:
        if self.cases is not None and callable(answer):
            return super().check(lambda *case: self._form(answer(*case)))
        return super().check(self._form(answer) if self.cases is None else answer)

    def _form(self, value: Any) -> Any:
        try:
            return self.read(value)
        except Exception:  # whatever it is, it has no form that could be read
            return value
