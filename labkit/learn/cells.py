"""What the cells of the live notebook tell about an answer; nothing in a plain script."""

import re
from typing import Any

from labkit.lab.records.shell import shell


def name_of(answer: Any, exercise: str) -> str:
    """Return under which name the learner's cell gives an answer to an exercise, '' if unknown.

    >>> name_of(unread_definition, "update")
    'unread_definition'
    """
    cell = (_sources() or [""])[-1]
    if given := re.search(rf"\b{exercise}\.(?:use|check)\(\s*(\w+)\s*\)", cell):
        return given[1]
    name = getattr(answer, "__name__", "")
    return name if isinstance(name, str) and name.isidentifier() else ""


def unread_definition(name: str) -> str:
    """Say that the newest cell with the learner's answer has a syntax error, '' if it has not.

    Python then still holds the answer of the run before, and would check that.
    """
    for source in reversed(_sources() if name else []):
        if re.search(rf"^\s*(async\s+)?def\s+{name}\b|^{name}\s*=", source, re.MULTILINE):
            return "" if _compiles(source) else _STALE.format(name=name)
    return ""


_STALE = (
    "The cell with `{name}` that you ran last has a syntax error, so Python still holds the "
    "version from before. Mend that cell, run it, then this one."
)


def _sources() -> list[str]:
    """Return the sources of the cells that were run in this kernel, the current one last."""
    live = shell()
    return list(live.user_ns.get("In", [])) if live else []


def _compiles(source: str) -> bool:
    try:
        compile(source, "cell", "exec")
    except SyntaxError:
        return False
    except ValueError:  # a null character: not for us to explain
        return True
    return True
