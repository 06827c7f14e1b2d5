"""A prediction: entered before the answer can be seen, kept, and set beside the measurement.

The page does it all (js/predict), also while the kernel is busy: it takes the guess, sets the
measurement beside it and says in words what was right or wrong about it. Python checks the
question, keeps the first guess among the learner's progress, and writes the forms of a question
that need neither kernel nor script.
"""

from __future__ import annotations

import base64
import html
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets

from labkit import machine
from labkit.explore import figures, kit
from labkit.explore.kit import in_page
from labkit.explore.kit.page import alive
from labkit.explore.kit.script import script
from labkit.lab import progress
from labkit.lab.phrases import page_phrases, translated
from labkit.lab.records.shell import in_notebook

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from traitlets import Bunch

Choices = Sequence[str] | Mapping[str, str]

HANDLES = 41  # of a guessed curve, at most
POINTS = 1000  # of a true curve that are sent to the page, at most
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_AXES = ("x", "y", "x_label", "y_label", "log_y")


def predict(
    lesson: str,
    name: str,
    question: str,
    *,
    answer: Any,
    because: str,
    choices: Choices | None = None,
    number: tuple[float, float] | None = None,
    curve: Mapping[str, Any] | None = None,
    unit: str = "",
    close: float | None = None,
    log: bool = False,
    mark: str = "measured",
) -> Prediction:
    """Return a question whose answer stays covered until a guess is made or asked for.

    Exactly one of `choices`, `number` and `curve` says how it is answered. The first guess counts:
    it is kept among the learner's progress, and comes back when the cell is run again.

    Args:
        lesson: the lesson's number, "01".
        name: of the prediction, unlike any other in the lesson: small letters, digits, -.
        question: plain text, one or two sentences.
        answer: what was measured: one of the choices; a number; or the curve's values, evenly
            spaced over its x range, or pairs (x, y).
        because: the reason, in one or two sentences.
        choices: the labels; or label -> what is right or wrong about choosing it.
        number: (lowest, highest) that can be entered.
        curve: x=(first, last), y=(lowest, highest), x_label, y_label, and log_y=True if y is
            logarithmic.
        unit: of the number.
        close: how far a number may lie from the answer to count as close, in its unit, or with
            `log` by which factor; None: a tenth of the range.
        log: whether the range of the number is logarithmic.
        mark: "measured"; "modeled" where the answer came out of a formula, "simulated" where out of
            a simulation.

    Raises:
        TypeError: not exactly one of `choices`, `number` and `curve`.
        ValueError: an answer that the question does not allow, a range without an inside, or an
            unknown mark.

    >>> asked = predict("01", "rate", "How large can the rate be?", number=(0, 1), answer=0.25,
    ...                 because="At 1/4 each step ends as far from the minimum as it began.")
    >>> print(asked.text)
    Predict. How large can the rate be?
    Measured: 0.25.
    At 1/4 each step ends as far from the minimum as it began.
    """
    forms = {"choice": choices, "number": number, "curve": curve}
    given = [form for form, value in forms.items() if value is not None]
    if len(given) != 1:
        raise TypeError(f"give exactly one of choices, number and curve; got {given or 'none'}")
    form = given[0]
    if form != "number" and (unit or log or close is not None):
        raise TypeError("unit, close and log belong to a number")
    task = {"lesson": lesson, "name": name, "question": question, "because": because, "form": form}
    _check_texts(**{key: value for key, value in task.items() if key != "form"})
    if mark not in ("measured", "modeled", "simulated"):
        raise ValueError(f"mark is 'measured', 'modeled' or 'simulated'. Received: {mark!r}")
    task["mark"] = mark
    if choices is not None:
        task |= _choice_task(answer, choices)
    elif number is not None:
        task |= _number_task(answer, number, unit, close, log)
    else:
        task |= _curve_task(answer, curve)
    return Prediction(task)


