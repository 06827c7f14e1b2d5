"""Run a lesson headlessly: validated parameters in, one folder with notebook, page and record out.

A run is staged in a hidden folder and appears under its name by a rename, so whoever looks sees
the previous run or this one, never half of one. Whatever ends a run, it leaves a row. While it
goes, its staged record.json is kept up to date: whoever wants to watch reads the results folder.
"""

import errno
import hashlib
import json
import logging
import math
import os
import platform
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any
from uuid import uuid4

import labkit
from labkit.lab import places, table
from labkit.lab.records import kernel as records
from labkit.lab.parameters import ParameterError, read_parameters, validate

# Packages whose version can change a result, beside the one of the Keras backend in use.
_PACKAGES = ("numpy", "scikit-learn", "keras")
_LONGEST_CAUSE = 1000  # characters of a cause in a message; the notebook has all of it
_SILENT = 120.0  # seconds without a sign of life, after which a run of another machine is dead
_OFTEN, _TOUCH = 0.5, 10.0  # seconds between two writes of a live record, if changed and if not
_SMALLEST_MEMORY = 50_000_000  # bytes; an idle kernel needs as much
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}
_STAGED = re.compile(r"\.([0-9a-f]{12})[-.]")  # the run id in the name of a hidden folder
_STOP = "stop"  # a file of this name in a run's staging folder ends the run
_BACKENDS = {"tensorflow": ("tensorflow-cpu", "tensorflow"), "jax": ("jax",), "torch": ("torch",)}


class RunError(RuntimeError):
    """A run that could not be started or kept; the message says why and what to do."""


@dataclass(frozen=True)
class Run:
    """How one run ended, as kept in its record.json."""

    entry: dict
    folder: Path

    def __getattr__(self, name: str) -> Any:
        entry = self.__dict__.get("entry", {})  # not yet there while a copy is made
        if name in entry:
            return entry[name]
        raise AttributeError(f"a run has no {name!r}; it has {sorted(entry)}")

    @property
    def ok(self) -> bool:
        """True when every cell ran and every expectation that applies held."""
        return self.entry["status"] == "finished"

    @property
    def notebook(self) -> Path:
        """The executed notebook."""
        return self.folder / "notebook.ipynb"

    @property
    def page(self) -> Path:
        """The same as an HTML page that needs no kernel and no network."""
        return self.folder / "lesson.html"

    def __repr__(self) -> str:
        cause = f": {self.entry['error']['message']}" if self.entry["error"] else ""
        return f"<run {self.lesson} {self.run_id} {self.status}{cause}>"


