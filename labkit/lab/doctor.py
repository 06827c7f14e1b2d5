"""Whether the lab can run on this machine, and how long each lesson takes here.

Each function returns plain `Check`s; a `Report` shows them. The fast check imports no framework.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

from labkit import machine
from labkit.lab import places
from labkit.lab.measured import LessonTime, calibration, lesson_times, read_measured
from labkit.lab.words import count, duration
from labkit.machine import BACKENDS, version_of

GB = 2**30
OLDEST_PYTHON = (3, 11)
LEAST_DISK = 1 * GB  # results and pages of a whole run take far less; this leaves room for data


@dataclass(frozen=True)
class Check:
    """One thing looked at: its name, what was found, whether it is fine, and if not, the fix."""

    name: str
    value: str
    ok: bool = True
    fix: str = ""


@dataclass(frozen=True)
class Report:
    """All checks and the expected time of each lesson; shows itself as text and as HTML."""

    checks: list[Check]
    times: list[LessonTime]
    busy: str = ""  # how busy other programs keep the machine, in words; "" when it is quiet

    @property
    def ok(self) -> bool:
        """True when nothing needs a fix.

        >>> Report([Check("Python", "3.9", False, "Install 3.11.")], []).ok
        False
        """
        return all(check.ok for check in self.checks)

    @property
    def problems(self) -> list[str]:
        """One sentence for each thing that is not fine, with its fix.

        >>> Report([Check("Python", "3.9", False, "Install 3.11.")], []).problems
        ['Python: 3.9. Install 3.11.']
        """
        return [f"{c.name}: {c.value}. {c.fix}" for c in self.checks if not c.ok]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data, for JSON.

        >>> Report([Check("Python", "3.12")], []).as_dict()["checks"]
        [{'name': 'Python', 'value': '3.12', 'ok': True, 'fix': ''}]
        """
        return {
            "ok": self.ok,
            "checks": [asdict(c) for c in self.checks],
            "times": [asdict(t) for t in self.times],
        }

    def in_words(self) -> str:
        """Return the sentences that a learner needs: the machine, the problems, the minutes."""
        return "\n".join([*self._sentences(), *self._time_lines()])

    def _sentences(self) -> list[str]:
        found = {check.name: check.value for check in self.checks}
        return [
            f"{self._where} has {found['Processor']} and {found['Memory']}.",
            f"GPU: {found['GPU']}.",
            f"Keras would use {found['Keras backend']}.",
            *([f"Home: {found['Home']}."] if "cannot" in found.get("Home", "") else []),
            *(f"To fix: {problem}" for problem in self.problems),
        ]

    @property
    def _where(self) -> str:
        return "This page" if machine.in_page() else "This machine"

    def _span(self) -> list[str]:
        """Return in sentences what the lessons take, and how far to trust that."""
        if machine.in_page():
            return ["Lessons take longer in a page than in JupyterLab."]
        if not self.times:
            return ["No lesson has been measured yet, so expected minutes are unknown."]
        least, most = (choose(self.times, key=lambda t: t.seconds) for choose in (min, max))
        told = f"Run without stops, a lesson takes {duration(least.seconds)} ({least.lesson})"
        busy = f"Other programs keep it busy now ({self.busy}): these times are rough."
        told += f" to {duration(most.seconds)} ({most.lesson})."
        return [told, busy] if self.busy else [told]

    def _lessons(self) -> list[str]:
        return [f"{t.lesson} {t.title}: {duration(t.seconds)}" for t in self.times]

    def _time_lines(self) -> list[str]:
        return [*self._span(), *(f"  {line}" for line in self._lessons())]

    def __repr__(self) -> str:
        width = max(len(check.name) for check in self.checks)
        lines = [f"{_sign(c)} {c.name:<{width}}  {c.value}" for c in self.checks]
        lines += [f"  fix: {problem}" for problem in self.problems]
        return "\n".join([*lines, *self._time_lines()])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left' scope='row'>{_sign(c)} {escape(c.name)}</th>"
            f"<td style='text-align:left'>{escape(c.value)}</td></tr>"
            for c in self.checks
        )
        return (
            _list([*self._sentences(), *self._span()])
            + _folded("Each lesson", _list(self._lessons()))
            + _folded("All checks", f"<table>{rows}</table>")
        )


