"""A prediction: entered before the answer can be seen, kept, and set beside the measurement."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from labkit.explore.kit.walking import headless


def predict(
    lesson: str,
    name: str,
    question: str,
    *,
    answer: Any,
    because: str,
    choices: Sequence[str] | Mapping[str, str] | None = None,
    number: tuple[float, float] | None = None,
    curve: Mapping[str, Any] | None = None,
    unit: str = "",
    close: float | None = None,
) -> Any:
    """Show a question; the answer stays covered until a guess is made or "show me" is pressed.

    Exactly one of `choices`, `number` and `curve` says how it is answered.

    Args:
        lesson: the lesson's number, "01".
        name: of the prediction, unlike any other in the lesson: small letters, digits, -.
        question: plain text, one or two sentences.
        answer: what was measured: one of the choices; a number; or the curve's values, evenly
            spaced over its x range.
        because: the reason, in one or two sentences.
        choices: the labels; or label -> what is right or wrong about choosing it.
        number: (lowest, highest) that can be entered.
        curve: x=(first, last), y=(lowest, highest), x_label, y_label, and log_y=True if y is
            logarithmic.
        unit: of the number.
        close: how far a number may lie from the answer to count as close, in its unit; None: a
            tenth of the range.
    """
    from IPython.display import HTML

    words = f"<p><b>Predict.</b> {html.escape(question)}</p>"
    told = f"<p>Measured: {html.escape(str(answer))[:200]} {unit}. {html.escape(because)}</p>"
    folded = f"<details><summary>Show me</summary>{told}</details>"
    return HTML(words + (told if headless() else folded))
