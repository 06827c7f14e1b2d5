"""Settings as text, numbers as words, and the buttons that copy them."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import anywidget
import numpy as np
import traitlets

from labkit.explore import figures
from labkit.explore.kit.script import script
from labkit.lab.phrases import page_phrases


def as_parameters(params: Mapping[str, Any]) -> str:
    """Return the settings as lines of a parameters cell.

    >>> print(as_parameters({"learning_rate": 0.1, "optimizer": "sgd"}))
    learning_rate = 0.1
    optimizer = "sgd"
    """
    return "\n".join(f"{name} = {literal(value)}" for name, value in params.items())


def as_command(lesson: str, params: Mapping[str, Any]) -> str:
    """Return the command that runs `lesson` with these settings, quoted for a shell.

    >>> as_command("01", {"learning_rate": 0.1, "surface": "a bowl"})
    "labkit run 01 -p learning_rate=0.1 -p 'surface=a bowl'"
    """
    plain = {name: v if isinstance(v, str) else literal(v) for name, v in params.items()}
    pairs = (shlex.quote(f"{name}={value}") for name, value in plain.items())
    return " ".join(["labkit", "run", lesson, *(f"-p {pair}" for pair in pairs)])


def as_call(name: str, params: Mapping[str, Any]) -> str:
    """Return the call that builds an explorer with these settings.

    >>> as_call("StartExplorer", {"steps": 20})
    'StartExplorer(steps=20)'
    """
    return f"{name}({', '.join(f'{key}={literal(value)}' for key, value in params.items())})"


def literal(value: Any) -> str:
    """Return Python source of a setting; text in double quotes, NumPy numbers as plain ones.

    >>> literal(np.float64(0.5)), literal(("a", 1))
    ('0.5', '["a", 1]')
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple | list):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    return repr(value)


def short(number: float) -> str:
    """Return a number in at most three digits; a tie is rounded away from zero, as in the page.

    >>> short(0.012345), short(12.0), short(0.000123)
    ('0.0123', '12', '1.2e-4')
    """
    size = abs(number)
    exact = Decimal(float(number))
    if not number:
        return "0"
    if size < 1e-3 or size >= 1e5:
        return _with_exponent(exact)
    rounded = exact.quantize(Decimal(1).scaleb(exact.adjusted() - 2), rounding=ROUND_HALF_UP)
    text = f"{rounded:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _with_exponent(exact: Decimal) -> str:
    power = exact.adjusted()
    digits = exact.scaleb(-power).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
    if abs(digits) >= 10:
        digits, power = digits / 10, power + 1
    return f"{digits:.1f}".removesuffix(".0") + f"e{power}"


def percent(share: float) -> str:
    """Return a share in whole percent; 0 % is said of nothing else than 0, and 100 % of all alone.

    >>> percent(0.125), percent(0.999), percent(1.0), percent(0.0)
    ('13 %', '> 99 %', '100 %', '0 %')
    """
    whole = math.floor(100 * share + 0.5)
    if whole == 0 < share:
        return "< 1 %"
    return "> 99 %" if share < 1 <= whole / 100 else f"{whole} %"


class CopyButtons(anywidget.AnyWidget):
    """Buttons that copy texts, and show what they copied.

    Inside an explorer of ipywidgets (class `labkit-explorer`) its script also mends what their
    controls lack: names, a live status line, and keys that JupyterLab would take for shortcuts.
    Its style lets the explorer's picture follow the theme.

    Args:
        texts: label of a button -> the text that it copies.
    """

    texts = traitlets.Dict().tag(sync=True)
    phrases = traitlets.List().tag(sync=True)  # what it says, in the learner's language
    asked = traitlets.Unicode().tag(sync=True)  # the page asks whether a kernel is there
    answered = traitlets.Unicode().tag(sync=True)
    _esm = script("kit/copies")
    _css = figures.THEMES  # of the picture above the buttons

    def __init__(self, texts: Mapping[str, str] | None = None) -> None:
        super().__init__(texts=dict(texts or {}), phrases=page_phrases(self._esm))
        traitlets.link((self, "asked"), (self, "answered"))
