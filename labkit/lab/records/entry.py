"""A run's record: its fields, how it begins, and how it travels as plain data."""

import math
import os
import re
import socket
import time
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import labkit
from labkit import machine
from labkit.lab import lesson as lessons
from labkit.lab.language import language
from labkit.lab.lesson import Lesson
from labkit.lab.words import one_line, show

MIME = "application/vnd.labkit.record+json"
SCHEMA = 2  # 2 added `curves`
_LONGEST_LIST = 1000
_LONGEST_TEXT = 1000  # characters
_LONGEST_CAUSE = 1000  # characters of a cause; the notebook has all of it
# How the message of an error began before its parts were kept: lesson, cell, first line.
_PLACE = re.compile(
    r"(?:lesson \d\d, )?(before the first cell|(?:the )?cell .*?`.{0,60}?`): ", re.DOTALL
)


class RecordError(ValueError):
    """A result or expectation that cannot be recorded; the message says what can."""


@dataclass(frozen=True)
class Expectation:
    """A range that a recorded result must lie in, with the reason."""

    name: str
    value: Any
    low: float | None
    high: float | None
    because: str
    applies: bool
    held: bool | None  # None when it does not apply with these parameters

    @property
    def range(self) -> str:
        """The range in words: 'at least 0.983', '0.249 to 0.251'.

        >>> Expectation("loss", 0.2, None, 0.3, "it falls", True, True).range
        'at most 0.3'
        """
        if self.low is not None and self.high is not None:
            return f"{show(self.low)} to {show(self.high)}"
        if self.low is not None:
            return f"at least {show(self.low)}"
        return f"at most {show(self.high)}"

    @property
    def key(self) -> tuple:
        """What makes it the same one, stated again; a result may have several.

        >>> Expectation("loss", 0.2, None, 0.3, "it falls", True, True).key
        ('loss', None, 0.3, 'it falls')
        """
        return self.name, self.low, self.high, self.because

    def __str__(self) -> str:
        verdict = {True: "held", False: "NOT HELD", None: "does not apply with these parameters"}
        expected = f"expected {self.range} ({self.because})"
        return f"{self.name} = {show(self.value)}, {expected}: {verdict[self.held]}"


@dataclass(frozen=True)
class Failure:
    """Why a run did not finish: the kind, the cause in a line, and where in the lesson."""

    kind: str  # cell error, expectation, timeout, memory, output, killed kernel, ...
    cause: str
    where: str = ""  # 'cell 3 of 5 [c2] `1 / 0`'
    cell: str | None = None  # id of the cell
    text: str = ""  # the message of an older record, which did not keep its parts

    @classmethod
    def of(cls, kind: str, cause: str, where: str = "", cell: str | None = None) -> "Failure":
        """Return a failure whose cause is one line, however long and wide the error was.

        >>> Failure.of("cell error", "ValueError:   a   wide    message").cause
        'ValueError: a wide message'
        """
        cause = " ".join(cause.split())
        if len(cause) > _LONGEST_CAUSE:
            cause = f"{cause[:_LONGEST_CAUSE]} ..."
        return cls(kind, cause, where, cell)

    def message(self, lesson: str) -> str:
        """Return it in words: 'lesson 01, cell 3 of 5 [c2] `1 / 0`: ZeroDivisionError: ...'.

        >>> Failure("timeout", "not done within 5 s", "cell 3 of 5").message("01")
        'lesson 01, cell 3 of 5: not done within 5 s'
        """
        place = f"{self.where}: " if self.where else ""
        return self.text or f"lesson {lesson}, {place}{self.cause}"

    @property
    def words(self) -> str:
        """Kind and cause in one line, without the place.

        >>> Failure("timeout", "not done within 5 s", "cell 3 of 5").words
        'timeout: not done within 5 s'
        """
        cause = one_line(self.cause)
        return f"{self.kind}: {cause}" if self.kind and cause else self.kind or cause

    @classmethod
    def read(cls, content: dict, lesson: str) -> "Failure":
        """Return the error of a record; one that has only a message is taken apart.

        >>> old = {"kind": "timeout", "message": "lesson 01, not done within 5 s"}
        >>> Failure.read(old, "01").cause
        'not done within 5 s'
        """
        kind, cell = str(content.get("kind", "")), content.get("cell")
        if "cause" in content:
            return cls(kind, str(content["cause"]), str(content.get("where") or ""), cell)
        message = str(content.get("message", ""))
        if place := _PLACE.match(message):
            return cls(kind, message[place.end() :], place[1], cell, message)
        return cls(kind, message.removeprefix(f"lesson {lesson}, "), "", cell, message)


