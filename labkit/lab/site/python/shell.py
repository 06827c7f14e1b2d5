"""IPython in the worker of a lesson page: it runs cells, and posts what they show.

The page's worker (`js/worker.js`) calls `start` once and then `run` for each cell. Every message
is one JSON text, given to `post`; what a cell shows reaches the page while the cell still runs.
"""

from __future__ import annotations

import base64
import builtins
import io
import json
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from labkit.lab import places, progress
from labkit.lab.site.python.markdown import as_html

# The first of these that an output has is what the page shows.
MIMES = (
    "application/vnd.labkit.explorer+json",
    "text/html",
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "text/markdown",
    "text/latex",
    "text/plain",
)
_PAUSE = 0.05  # seconds between two messages of printed text
_LONGEST = 500_000  # letters that a cell may print
_LARGEST = 300_000  # bytes of a file of results that the browser keeps


class Printed(io.TextIOBase):
    """Standard output or standard error, which goes to the page in few messages."""

    def __init__(self, name: str, post: Callable[[dict], None]) -> None:
        self.name, self._post = name, post
        self._waiting: list[str] = []
        self._sent = 0.0
        self._count = 0

    def writable(self) -> bool:
        """Return True, as print() asks."""
        return True

    def isatty(self) -> bool:
        """Return False: nobody types here."""
        return False

    def write(self, text: str) -> int:
        """Take a text; a cell that prints without end is cut off."""
        if not isinstance(text, str):
            raise TypeError(f"write() takes text, not {type(text).__name__}")
        before, self._count = self._count, self._count + len(text)
        if before <= _LONGEST < self._count:
            text = f"{text}\n... more than {_LONGEST:,} letters: the rest is left out.\n"
        elif self._count > _LONGEST:
            return len(text)
        self._waiting.append(text)
        if time.monotonic() - self._sent > _PAUSE:
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Send what waits."""
        text, self._waiting = "".join(self._waiting), []
        if text:
            self._sent = time.monotonic()
            self._post({"type": "stream", "name": self.name, "text": text})

    def begin(self) -> None:
        """Count anew, for the next cell."""
        self._count = 0


def best_form(data: Mapping[str, Any]) -> tuple[str, Any]:
    r"""Return the MIME type and the content of an output that the page shows.

    >>> best_form({"text/plain": "x", "image/png": b"..."})
    ('image/png', 'Li4u')
    >>> best_form({"text/markdown": "**2**"})
    ('text/html', '<p><strong>2</strong></p>\n')
    """
    mime = next((mime for mime in MIMES if mime in data), None)
    if mime is None:
        return "text/plain", ""
    content = data[mime]
    if isinstance(content, bytes):
        content = base64.b64encode(content).decode()
    if mime in ("text/markdown", "text/latex"):
        return "text/html", as_html(content)
    return mime, content


class Publisher(DisplayPublisher):
    """Posts what `display` shows."""

    def publish(self, data, metadata=None, source=None, *, transient=None, update=False, **_):
        """Post one output, or the new form of one that is shown already."""
        self.shell.displayed(data, (transient or {}).get("display_id"), update)

    def clear_output(self, wait=False):
        """Take away what the cell has shown; with `wait` when the next output comes."""
        self.shell.flush()
        self.shell.post({"type": "clear", "wait": bool(wait)})


class Hook(DisplayHook):
    """Posts the value of a cell's last line."""

    def start_displayhook(self):
        """Do nothing: there is no prompt to write."""

    def write_output_prompt(self):
        """Write no prompt."""

    def write_format_data(self, format_dict, md_dict=None):
        """Post the value."""
        self.shell.displayed(format_dict, None, False)

    def finish_displayhook(self):
        """Do nothing: the page ends lines itself."""


class Compiler(CachingCompiler):
    """Names a cell's code by the cell, so that an error can say where it is."""

    cell = ""

    def get_code_name(self, raw_code, transformed_code, number):
        """Return the name under which a traceback and `inspect` know the code."""
        return f"<cell {self.cell}, run {number}>"


class Kernel:
    """What the lab asks a notebook's kernel for: in which cell it is."""

    cell = ""

    def get_parent(self, channel: str = "shell") -> dict[str, Any]:
        """Return the message that asked for the cell that runs now."""
        return {"metadata": {"cellId": self.cell}, "header": {}, "content": {}}


class PageShell(InteractiveShell):
    """The shell of a page; `post` takes a message as plain data."""

    display_pub_class = Publisher
    displayhook_class = Hook
    compiler_class = Compiler

    def flush(self) -> None:
        """Send what was printed."""
        sys.stdout.flush()
        sys.stderr.flush()

    def displayed(self, data: Mapping[str, Any], name: str | None, update: bool) -> None:
        """Post an output; `name` is its display_id."""
        self.flush()
        mime, content = best_form(data)
        if content or name:
            message = {"type": "display", "mime": mime, "data": content, "name": name}
            self.post(message | {"update": bool(update)})

    def showtraceback(self, exc_tuple=None, *_, **__):
        """Post an error: where in the learner's cells, and what."""
        self.flush()
        _, error, trace = self._get_exc_info(exc_tuple)
        self.error = told(error, trace)
        self.post({"type": "error", **self.error})

    def showsyntaxerror(self, filename=None, running_compiled_code=False):
        """Post an error of a cell that is no Python."""
        self.showtraceback()

    def enable_gui(self, gui=None):
        """Do nothing: a page has no event loop to join."""