class Prediction(anywidget.AnyWidget):
    """A question with its covered answer; made by `predict`.

    Attributes:
        task: the question, its answer and how it is answered, as plain data.
        kept: {} until a guess is made; then guess (None if the answer was just shown), close,
            shown.
        text: question, answer and reason.
    """

    task = traitlets.Dict().tag(sync=True)
    kept = traitlets.Dict().tag(sync=True)
    phrases = traitlets.List().tag(sync=True)  # what it says, in the learner's language
    _esm = script("predict/explorer")

    def __init__(self, task: Mapping[str, Any]) -> None:
        given = {"kept": _kept_before(task), "phrases": page_phrases(self._esm, _said_of(task))}
        super().__init__(task=dict(task), **given)
        self._memory = None  # a handle of an output, once it is displayed
        self.observe(self._keep, "kept")  # from now on: what was kept before is not kept again

    def _keep(self, change: Bunch) -> None:
        """Keep the first guess among the learner's progress and in the notebook."""
        if change["old"] or not change["new"]:
            return
        task = self.task
        answer = _few(task["truth"]["y"]) if task["form"] == "curve" else task["answer"]
        progress.add(task["lesson"], "guess", task["name"], answer=answer, **self.kept)
        if self._memory:
            self._memory.update(self._remembered(), raw=True)

    @property
    def text(self) -> str:
        """Question, answer and reason."""
        task = self.task
        told = [
            f"{task['mark'].capitalize()}: {told_answer(task)}",
            *task.get("notes", []),
            task["because"],
        ]
        return "\n".join(map(translated, [f"Predict. {task['question']}", *told]))

    # ---- the forms it takes

    def html(self) -> str:
        """Return it as HTML that asks in the page: no kernel, nothing to load.

        Where scripts are not run (an untrusted notebook) the answer is folded.
        """
        shown = self._told(self.png)
        told = f"<details><summary>{translated('Show me')}</summary>{shown}</details>"
        state = {"task": self.task, "kept": self.kept}
        state |= {"phrases": self.phrases} if self.phrases else {}
        if machine.in_page():  # whose Python keeps the guess
            state["kernel"] = in_page.join(self)
        return alive(self._asked() + told, self._esm, state, 760)

    def flat(self) -> dict[str, str]:
        """Return the forms that need neither kernel nor script; nothing is covered."""
        mark = f'data-labkit-predict="{self.task["lesson"]}/{self.task["name"]}"'
        png = self.png
        words = self._asked() + self._told(png)
        forms = {
            "text/html": f'<section {mark} data-labkit-answered="true">{words}</section>',
            "text/plain": self.text,
        }
        if png:
            forms["image/png"] = base64.b64encode(png).decode()
        return forms

    @property
    def png(self) -> bytes:
        """The true curve, a PNG file; empty where no curve is asked for."""
        if self.task["form"] != "curve":
            return b""
        return figures.small_png(kit.draw_once(self._paint, (5.2, 2.6), 110))

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the live widget, and the forms that need no kernel."""
        if machine.in_page():
            return {"text/html": self.html(), "text/plain": self._question}, {}
        if kit.headless():  # nobody is there to guess
            flat = self.flat()
            return flat, {"image/png": {"alt": self._alt()}} if "image/png" in flat else {}
        live, metadata = super()._repr_mimebundle_(**options)
        return live | {"text/html": self.html(), "text/plain": self._question}, metadata

    def _ipython_display_(self) -> None:
        """Display it, and before it what makes JupyterLab save the notebook after a guess."""
        from IPython.display import display

        if not kit.headless() and not machine.in_page():
            self._memory = display(self._remembered(), raw=True, display_id=True)
        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)

    # ---- inside

    @property
    def _question(self) -> str:
        return translated(f"Predict. {self.task['question']}")

    def _remembered(self) -> dict[str, str]:
        """Return an output that nobody sees; a change of it, not of a widget, is there to save."""
        hidden = "<style>.jp-OutputArea-child:has(> * > .labkit-kept) { display: none; }</style>"
        kept = html.escape(json.dumps(self.kept))
        return {"text/html": f'{hidden}<i hidden class="labkit-kept" data-kept="{kept}"></i>'}

    def _asked(self) -> str:
        question = html.escape(translated(self.task["question"]))
        return f"<p><b>{translated('Predict.')}</b> {question}</p>"

    def _told(self, png: bytes) -> str:
        """Return measurement and reason as HTML, with the picture of a curve."""
        task = self.task
        mark = translated(f"{task['mark'].capitalize()}:")
        parts = [f"<p><b>{mark}</b> {html.escape(translated(told_answer(task)))}</p>"]
        if png:
            parts = [
                '<figure style="margin:0.5em 0;max-width:520px">'
                f"{figures.image(png, self._alt())}</figure>",
                *parts,
            ]
        texts = [" ".join(task.get("notes", [])), task["because"]]
        parts += [f"<p>{html.escape(translated(text))}</p>" for text in texts if text]
        pairs = [map(html.escape, map(translated, pair)) for pair in task.get("choices", [])]
        lines = [f"<li><b>{label}</b>{': ' + text if text else ''}</li>" for label, text in pairs]
        if lines:
            parts.append("<ul>" + "".join(lines) + "</ul>")
        return "".join(parts)

    def _alt(self) -> str:
        """Return the picture of a curve in words."""
        if self.task["form"] != "curve":
            return ""
        return " ".join([told_answer(self.task), *self.task["notes"]])

    def _paint(self, figure: Figure) -> None:
        task, truth = self.task, self.task["truth"]
        ax = figure.subplots()
        x, y = (np.array(truth[axis], dtype=float) for axis in "xy")
        ax.plot(x, y, color=figures.ORANGE, marker="o" if len(x) < 30 else None, markersize=4)
        ax.set(xlabel=task["x_label"], ylabel=task["y_label"], title=task["mark"])
        ax.set(yscale="log" if task["log"] else "linear")
        ax.set(xlim=task["across"], ylim=(task["low"], task["high"]))
        if (x == x.round()).all():  # steps, layers: no 2.5 among them
            ax.locator_params(axis="x", integer=True)


def _said_of(task: Mapping[str, Any]) -> list[str]:
    """Return the texts of a question that the page shows and Python made."""
    labels = [text for pair in task.get("choices", []) for text in pair]
    axes = [task[name] for name in ("x_label", "y_label", "unit") if name in task]
    own = [task["question"], task["because"], task["mark"], task["mark"].capitalize()]
    return [*own, *labels, *axes, *task.get("notes", [])]


def told_answer(task: Mapping[str, Any]) -> str:
    """Return what was measured, as a sentence without its verb.

    >>> told_answer({"form": "number", "answer": 79510, "unit": "weights"})
    '79,510 weights.'
    """
    if task["form"] == "choice":
        return f"{task['answer'].rstrip('.')}."
    if task["form"] == "number":
        return f"{say(task['answer'])} {task['unit']}".strip() + "."
    truth = task["truth"]
    points = [(x, y) for x, y in zip(truth["x"], truth["y"], strict=True) if y is not None]
    label = task["x_label"]
    first, last = (f"{kit.short(y)} at {label} {kit.short(x)}" for x, y in (points[0], points[-1]))
    return f"{task['y_label']} goes from {first} to {last}."


def say(number: float) -> str:
    """Return a number in three digits, a whole one in all of its digits.

    >>> say(79510.0), say(0.12345), say(1e-7)
    ('79,510', '0.123', '1e-7')
    """
    whole = float(number).is_integer() and abs(number) < 1e12
    return f"{int(number):,}" if whole else kit.short(number)


# --- what a question may be ----------------------------------------------------------------------


def _check_texts(lesson: str, name: str, question: str, because: str) -> None:
    texts = {"lesson": lesson, "name": name, "question": question, "because": because}
    for what, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{what} = {text!r}; give a text that says something")
    if not re.fullmatch("[0-9]{2}", lesson):
        raise ValueError(f"lesson = {lesson!r}; give its two digits, such as '01'")
    if not _NAME.fullmatch(name):
        raise ValueError(f"name = {name!r}; use small letters, digits and -, such as 'first-step'")


def _choice_task(answer: Any, choices: Choices) -> dict[str, Any]:
    if isinstance(choices, str) or len(choices) < 2:
        raise ValueError(f"choices = {choices!r}; give two labels or more")
    texts = choices if isinstance(choices, Mapping) else dict.fromkeys(choices, "")
    labels = [str(label) for label in texts]
    if len(set(labels)) < len(choices) or not all(label.strip() for label in labels):
        raise ValueError(f"choices = {list(choices)!r}; labels must differ, and none may be empty")
    if str(answer) not in labels:
        raise ValueError(f"answer = {answer!r} is none of the choices: {', '.join(labels)}")
    pairs = [[label, str(text)] for label, text in zip(labels, texts.values(), strict=True)]
    return {"answer": str(answer), "choices": pairs}


def _number_task(
    answer: Any, number: tuple[float, float], unit: str, close: float | None, log: bool
) -> dict[str, Any]:
    low, high = _range("number", number, log)
    value = _finite("answer", answer)
    if close is None:
        close = (high / low) ** 0.1 if log else (high - low) / 10
    close = _finite("close", close)
    if close < (1 if log else 0):
        raise ValueError(f"close = {close:g}; use {'a factor of 1' if log else '0'} or more")
    return {"answer": value, "low": low, "high": high, "unit": unit, "close": close, "log": log}


def _curve_task(answer: Any, curve: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := sorted(set(curve) - set(_AXES)):
        raise ValueError(f"curve has no {unknown[0]!r}; it has: {', '.join(_AXES)}")
    if missing := [name for name in ("x", "y") if name not in curve]:
        raise ValueError(f"curve lacks {missing[0]}; give x=(first, last) and y=(lowest, highest)")
    log = bool(curve.get("log_y", False))
    left, right = _range("curve's x", curve["x"], log=False)
    low, high = _range("curve's y", curve["y"], log)
    x, y = _points(answer, left, right)
    shown = np.isfinite(y) & (y > 0 if log else True)
    if shown.sum() < 2:
        raise ValueError(f"the answer has {shown.sum()} values that can be drawn; it needs two")
    labels = {key: str(curve.get(key, key[0])) for key in ("x_label", "y_label")}
    return {
        "across": [left, right], "low": low, "high": high, "log": log, **labels,
        "at": _handles(x, left, right),
        "truth": _thinned(x, np.where(shown, y, np.nan)),
        "notes": _notes(x, y, shown, low, high, labels["x_label"]),
    }  # fmt: skip


def _points(answer: Any, left: float, right: float) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of a true curve given as values or as pairs (x, y)."""
    try:
        values = np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        raise ValueError("the answer must be numbers, or pairs (x, y) of numbers") from None
    if values.ndim == 2 and values.shape[1] == 2:
        x, y = values[np.argsort(values[:, 0], kind="stable")].T
        if not np.isfinite(x).all():
            raise ValueError("an x of the answer is not finite; only y may have gaps")
    elif values.ndim == 1:
        x, y = np.linspace(left, right, len(values)), values
    else:
        raise ValueError(f"the answer has shape {values.shape}; give values, or pairs (x, y)")
    if len(y) < 2:
        raise ValueError(f"the answer has {len(y)} values; a curve needs two")
    return x, y