@dataclass
class Record:
    """All that is kept of one run. `record.json` holds `plain()`."""

    lesson: str  # the number, '01'
    run_id: str
    status: str  # finished, failed, interrupted, running; read back also unreadable
    started: str = ""  # ISO 8601 in UTC
    title: str = ""
    attempt: int = 1
    seconds: float | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    expectations: list[Expectation] = field(default_factory=list)
    curves: dict[str, dict[str, list]] = field(default_factory=dict)
    error: Failure | None = None
    environment: dict[str, Any] = field(default_factory=dict)
    process: dict[str, Any] = field(default_factory=dict)
    progress: dict[str, int] = field(default_factory=dict)
    schema: int = SCHEMA
    folder: str = ""  # where it was read; not a part of the file

    @property
    def message(self) -> str | None:
        """What went wrong, in words, with lesson and cell; None of a good run.

        >>> Record("01", "aaa", "failed", error=Failure("timeout", "not done within 5 s")).message
        'lesson 01, not done within 5 s'
        """
        return self.error and self.error.message(self.lesson)

    @property
    def cause(self) -> str | None:
        """The kind of failure, None of a good run.

        >>> Record("01", "aaa", "failed", error=Failure("timeout", "not done within 5 s")).cause
        'timeout'
        """
        return self.error and self.error.kind

    @property
    def state(self) -> str:
        """The status, with the kind of failure: 'finished', 'failed: timeout'.

        >>> Record("01", "aaa", "failed", error=Failure("timeout", "not done within 5 s")).state
        'failed: timeout'
        """
        return (
            f"{self.status}: {self.cause}" if self.cause not in (None, self.status) else self.status
        )

    @property
    def applying(self) -> list[Expectation]:
        """The expectations that apply with its parameters."""
        return [expected for expected in self.expectations if expected.applies]

    @property
    def headline(self) -> str:
        """The first result with its expectation: 'accuracy = 0.95 (expected at least 0.9)'.

        >>> Record("01", "aaa", "finished", results={"loss": 0.1}).headline
        'loss = 0.1'
        """
        if not self.results:
            return ""
        name, value = next(iter(self.results.items()))
        about = [expected for expected in self.applying if expected.name == name]
        for expected in sorted(about, key=lambda e: e.held)[:1]:  # one that did not hold, if any
            return f"{name} = {show(value)} (expected {expected.range})"
        return f"{name} = {show(value)}"

    def take(self, payloads: list[dict]) -> None:
        """Take results, expectations and curves from what the lesson showed.

        >>> record = Record("01", "aaa", "running")
        >>> record.take([{"results": {"loss": 0.1}}])
        >>> record.results
        {'loss': 0.1}
        """
        self.results, self.expectations, self.curves = merge(payloads)

    def plain(self) -> dict[str, Any]:
        """Return it as plain data for JSON.

        >>> Record("01", "aaa", "finished", results={"loss": 0.1}).plain()["results"]
        {'loss': 0.1}
        """
        content = {"schema": self.schema}
        content |= {f.name: getattr(self, f.name) for f in fields(self) if f.name in _KEPT}
        content["expectations"] = [asdict(expected) for expected in self.expectations]
        if self.error:
            parts = {name: getattr(self.error, name) for name in ("kind", "cause", "where", "cell")}
            content["error"] = parts | {"message": self.message}
        return content | ({"progress": self.progress} if self.progress else {})

    @classmethod
    def read(cls, content: Any, folder: str = "") -> "Record":
        """Return the record that plain data holds, of this schema or an older one.

        Raises:
            RecordError: it is no record, or one of a newer labkit; the message says what is wrong.

        >>> record = Record("01", "aaa", "finished", results={"loss": 0.1})
        >>> Record.read(record.plain()) == record
        True
        """
        _check(content)
        kept = {name: content[name] for name in _KEPT if content.get(name) is not None}
        error = content.get("error")
        kept["error"] = None if error is None else Failure.read(error, content["lesson"])
        kept["expectations"] = _expectations(content.get("expectations") or [])
        progress = content.get("progress") or {}
        return cls(**kept, progress=progress, schema=content["schema"], folder=folder)


_KEPT = [f.name for f in fields(Record) if f.name not in ("progress", "schema", "folder")]


def begin(lesson: Lesson, values: dict[str, Any], run_id: str | None = None) -> Record:
    """Return the record of a headless run that begins now.

    >>> record = begin(lessons.read("01"), {"seed": 1}, run_id="aaa")
    >>> record.title, record.status, record.parameters
    ('Gradient descent', 'running', {'seed': 1})
    """
    return Record(
        lesson=lesson.number,
        title=lesson.title,
        run_id=run_id or lesson.identity(values),
        status="running",
        started=now(),
        parameters=values,
        environment={
            "mode": "headless",
            "labkit": labkit.__version__,
            "code": lessons.code_digest(),
            "device": machine.device_name(),
            **lessons.versions(),
            **({} if language() == "en" else {"language": language()}),
        },
        process={
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "created": machine.process_began(),
        },
    )


