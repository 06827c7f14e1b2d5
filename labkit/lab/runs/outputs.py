"""How much a run may put out, so that one without end harms nobody."""

from collections import Counter
from typing import Any

from nbformat.v4 import new_output

_KEPT = 20_000  # characters of a cell that went on without end
_AROUND = 200  # bytes that even an empty output takes
_FIGURES = 10  # times as much may be displayed as printed: figures are large, and seldom endless
_SORTS = {
    "stream": "printed",
    "error": "printed",
    "display_data": "displayed",
    "execute_result": "displayed",
}


class Meter:
    """Counts the bytes that the cells of a run print and display."""

    def __init__(self, limit: int | None):
        limit = float("inf") if limit is None else limit
        self._limits = {"printed": limit, "displayed": _FIGURES * limit}
        self._all: Counter = Counter()
        self._cell: Counter = Counter()

    def begin_cell(self) -> None:
        """From now on outputs are those of another cell."""
        self._cell = Counter()

    def passes(self, message: dict) -> bool:
        """Count a message; return whether there is too much now.

        >>> printed = {"msg_type": "stream", "content": {"text": 600 * "x"}}
        >>> meter = Meter(limit=1000)
        >>> meter.passes(printed), meter.passes(printed)
        (False, True)
        """
        if message["msg_type"] == "clear_output":
            self._all -= self._cell
            self._cell = Counter()
        if sort := _SORTS.get(message["msg_type"]):
            size = _AROUND + _size(message["content"])
            self._all[sort] += size
            self._cell[sort] += size
        return any(self._all[sort] > limit for sort, limit in self._limits.items())


def shorten(cell: Any, message: dict) -> None:
    """Keep the first outputs of a cell that went on without end, and say that the rest is cut.

    Args:
        cell: of the executed notebook.
        message: the one that was too much. It may be the first, and its start is kept then.

    >>> from nbformat.v4 import new_code_cell
    >>> cell = new_code_cell()
    >>> printed = {"name": "stdout", "text": 50_000 * "x"}
    >>> shorten(cell, {"msg_type": "stream", "content": printed})
    >>> len(cell.outputs[0].text), cell.outputs[1].text.strip()
    (20000, '[labkit] The rest of the output was cut.')
    """
    if message["msg_type"] == "stream":
        content = message["content"]
        cell.outputs.append(new_output("stream", name=content["name"], text=content["text"]))
    kept, left = [], _KEPT
    for output in cell.outputs:
        if output.output_type == "stream":
            output.text = output.text[:left]
        elif _size(output) > left:
            break
        kept.append(output)
        left -= _size(output)
        if left <= 0:
            break
    note = "\n[labkit] The rest of the output was cut.\n"
    cell.outputs[:] = [*kept, new_output("stream", name="stderr", text=note)]


def _size(content: dict) -> int:
    data = content.get("data") or {}
    values = [content.get("text", ""), *content.get("traceback", []), *data.values()]
    return sum(len(v) if isinstance(v, str) else len(str(v)) for v in values)