def _handles(x: np.ndarray, left: float, right: float) -> list[float]:
    """Return where a guess has its handles: at few measured places, or at every n-th of many."""
    pieces = len(x) - 1
    if not np.allclose(np.diff(x), (x[-1] - x[0]) / pieces):
        pieces = 20
    elif pieces >= HANDLES:
        pieces = max((n for n in range(10, HANDLES) if pieces % n == 0), default=25)
    return [float(f"{place:.6g}") for place in np.linspace(left, right, max(pieces, 4) + 1)]


def _thinned(x: np.ndarray, y: np.ndarray) -> dict[str, list[float | None]]:
    """Return at most POINTS points as plain numbers, None for a gap."""
    every = math.ceil(len(x) / POINTS)
    keep = sorted({*range(0, len(x), every), len(x) - 1})
    heights = [None if math.isnan(value) else float(f"{value:.6g}") for value in y[keep]]
    return {"x": [float(f"{value:.6g}") for value in x[keep]], "y": heights}


def _notes(
    x: np.ndarray, y: np.ndarray, shown: np.ndarray, low: float, high: float, label: str
) -> list[str]:
    """Return what the picture cannot show: gaps, and values beyond its axes."""
    notes = []
    if not shown.all():
        where = x[~shown]
        wrong = "not finite" if not np.isfinite(y).all() else "not above 0"
        points = "1 point has" if len(where) == 1 else f"{len(where):,} points have"
        first = kit.short(where[0])
        notes.append(f"{points} a value that is {wrong}, first at {label} {first}: a gap.")
    margin = 1e-9 * max(abs(low), abs(high))
    for beyond, end, worst in ((y > high + margin, "top", max), (y < low - margin, "foot", min)):
        if (beyond & shown).any():
            values = y[beyond & shown]
            first = kit.short(x[beyond & shown][0])
            notes.append(
                f"It leaves the {end} of the picture at {label} {first} "
                f"and reaches {kit.short(worst(values))}."
            )
    return notes


