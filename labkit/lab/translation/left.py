"""What of a translated text is still English."""

from __future__ import annotations

import re

_CODE = re.compile(
    r"`[^`]*`|\$[^$]*\$|https?://\S+|'[^']*'|\"[^\"]*\"|<[^>]*>|\b\w+\([^()]*\)|\b\w+[._]\w+\b|[{}\[\]]"
)
_RUN = re.compile(r"[A-Za-z][a-z'’-]+(?:[ ,;:]+[A-Za-z][a-z'’-]*)+")


def untranslated(text: str) -> list[str]:
    """Return the runs of two English words or more that a text holds outside its code.

    >>> untranslated("正确答案是 0.4; yours is 0.5，见 `np.where(a, b)`。")
    ['yours is']
    """
    return [run.strip() for run in _RUN.findall(_CODE.sub("·", text))]