def merge(payloads: list[dict]) -> tuple[dict, list[Expectation], dict[str, dict]]:
    """Return (results, expectations, curves) of a run from the payloads of its outputs.

    Later ones win: a result or expectation replaces the same one, curves replace all curves.

    >>> merge([{"results": {"a": 1}}, {"results": {"a": 2}}, {"curves": {}}])
    ({'a': 2}, [], {})
    """
    results: dict[str, Any] = {}
    expectations: dict[tuple, Expectation] = {}
    curves: dict[str, dict] = {}
    for payload in payloads:
        results.update(payload.get("results", {}))
        curves = payload.get("curves", curves)
        if "expectation" in payload:
            expected = Expectation(**payload["expectation"])
            expectations[expected.key] = expected
    return results, list(expectations.values()), curves


def plain(value: Any, what: str) -> Any:
    """Return a value as plain JSON data: NumPy scalars and arrays become numbers and lists.

    Raises:
        RecordError: it is too long, nested, or of another kind; the message says what is allowed.

    >>> plain((1, 2), "result sizes")
    [1, 2]
    """
    value = unwrapped(value)
    if not isinstance(value, list | tuple):
        return plain_one(value, what)
    if len(value) > _LONGEST_LIST:
        raise RecordError(f"{what} has {len(value)} items; at most {_LONGEST_LIST} are kept")
    return [plain_one(unwrapped(item), f"an item of {what}") for item in value]


def unwrapped(value: Any) -> Any:
    """Return what a NumPy array, a tensor or a scalar of theirs holds, as Python has it.

    >>> import numpy as np
    >>> unwrapped(np.array([1.0, 2.0]))
    [1.0, 2.0]
    """
    if not hasattr(value, "tolist") and hasattr(value, "numpy"):  # TensorFlow's tensors
        value = value.numpy()
    return value.tolist() if hasattr(value, "tolist") else value


def plain_one(value: Any, what: str) -> Any:
    """Return one value as JSON can hold it; see `plain`.

    >>> plain_one(float("nan"), "result loss"), plain_one(True, "result converged")
    ('nan', True)
    """
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        raise RecordError(f"{what} has {len(value)} characters; at most {_LONGEST_TEXT} are kept")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no word for nan or inf
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise RecordError(
        f"{what} is a {type(value).__name__}; allowed are numbers, true/false, texts, None "
        "and flat lists of them"
    )


def number_again(value: Any) -> Any:
    """Return nan and infinities, which records write as texts, as the numbers they were.

    >>> number_again("-inf"), number_again("sgd")
    (-inf, 'sgd')
    """
    return float(value) if isinstance(value, str) and value in ("nan", "inf", "-inf") else value


def now() -> str:
    """Return the time in UTC to the millisecond, as ISO 8601.

    >>> datetime.fromisoformat(now()).utcoffset().total_seconds()
    0.0
    """
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")


def _check(content: Any) -> None:
    """Raise a RecordError that says what is wrong with a record as read from its file."""
    if not isinstance(content, dict) or not isinstance(content.get("schema"), int):
        raise RecordError("not a record: it has no number of its schema")
    if content["schema"] > SCHEMA:
        raise RecordError(
            f"a record of schema {content['schema']}, but this labkit reads up to {SCHEMA}; "
            "update labkit to read it"
        )
    texts, sections = ("lesson", "run_id", "status", "started"), ("parameters", "results")
    wrong = [name for name in texts if not isinstance(content.get(name), str)]
    wrong += [name for name in sections if not isinstance(content.get(name), dict)]
    optional = ("error", "environment", "process", "progress")
    wrong += [name for name in optional if not isinstance(content.get(name), dict | None)]
    if not _are_curves(content.get("curves", {})):  # schema 1 has none
        wrong.append("curves")
    if wrong:
        raise RecordError(f"not a whole record: missing or of a wrong kind are {', '.join(wrong)}")


def _are_curves(curves: Any) -> bool:
    """Whether this is {metric: {"step": [...], "value": [...]}}, both lists of one length."""
    return isinstance(curves, dict) and all(
        isinstance(curve, dict)
        and isinstance(curve.get("step"), list)
        and isinstance(curve.get("value"), list)
        and len(curve["step"]) == len(curve["value"])
        for curve in curves.values()
    )


def _expectations(content: list[dict]) -> list[Expectation]:
    try:
        return [Expectation(**expected) for expected in content]
    except TypeError as error:
        raise RecordError(f"not a whole record: its expectations are unclear ({error})") from None