def _list(lines: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _folded(summary: str, inside: str) -> str:
    return f"<details><summary>{summary}</summary>{inside}</details>"


def report(
    datasets: Iterable[Any] | None = None, *, full: bool = False, calibrated: bool = True
) -> Report:
    """Look at the whole machine.

    Args:
        datasets: `labkit.data.available()`; None leaves the data sets out.
        full: also import Keras' backend and ask it for its devices (several seconds).
        calibrated: False skips the moment of work that scales the expected times.

    Returns:
        The report; `print` it, or let a notebook show it.

    >>> [check.name for check in report(calibrated=False).checks][:3]
    ['Python', 'Packages', 'Keras backend']
    """
    if machine.in_page():
        return Report(page_checks(), [])  # no lesson was timed in a page
    checks = [python_check(), packages_check(), backend_check(full), *device_checks()]
    checks += [memory_check(), disk_check(), home_check(), *data_checks(datasets or [])]
    return Report(checks, lesson_times(calibration() if calibrated else None), busy_in_words())


def busy_in_words(load: float | None = None) -> str:
    """Return how busy the machine is, "" where every core has time to spare.

    Args:
        load: how many processes want to run, averaged over a minute; None asks the system.

    >>> busy_in_words(0.1)
    ''
    """
    if load is None:
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    here = machine.cores()
    return f"{load:.1f} programs want its {count(here, 'core')}" if load > 1.2 * here else ""


def page_checks() -> list[Check]:
    """Return what can be said of the Python in a web page, and nothing that it has not.

    >>> [check.name for check in page_checks()][:2]
    ['Python', 'Processor']
    """
    total, free = machine.memory()
    none = "no lesson in a page needs one"
    return [
        Check("Python", f"{'.'.join(map(str, sys.version_info[:3]))}, in this page"),
        Check("Processor", "one core without threads"),
        Check("Memory", f"{total / GB:.1f} GB of memory, {free / GB:.1f} GB of it free"),
        Check("GPU", f"out of reach, and {none}"),
        Check("Keras backend", f"nothing: {none}; lessons with networks run in JupyterLab"),
    ]


# --- Python and packages --------------------------------------------------------------------


def python_check(version: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """Return whether this Python is new enough, and where it is.

    >>> python_check((3, 9, 2)).ok
    False
    """
    shown = f"{'.'.join(map(str, version))} ({sys.executable})"
    oldest = ".".join(map(str, OLDEST_PYTHON))
    fix = (
        f"labkit needs Python {oldest} or newer: install it and run make lab PYTHON=python{oldest}."
    )
    return Check("Python", shown, version[:2] >= OLDEST_PYTHON, fix)


def packages_check(requirements: Iterable[str] | None = None) -> Check:
    """Return whether the packages that labkit needs are installed, in versions that fit.

    Args:
        requirements: as in pyproject.toml; None reads those of the installed labkit.

    >>> packages_check(["no-such-package>=1"]).value
    'missing: no-such-package>=1'
    """
    from packaging.requirements import Requirement

    listed = importlib.metadata.requires("labkit") if requirements is None else requirements
    wanted = [Requirement(line) for line in listed or []]
    wanted = [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]
    found = {r.name: version_of(r.name) for r in wanted}  # each reads a file of its package
    missing = [f"{r.name}{r.specifier}" for r in wanted if found[r.name] is None]
    misfits = [
        f"{r.name} {found[r.name]} (needs {r.specifier})"
        for r in wanted
        if found[r.name] and not r.specifier.contains(found[r.name], prereleases=True)
    ]
    problems = [f"missing: {', '.join(missing)}"] if missing else []
    problems += [f"other versions than needed: {', '.join(misfits)}"] if misfits else []
    main = [f"{name} {version_of(name)}" for name in ("numpy", "matplotlib", "keras", "jupyterlab")]
    value = "; ".join(problems) or f"all {len(wanted)} there ({', '.join(main)})"
    fix = "Run make lab again: it installs exactly what the lock file lists."
    return Check("Packages", value, not problems, fix)


def backend_check(full: bool = False) -> Check:
    """Return the backend that Keras would use; `full` imports it and lists its devices."""
    name, source = machine.chosen_backend()
    if name not in BACKENDS:
        fix = f"Set KERAS_BACKEND to one of {', '.join(BACKENDS)}, or unset it for tensorflow."
        return Check("Keras backend", f"unknown backend {name!r} from {source}", False, fix)
    versions = [version_of(package) for package in BACKENDS[name] if version_of(package)]
    if not versions:
        extra = "cpu" if name == "tensorflow" else name
        fix = f'Install it with: {sys.executable} -m pip install ".[{extra}]", or choose another.'
        return Check("Keras backend", f"{name} is chosen by {source} but missing", False, fix)
    value = f"{name} {versions[0]}, chosen by {source}"
    return _with_devices(value) if full else Check("Keras backend", value)


def _with_devices(value: str) -> Check:
    # In a process of its own: a framework that fails to load must not end the doctor.
    code = "import keras; print('devices:', *keras.distribution.list_devices())"
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_MODULE_LOADING": "LAZY"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    if done.returncode == 0:
        return Check("Keras backend", f"{value}; {done.stdout.strip().splitlines()[-1]}")
    cause = (done.stderr.strip().splitlines() or ["no message"])[-1]
    fix = "Run make lab again to repair the packages, or choose another KERAS_BACKEND."
    return Check("Keras backend", f"{value}, but it does not import: {cause}", False, fix)


# --- the machine ----------------------------------------------------------------------------


def device_checks() -> list[Check]:
    """Return processor and GPU; a GPU that the installed TensorFlow cannot use is a problem.

    >>> [check.name for check in device_checks()]
    ['Processor', 'bfloat16 units', 'GPU']
    """
    processor = Check("Processor", f"{machine.cores()} cores ({machine.cpu_name()})")
    units = Check("bfloat16 units", machine.bfloat16_units())
    found = machine.gpus()
    if not found:
        return [processor, units, Check("GPU", "none found, and no lesson needs one")]
    idle = machine.chosen_backend()[0] == "tensorflow" and version_of("tensorflow-cpu") is not None
    fix = "The installed TensorFlow cannot use it: see the GPU route in docs/install.md."
    # Not a failure: the lab runs, only slower than it could.
    value = ", ".join(found) + (f". {fix}" if idle else "")
    return [processor, units, Check("GPU", value)]


def memory_check(total: int | None = None, free: int | None = None) -> Check:
    """Return memory in total and free; a problem when a lesson needs more than is free.

    Args:
        total, free: bytes; None asks the system.

    >>> memory_check(total=8 * GB, free=6 * GB).value
    '8.0 GB of memory, 6.0 GB of it free'
    """
    total, free = (total, free) if total is not None else machine.memory()
    needed = max((row["peak_memory_mb"] * 2**20 for row in read_measured()), default=0)
    value = f"{total / GB:.1f} GB of memory, {free / GB:.1f} GB of it free"
    fix = (
        f"The largest lesson needs {needed / GB:.1f} GB: close other programs, or run the "
        "lessons one at a time."
    )
    return Check("Memory", value, free >= needed, fix)


def disk_check(folder: Path | None = None, free: int | None = None) -> Check:
    """Return the free space where results go; little, or no right to write, is a problem.

    >>> disk_check(free=1000).ok
    False
    """
    folder = folder or places.runs_folder()
    existing = next(path for path in [folder, *folder.parents] if path.exists())
    free = shutil.disk_usage(existing).free if free is None else free
    value = f"{free / GB:.1f} GB free in {folder}"
    elsewhere = "or name another folder in LABKIT_RUNS."
    if not os.access(existing, os.W_OK):
        return Check("Disk", f"{folder} cannot be written", False, f"Allow writing, {elsewhere}")
    fix = f"Free some space (at least {LEAST_DISK / GB:.0f} GB), {elsewhere}"
    return Check("Disk", value, free >= LEAST_DISK, fix)


def home_check() -> Check:
    """Return whether the user's folder can be written; the lab works without it."""
    home = os.path.expanduser("~")
    if os.access(home, os.W_OK):
        return Check("Home", f"{home} can be written")
    instead = tempfile.gettempdir()
    return Check("Home", f"{home} cannot be written, so settings and sockets go to {instead}")


def data_checks(datasets: Iterable[Any]) -> list[Check]:
    """Return a check for each data set, from what `labkit.data.available()` lists.

    >>> from types import SimpleNamespace
    >>> data = SimpleNamespace(name="digits", state="ready", rows=9, where="here", optional=False)
    >>> data_checks([data])[0].value
    '9 rows in here'
    """
    checks = []
    for data in datasets:
        ready = data.state == "ready"
        value = f"{data.rows:,} rows in {data.where}" if ready else data.state
        if data.optional:  # which is missing then, and not damaged
            value = f"optional; {value}"
        fix = f"Run labkit data {data.name} to see both ways to get it."
        checks.append(Check(f"Data: {data.name}", value, ready or data.optional, fix))
    return checks


def _sign(check: Check) -> str:
    return "✓" if check.ok else "✗"