def run(
    lesson: str,
    parameters: dict[str, Any] | None = None,
    *,
    full: bool = False,
    folder: str | os.PathLike | None = None,
    timeout: float | None = None,
    memory: int | str | None = None,
    fork: str = "auto",
    page: bool = True,
    attempt: int | None = None,
    environment: dict[str, str] | None = None,
    stop: threading.Event | None = None,
    on_cell: Callable[[int, int], None] = lambda index, count: None,
    on_record: Callable[[dict], None] = lambda payload: None,
) -> Run:
    """Run a lesson in a fresh kernel and keep what it found; a failing lesson does not raise.

    Args:
        lesson: "01", 1 or "01_gradient_descent".
        parameters: values that differ from the lesson's defaults.
        full: start from the lesson's full-size parameters (notebooks/full.yml).
        folder: the results folder; default LABKIT_RUNS or `runs/`.
        timeout: seconds after which the run is stopped and counts as failed.
        memory: bytes (or "2GB", "500MB") of private memory above which the run is stopped and
            counts as failed.
        fork: "auto" forks the kernel where a warm parent process runs already, "always" starts
            one, "never" starts a kernel from nothing.
        page: whether to make the HTML page too.
        attempt: which attempt this is; default one more than earlier records tell.
        environment: variables for the kernel, beside those of this process.
        stop: an event that stops the run when another thread sets it.
        on_cell: called with (index, count) before each cell.
        on_record: called with each record's payload as soon as the lesson shows it.

    Returns:
        The run, with `.ok`, `.status`, `.results`, `.error`, `.folder`, `.notebook`, `.page`.

    Raises:
        PlaceError: there is no such lesson.
        ParameterError: a parameter is unknown or its value not allowed; nothing was run.
        RunError: the results folder cannot be written, or a limit makes no sense.
        KeyboardInterrupt: after the interrupted run has left its row (a run stopped by `stop` is
            returned).
    """
    check_timeout(timeout)
    memory = None if memory is None else memory_in_bytes(memory)
    path = places.lesson_file(lesson)
    notebook = read_lesson(path)
    given = {**(full_parameters(path) if full else {}), **(parameters or {})}
    schema = read_parameters(path)
    values = validate(schema, given)
    # Defaults stand in the parameters cell already; only what differs is injected below it.
    changed = {name: v for name, v in values.items() if v != schema[name].default}
    entry = new_entry(path, notebook, values)
    place = places.runs_folder(folder) / path.stem
    entry["attempt"] = attempt or 1 + _earlier_attempts(place, entry["run_id"])
    staging = place / f".{entry['run_id']}-{uuid4().hex[:8]}"
    # A lesson that looks at results() sees those that this run will join.
    folders = {"LABKIT_HOME": str(places.home()), "LABKIT_RUNS": str(place.parent)}
    wishes = {"folder": str(staging), "timeout": timeout, "memory": memory, "fork": fork}
    wishes |= {"environment": folders | (environment or {})}
    try:
        staging.mkdir(parents=True)
        records.save_json(staging / "record.json", entry)
    except OSError as error:
        raise _cannot_keep(staging, error) from error
    try:
        executed = _execute(notebook, changed, entry, staging, wishes, stop, on_cell, on_record)
        ended = _settle(entry, executed, staging, place, page)
    except OSError as error:
        ended = _settle_what_fits(entry, staging, place, error)
    if ended.status == "interrupted" and stop is None:
        raise KeyboardInterrupt
    return ended


def check_timeout(timeout: float | None) -> None:
    """Raise a RunError if this is no time limit."""
    if timeout is not None and not 0 < timeout < math.inf:
        raise RunError(f"timeout = {timeout} is not allowed; it is a number of seconds above 0")


def memory_in_bytes(text: int | str) -> int:
    """Return the bytes that a memory limit such as "2GB", "1.5 GiB" or 500000000 means.

    Raises:
        RunError: it cannot be read, or no kernel could live with it.

    >>> memory_in_bytes("500MB")
    500000000
    """
    match = re.fullmatch(r"\s*([0-9]+\.?[0-9]*)\s*([KMG]I?|)B?\s*", str(text).upper())
    size = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if size < _SMALLEST_MEMORY:
        raise RunError(
            f"memory = {text!r} is not allowed; it is a size such as 2GB or 500MB (at least "
            f"{_SMALLEST_MEMORY // 10**6}MB: an idle kernel needs as much)"
        )
    return size