def told(error: BaseException, trace: TracebackType | None) -> dict[str, Any]:
    """Return an error as plain data: its kind, its message, its places in cells, all of it.

    >>> told(ValueError("no"), None)["kind"]
    'ValueError'
    """
    found = {"kind": type(error).__name__, "message": str(error), "where": [], "all": ""}
    if isinstance(error, SyntaxError):
        place = {"cell": _cell_of(error.filename), "line": error.lineno, "text": error.text or ""}
        return found | {"message": error.msg, "where": [place]}
    if hasattr(error, "_render_traceback_"):  # it says itself what is to be said
        return found
    frames = [each for each in traceback.extract_tb(trace) if "/IPython/" not in each.filename]
    where = [
        {"cell": cell, "line": frame.lineno, "text": frame.line or ""}
        for frame in frames
        if (cell := _cell_of(frame.filename))
    ]
    whole = "".join(traceback.format_list(frames)) if len(where) < len(frames) else ""
    message = "\n".join([str(error), *getattr(error, "__notes__", ())])
    return found | {"message": message, "where": where, "all": whole}


def _cell_of(filename: str | None) -> str:
    """Return the id of the cell whose code has this name, '' for other code."""
    if not filename or not filename.startswith("<cell "):
        return ""
    return filename.removeprefix("<cell ").rpartition(", run ")[0]


# --- what the page calls -------------------------------------------------------------------------

_shell: PageShell | None = None
_read = 0  # bytes of the learner's progress that the page has
_seen: dict[str, tuple[int, int]] = {}  # files of results as the page has them


def start(post: Callable[[str], None]) -> PageShell:
    """Return IPython, which posts to the page; files that were restored before are known to it."""
    global _shell

    def send(message: dict) -> None:
        post(json.dumps(message, default=str))

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.update(autoawait=False, colors="NoColor", banner1="", xmode="Minimal")
    PageShell.post = staticmethod(send)
    _shell = PageShell.instance(config=config)
    _shell.kernel, _shell.error = Kernel(), None
    sys.stdout, sys.stderr = Printed("stdout", send), Printed("stderr", send)
    builtins.input = _nobody_to_ask
    _kept()
    return _shell


def _nobody_to_ask(prompt: object = "") -> str:
    raise RuntimeError(
        f"input({str(prompt)!r}) has nobody to ask in a page: write the value into the cell."
    )


def send(message: dict) -> None:
    """Post a message of anybody who has something to tell the page."""
    _shell.post(message)


def listen(pause: Callable[[], Any] | None = None) -> None:
    """Let the page interrupt Python, also while it sleeps.

    Args:
        pause: JavaScript that returns a promise of whether the page wants Python to stop; None
            where the page writes SIGINT into memory that it shares with Python.
    """
    time.sleep = _sleep
    if pause is None:
        return
    from pyodide.ffi import can_run_sync, run_sync

    def tick(signum, frame):
        if can_run_sync() and run_sync(pause()):
            raise KeyboardInterrupt

    signal.signal(signal.SIGUSR1, tick)


def _sleep(seconds: float, *, nap: Callable[[float], None] = time.sleep) -> None:
    """Sleep as `time.sleep` does, in pieces between which Python can be interrupted."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        nap(min(left, 0.05))


def run(source: str, cell: str) -> str:
    """Run a cell; returns {"ok", "count", "error"} as JSON.

    Args:
        source: of the cell.
        cell: its id.
    """
    _shell.kernel.cell = _shell.compile.cell = cell
    _shell.error = None
    sys.stdout.begin()
    sys.stderr.begin()
    result = _shell.run_cell(source, store_history=True)
    _shell.flush()
    keep()
    ended = {"ok": bool(result.success), "count": _shell.execution_count - 1}
    return json.dumps(ended | {"error": (_shell.error or {}).get("kind")})


def keep() -> None:
    """Post what is new in the learner's progress and in the folder of results."""
    for message in _kept():
        _shell.post(message)


def _kept() -> list[dict]:
    """Return messages on what is new since the last call."""
    global _read
    messages = []
    path = places.learner_folder() / progress.FILE
    if path.is_file() and path.stat().st_size > _read:
        with path.open("rb") as file:
            file.seek(_read)
            new = file.read()
        _read += len(new)
        messages.append({"type": "progress", "text": new.decode("utf-8", "replace")})
    for file in sorted(places.runs_folder().rglob("*")):
        if file.is_file() and (message := _changed(file)):
            messages.append(message)
    return messages


def _changed(file: Path) -> dict | None:
    """Return a message with a file of results, if it is new and text of a moderate size."""
    found = file.stat()
    stamp = (found.st_mtime_ns, found.st_size)
    if _seen.get(str(file)) == stamp:
        return None
    _seen[str(file)] = stamp
    if found.st_size > _LARGEST:
        return None
    try:
        return {"type": "file", "path": str(file), "text": file.read_text("utf-8")}
    except UnicodeDecodeError:
        return None