def _few(values: Sequence[float | None]) -> list[float | None]:
    """Return at most 50 of the values, the first and the last among them."""
    if len(values) <= 50:
        return list(values)
    return [values[k] for k in np.linspace(0, len(values) - 1, 50).round().astype(int)]


def _range(what: str, pair: Any, log: bool) -> tuple[float, float]:
    try:
        low, high = (_finite(what, value) for value in pair)
    except TypeError:
        raise ValueError(f"{what} = {pair!r}; give (lowest, highest)") from None
    except ValueError as error:
        raise ValueError(f"{what} = {pair!r}; give two finite numbers (lowest, highest)") from error
    if not low < high:
        raise ValueError(f"{what} = ({low:g}, {high:g}); the first must be below the second")
    if log and low <= 0:
        raise ValueError(f"{what} = ({low:g}, {high:g}); a logarithmic range begins above 0")
    return low, high


def _finite(what: str, value: Any) -> float:
    """Return a number as a plain one; whole numbers stay whole."""
    number = (
        value.item() if isinstance(value, np.generic | np.ndarray) and value.size == 1 else value
    )
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise ValueError(f"{what} = {value!r}; give a finite number")
    return number


# --- what was guessed before ---------------------------------------------------------------------


def _kept_before(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return the learner's first guess that fits the question, {} if there is none."""
    if not in_notebook() or kit.headless():
        return {}
    for line in progress.read():
        same = [line.get(key) for key in ("lesson", "what", "name")]
        if same == [task["lesson"], "guess", task["name"]] and _fits(task, line.get("guess")):
            return {key: line.get(key) for key in ("guess", "close", "shown")}
    return {}


def _fits(task: Mapping[str, Any], guess: Any) -> bool:
    """Return whether a guess answers this question: the question may have changed since."""
    if guess is None:
        return True
    if task["form"] == "choice":
        return guess in [label for label, _ in task["choices"]]
    numbers = guess if task["form"] == "curve" else [guess]
    if not isinstance(numbers, list) or not all(_is_number(value) for value in numbers):
        return False
    return task["form"] == "number" or len(numbers) == len(task["at"])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
