"""What several test files share: a small lab of its own, calls of the command line, faults."""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from labkit.cli import main
from labkit.lab import progress
from labkit.lab.table import results

TITLE = "# 98 · Trial\n\nA formula $x^2$."
PARAMETERS = "rate = 0.1  # step size, in [0.01, 1]"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def progress_line(
    what="check", name="update", lesson="98", at="2026-11-28T09:00:00+00:00", **facts
):
    """Return one line of a learner's progress, as plain data."""
    return {"at": at, "lesson": lesson, "what": what, "name": name, **facts}


def write_progress(folder, *lines):
    """Write these lines as the progress of a learner's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(each) + "\n" for each in lines)
    (folder / progress.FILE).write_text(text, encoding="utf-8")


class Lab:
    """A temporary LABKIT_HOME; cells of a lesson are c0, c1, ... after title and parameters."""

    def __init__(self, home: Path):
        self.home, self.runs = home, home / "runs"
        (home / "notebooks").mkdir()

    def lesson(self, *cells, parameters=PARAMETERS, title=TITLE, name="98_trial", tags=()) -> Path:
        """Write a lesson of these code cells; the tags are those of the last one."""
        notebook = new_notebook(metadata={"kernelspec": KERNEL})
        tagged = {"tags": ["parameters"]}
        notebook.cells = [
            new_markdown_cell(title, id="title"),
            new_code_cell(parameters, id="parameters", metadata=tagged),
            *(_code_cell(cell, f"c{n}") for n, cell in enumerate(cells)),
        ]
        notebook.cells[-1].metadata |= {"tags": list(tags)} if tags else {}
        path = self.home / "notebooks" / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    def record(self, run_id="aaa", lesson="98", folder=None, **content) -> Path:
        """Write a finished run's record.json, as an earlier run would have left it."""
        entry = {
            "schema": 1,
            "lesson": lesson,
            "title": "Trial",
            "run_id": run_id,
            "status": "finished",
            "started": "2026-01-01T00:00:00.000+00:00",
            "seconds": 1.5,
            "parameters": {"rate": 0.1},
            "results": {"answer": 0.2},
            "expectations": [],
            "error": None,
            "environment": {"mode": "headless"},
        }
        path = self.runs / f"{lesson}_trial" / (folder or run_id) / "record.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(entry | content), encoding="utf-8")
        return path

    def folders(self) -> list[str]:
        """Names of the folders of lesson 98's runs, hidden ones too."""
        return sorted(os.listdir(self.runs / "98_trial"))


def _code_cell(cell: str | tuple[str, str], id: str):
    """Return a cell, of its source or of (source, tag)."""
    source, *tags = (cell,) if isinstance(cell, str) else cell
    return new_code_cell(source, id=id, metadata={"tags": tags} if tags else {})


LAST = "from labkit.lab import record\nrecord('98', answer=rate)"


def runs_still(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def call(*words, code=0):
    """Call labkit as from a shell; return its result after checking the exit status."""
    result = CliRunner().invoke(main, [str(word) for word in words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


RATES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]


class Counted:
    """A lesson whose runs leave a file each, `<rate>-<pid>`; while `wait` is there they wait."""

    def __init__(self, lab, seconds=0.0):
        self.lab, self.started = lab, lab.home / "started"
        self.started.mkdir()
        self.hold = lab.home / "wait"
        lab.lesson(
            f"import os, pathlib, time\nhome = pathlib.Path({str(lab.home)!r})\n"
            "(home / 'started' / f'{rate}-{os.getpid()}').touch()\n"
            f"time.sleep({seconds})\n"
            "while rate > 0.25 and (home / 'wait').exists():\n    time.sleep(0.05)",
            LAST,
        )

    def command(self, workers=2, rates=RATES, *more):
        words = [sys.executable, "-m", "labkit", "sweep", "98", "--workers", str(workers), *more]
        return [*words, "-g", "rate=" + ",".join(map(str, rates))]

    def start(self, **options):
        quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(self.command(**options), start_new_session=True, **quiet)

    def runs(self):
        """Return the rates of the runs that began, sorted."""
        return sorted(float(name.split("-")[0]) for name in os.listdir(self.started))

    def pids(self):
        return [int(name.split("-")[1]) for name in os.listdir(self.started)]

    def check(self, rates=RATES):
        """One finished row of each, and no temporary file."""
        table = results()
        shown = table[["param.rate", "status", "attempt", "folder"]].to_string()
        assert table["status"].tolist() == ["finished"] * len(rates), shown
        assert sorted(table["param.rate"]) == sorted(rates)
        assert table["run_id"].is_unique
        assert (table["result.answer"] == table["param.rate"]).all()
        assert [name for name in self.lab.folders() if name.startswith(".")] == []
        for folder in table["folder"]:
            assert sorted(os.listdir(folder)) == ["notebook.ipynb", "record.json"]


def are_gone(pids):
    return not any(psutil.pid_exists(pid) and runs_still(pid) for pid in pids)


def wait_until(true, seconds=120):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


NASTY = [
    '"',
    "'",
    "\\",
    '\\"',
    '"""',
    "a\nb",
    "a\rb",
    "a\r\nb",
    "\t",
    "\x00",
    "\x1b[31m",
    "{rate} {{}} %s",
    "a=b",
    "# not a comment",
    "中文 ✓ 😀",
    "\u2028",
    "\x85",
    "None",
    "1e5",
    " ",
    "",
    "__import__('os').mkdir('made')",
    '"); import os; os.mkdir("made") #',
    '\n"""\nimport os; os.mkdir("made")\n"""',
]


@contextmanager
def small_disk(folder: Path):
    folder.mkdir()
    if not shutil.which("mount") or os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no small file system can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def largest_file(size: int):
    """Let this process write no file beyond `size` bytes: every longer write fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fill(disk: Path, leave: int) -> None:
    """Write as much to a small disk as leaves so many bytes."""
    free = os.statvfs(disk)
    with open(disk / f"filler{leave}", "wb") as file:
        file.write(b"x" * max(0, free.f_bavail * free.f_frsize - leave))


def moving(explorer) -> dict:
    """Return what an explorer's picture moves, by name."""
    return explorer._picture(explorer.params).moving


def drawn(explorer, looks) -> list[str]:
    """Return the names, in the order of `looks`, whose line is drawn."""
    lines = moving(explorer)["lines"]
    return [name for name, line in zip(looks, lines, strict=True) if len(line.get_xdata())]