def full_parameters(path: Path) -> dict[str, Any]:
    """Return the parameters of a lesson's full-size run, {} when it has none of its own.

    Raises:
        ParameterError: notebooks/full.yml cannot be read.
    """
    import yaml

    listed = path.parent / "full.yml"
    if not listed.exists():
        return {}
    try:
        return dict((yaml.safe_load(listed.read_text(encoding="utf-8")) or {}).get(path.stem) or {})
    except (yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        raise ParameterError(
            f"{listed} must list `lesson:` and below it `name: value` lines: {error}"
        ) from error


def read_lesson(path: Path) -> dict:
    """Return the notebook as plain data.

    Raises:
        ParameterError: the file is not a notebook.
    """
    import nbformat

    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises several kinds for one cause
        raise ParameterError(f"{path} is not a readable notebook: {error}") from error


def title(notebook: dict) -> str:
    """Return a lesson's title without its number, from the heading of its first cell.

    >>> title({"cells": [{"source": "# 01 · Gradient descent"}]})
    'Gradient descent'
    """
    cells = notebook["cells"] or [{"source": ""}]
    heading = ("".join(cells[0]["source"]).splitlines() or [""])[0]
    return heading.lstrip("# 0123456789·").strip()


def identity(path: Path, notebook: dict, values: dict[str, Any]) -> str:
    """Return the run id: a hash of all that decides the results.

    That is the lesson's code, labkit's code, the parameters (the seed is one), the backend and
    the versions of Python and of the packages that compute.
    """
    code = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    content = json.dumps(
        [path.stem, code, values, _package_digest(), _versions()], sort_keys=True, default=str
    )
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def save_live_run(lesson: str, values: dict[str, Any], state: dict) -> None:
    """Keep the row of a lesson that a learner runs in JupyterLab (called by `record`)."""
    path = places.lesson_file(lesson)
    values = {name: records.plain(value, name) for name, value in values.items()}
    entry = new_entry(path, read_lesson(path), values)
    entry |= {
        "run_id": entry["run_id"] + "-live",
        "status": "finished",
        "started": state["started"],
        "results": state["results"],
        "expectations": state["expectations"],
        "curves": state["curves"],
    }
    entry["environment"]["mode"] = "live"
    folder = places.runs_folder() / path.stem / entry["run_id"]
    folder.mkdir(parents=True, exist_ok=True)
    records.save_json(folder / "record.json", entry)


def new_entry(path: Path, notebook: dict, values: dict[str, Any]) -> dict:
    """Return the record of a run that begins now."""
    import psutil

    return {
        "schema": records.SCHEMA,
        "lesson": path.name[:2],
        "title": title(notebook),
        "run_id": identity(path, notebook, values),
        "status": "running",
        "attempt": 1,
        "started": records.now(),
        "seconds": None,
        "parameters": values,
        "results": {},
        "expectations": [],
        "curves": {},
        "error": None,
        "environment": {
            "mode": "headless",
            "labkit": labkit.__version__,
            "code": _package_digest(),
            "device": _device(),
            **_versions(),
        },
        "process": {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "created": psutil.Process().create_time(),
        },
    }


def _execute(notebook, values, entry, staging, wishes, stop, on_cell, on_record):
    """Run the notebook through papermill; return it as executed and bring `entry` up to date."""
    from labkit.lab.runs.engine import Watch

    payloads: list[dict] = []
    cells: dict[str, Any] = {}  # an expectation in words -> the cell that stated it

    def keep(payload: dict) -> None:
        if "curves" in payload:  # they are all there each time; a long run shows them often
            payloads[:] = [p for p in payloads if "curves" not in p]
        payloads.append(payload)
        if "expectation" in payload:
            cells[str(records.Expectation(**payload["expectation"]))] = watch.cell
        live.changed()
        on_record(payload)

    def begin(index: int) -> None:
        live.progress = {"cell": index, "cells": len(watch.notebook.cells)}
        live.changed()
        on_cell(index, len(watch.notebook.cells))

    watch = Watch(**wishes, save=staging / "notebook.ipynb", on_cell=begin, on_record=keep)
    live = _Live(entry, payloads, staging, watch, stop)
    started = time.perf_counter()
    with live:
        error = _run_papermill(notebook, values, watch)
    entry["seconds"] = round(time.perf_counter() - started, 3)
    entry["results"], entry["expectations"], entry["curves"] = records.merge(payloads)
    entry["environment"]["peak_memory_mb"] = round(watch.peak_memory / 2**20)
    entry["environment"]["kernel"] = "forked" if watch.forked else "started"
    broken = [records.Expectation(**e) for e in entry["expectations"] if e["held"] is False]
    if error is None and broken:
        cell = cells[str(broken[0])]
        message = f"{_where(watch.notebook, cell)}: {'; '.join(map(str, broken))}"
        error = {"kind": "expectation", "message": message, "cell": cell.get("id")}
    if error:
        error["message"] = f"lesson {entry['lesson']}, {error['message']}"
        entry["error"] = error
    interrupted = error is not None and error["kind"] == "interrupted"
    entry["status"] = "interrupted" if interrupted else "failed" if error else "finished"
    return watch.notebook


class _Live:
    """Keeps the staged record up to date while a run goes, and hears when the run is to stop.

    The file is touched even when nothing changes, so that another machine sees the run live.
    """

    def __init__(self, entry, payloads, staging, watch, stop):
        self._entry, self._payloads, self._staging = entry, payloads, staging
        self._watch, self._stop = watch, stop
        self._behind, self._ended = False, threading.Event()
        self.progress: dict[str, int] = {}
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def changed(self) -> None:
        """Say that there is something new to write; it is written within half a second."""
        self._behind = True

    def _work(self) -> None:
        written = 0.0
        while not self._ended.wait(0.1):
            if (self._stop and self._stop.is_set()) or (self._staging / _STOP).exists():
                self._watch.stop()
            waited = time.monotonic() - written
            with suppress(OSError):  # a full disk is met, and told, when the run ends
                if self._behind and waited >= _OFTEN:
                    self._behind, written = False, time.monotonic()
                    self._write()
                elif waited >= _TOUCH:
                    written = time.monotonic()
                    os.utime(self._staging / "record.json")

    def _write(self) -> None:
        results, expectations, curves = records.merge(list(self._payloads))
        so_far = {"results": results, "expectations": expectations, "curves": curves}
        content = self._entry | so_far | {"progress": self.progress}
        records.save_json(self._staging / "record.json", content)


def _run_papermill(notebook, values, watch) -> dict | None:
    """Return None when every cell ran, else what went wrong, where."""
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.engines import papermill_engines

    from labkit.lab.runs.engine import LabkitEngine

    papermill_engines.register("labkit", LabkitEngine)
    # Its warnings are about parameters, which are validated by now, with more types than it knows.
    logging.getLogger("papermill").setLevel(logging.ERROR)
    try:
        papermill.execute_notebook(
            notebook,
            None,
            values,
            engine_name="labkit",
            kernel_name="python3",
            language="python",
            progress_bar=False,
            watch=watch,
        )
    except papermill.PapermillExecutionError as error:
        return _problem(watch, "cell error", f"{error.ename}: {error.evalue}")
    except DeadKernelError:
        return _problem(watch, *_why_killed(watch))
    except KeyboardInterrupt:
        return _problem(watch, "interrupted", "stopped by Ctrl-C")
    except Exception as error:  # whatever the client meets, the run still leaves its row
        return _problem(watch, "runner error", f"{type(error).__name__}: {error}")
    if not watch.completed:  # papermill takes sys.exit(0) for a good end
        return _problem(watch, "cell error", "sys.exit() ended the lesson before its last cell")
    return None


def _why_killed(watch) -> tuple[str, str]:
    """Return (kind, cause) of a kernel that is gone: the engine ended it, or something else."""
    peak = f"its peak was {watch.peak_memory / 1e6:.0f} MB"
    if watch.cause == "timeout":
        return "timeout", f"not done within {watch.timeout:g} s"
    if watch.cause == "memory":
        return "memory", f"more than {watch.memory / 1e6:g} MB of memory ({peak})"
    if watch.cause == "output":
        return "output", f"more than {watch.output_limit / 1e6:g} MB of output"
    if watch.cause == "stopped":
        return "interrupted", "stopped before its end"
    cause = "the kernel died: killed, crashed in native code, or out of memory"
    return "killed kernel", f"{cause} ({peak})"


def _problem(watch, kind: str, cause: str) -> dict:
    """Return the error of a record; the engine has written it into the executed notebook."""
    if watch.cell is None:
        return {"kind": kind, "message": f"before the first cell: {cause}"}
    cause = " ".join(cause.split())  # one line, however the error was laid out
    cause = cause if len(cause) <= _LONGEST_CAUSE else cause[:_LONGEST_CAUSE] + " ..."
    message = f"{_where(watch.notebook, watch.cell)}: {cause}"
    return {"kind": kind, "message": message, "cell": watch.cell.get("id")}


def _where(notebook, cell) -> str:
    """Return which cell of the lesson this is, in words."""
    # papermill inserts a cell with parameters and marks a failing one; the lesson has neither.
    inserted = {"injected-parameters", "papermill-error-cell-tag"}
    cells = [c for c in notebook.cells if not inserted & set(c.metadata.get("tags", []))]
    number = next((n for n, c in enumerate(cells, start=1) if c is cell), None)
    place = f"cell {number} of {len(cells)}" if number else "the cell with the parameters"
    first_line = next((line.strip() for line in cell["source"].splitlines() if line.strip()), "")
    return f"{place} [{cell.get('id', '')}] `{first_line[:60]}`"


def _settle(entry: dict, notebook, staging: Path, place: Path, page: bool = True) -> Run:
    """Write what the run left and give it its name; an earlier good run survives a failed one.

    A run leaves at most two folders: of its last good end, and of a bad end after that.
    """
    if notebook is not None:
        _write_notebook(notebook, staging, f"{entry['lesson']} {entry['title']}", page)
    (staging / _STOP).unlink(missing_ok=True)
    records.save_json(staging / "record.json", entry)
    suffix = "" if entry["status"] == "finished" else f".{entry['status']}"
    final = place / (entry["run_id"] + suffix)
    _replace_folder(staging, final)
    for stale in place.glob(entry["run_id"] + ".*"):
        if stale != final:
            _remove(stale)
    for hidden in place.glob(f".{entry['run_id']}*"):
        if _is_orphan(hidden):  # cut off; this run stands for it
            shutil.rmtree(hidden, ignore_errors=True)
    return Run(entry, final)


def _settle_what_fits(entry: dict, staging: Path, place: Path, error: OSError) -> Run:
    """Keep the row of a run whose notebook could not be written, or raise if not even that."""
    cause = f"its notebook could not be kept: {error.strerror or error}"
    if entry["status"] != "interrupted":
        message = f"lesson {entry['lesson']}, {cause}"
        entry |= {"status": "failed", "error": {"kind": "runner error", "message": message}}
    try:
        for file in staging.iterdir():  # room for the record
            file.unlink()
        return _settle(entry, None, staging, place)
    except OSError:
        raise _cannot_keep(staging, error) from error


def _cannot_keep(staging: Path, error: OSError) -> RunError:
    shutil.rmtree(staging, ignore_errors=True)
    return RunError(
        f"Cannot keep results in {staging.parent}: {error.strerror or error}. Earlier runs are as "
        "they were. Free some space, or name another folder with --to or LABKIT_RUNS."
    )


def leave_failure(entry: dict, place: Path) -> Run:
    """Keep the row of a run that no process is left to settle, such as one that ends its worker."""
    staging = place / f".{entry['run_id']}-{uuid4().hex[:8]}"
    try:
        staging.mkdir(parents=True)
        return _settle(entry, None, staging, place)
    except OSError as error:
        raise _cannot_keep(staging, error) from error


def clean(place: Path) -> None:
    """Remove what dead runs left in a lesson's folder, but for the only row of a run.

    A run that was cut off after it had ended and before it had its name gets its name.
    """
    hidden = [f for f in place.glob(".*") if _STAGED.match(f.name) and _is_orphan(f)]
    staged = [(table.read_record(f / "record.json"), f) for f in hidden]
    for entry, folder in sorted(staged, key=lambda pair: pair[0].get("started", ""), reverse=True):
        run_id = _STAGED.match(folder.name)[1]
        settled = [table.read_record(f) for f in place.glob(f"{run_id}*/record.json")]
        if any(e.get("started", "") >= entry.get("started", "") for e in settled):
            shutil.rmtree(folder, ignore_errors=True)
        elif entry["status"] in ("finished", "failed") and (folder / "notebook.ipynb").exists():
            suffix = "" if entry["status"] == "finished" else ".failed"
            with suppress(OSError):
                _replace_folder(folder, place / (run_id + suffix))


def _is_orphan(hidden: Path) -> bool:
    """Whether nobody writes this staging folder any more."""
    entry = table.read_record(hidden / "record.json")
    try:
        newest = max(f.stat().st_mtime for f in (hidden, *hidden.iterdir()))
    except OSError:  # it goes away just now
        return False
    idle = time.time() - newest
    if entry["status"] == "unreadable":  # no record yet, or no more
        return idle > 5
    process = entry.get("process") or {}
    if process.get("host") != socket.gethostname():
        return idle > _SILENT
    return not table.is_alive(entry)


def is_going(place: Path, run_id: str) -> bool:
    """Whether some process is running this now, and showed it lately."""
    return any(not _is_orphan(hidden) for hidden in place.glob(f".{run_id}-*"))


def ask_to_stop(place: Path, run_id: str) -> None:
    """Ask whatever process runs this now to stop, on whatever machine it is."""
    for hidden in place.glob(f".{run_id}-*"):
        with suppress(OSError):
            (hidden / _STOP).touch()


def _earlier_attempts(place: Path, run_id: str) -> int:
    """Return how many attempts at a run its records tell that did not finish."""
    found = [*place.glob(f"{run_id}.*/record.json"), *place.glob(f".{run_id}-*/record.json")]
    return max((table.read_record(path).get("attempt") or 1 for path in found), default=0)


def _write_notebook(notebook, folder: Path, heading: str, page: bool) -> None:
    from labkit.lab.runs.engine import save_notebook
    from labkit.lab.pages.page import write_page

    save_notebook(notebook, folder / "notebook.ipynb")
    if not page:
        return
    try:
        write_page(notebook, folder / "lesson.html", heading)
    except OSError:
        raise
    except Exception as error:  # the page is only a copy; the run counts without it
        text = f"This page could not be made ({error!r}); open notebook.ipynb instead."
        (folder / "lesson.html").write_text(text, encoding="utf-8")


def _replace_folder(new: Path, final: Path) -> None:
    """Give a folder its name; what had the name before goes away only after that."""
    for attempt in range(100):
        try:
            os.rename(new, final)
            break
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
        with suppress(FileNotFoundError):  # another run of the same has just moved it away
            os.rename(final, new.with_name(f"{new.name}-old{attempt}"))
    for old in new.parent.glob(f"{new.name}-old*"):
        shutil.rmtree(old, ignore_errors=True)


def _remove(folder: Path) -> None:
    """Remove a folder so that no reader, and no dying process, leaves half of it in sight."""
    hidden = folder.with_name(f".{folder.name}-{uuid4().hex[:8]}")
    with suppress(OSError):
        os.rename(folder, hidden)
        shutil.rmtree(hidden, ignore_errors=True)


def _versions() -> dict[str, str]:
    from labkit.lab.doctor import chosen_backend

    return _versions_with(chosen_backend()[0])


@cache  # a sweep asks for each of its runs
def _versions_with(backend: str) -> dict[str, str]:
    found = {"backend": backend, "python": platform.python_version()}
    for name in (*_PACKAGES, *_BACKENDS.get(backend, ())):
        try:
            found[name.removesuffix("-cpu")] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def _package_digest() -> str:
    """Return a hash of labkit's own code: a result is only as old as the code that made it."""
    top = Path(labkit.__file__).parent
    files = sorted(p for p in top.rglob("*") if p.suffix in (".py", ".js"))
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(top).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def _device() -> str:
    from labkit.lab.doctor import device_name

    return device_name()
