"""The folders of runs: the only place that knows what they are called.

Below the results folder each lesson has a folder, and in it each run:

    3f2a81c09b7d                a run that finished
    3f2a81c09b7d.failed         one that failed (.interrupted: was stopped) after that or instead
    3f2a81c09b7d-live           what a learner recorded in JupyterLab
    .3f2a81c09b7d-01234567      staged: a run that goes on, or was cut off
"""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

RECORD, NOTEBOOK, PAGE = "record.json", "notebook.ipynb", "lesson.html"
BAD_ENDS = ("failed", "interrupted")  # statuses whose folders have a suffix
_STOP = "stop"  # a file of this name in a staged folder ends the run
_GOOD = re.compile(r"[0-9a-f]{12}")
_STAGED = re.compile(r"\.([0-9a-f]{12})[-.].*")  # older ones have longer names


def new_staged(place: Path, run_id: str) -> Path:
    """Return the name of a folder for a run that begins; it is hidden and nobody else's.

    >>> is_staged(new_staged(Path("runs/01_a"), "3f2a81c09b7d"))
    True
    """
    return place / f".{run_id}-{uuid4().hex[:8]}"


def final(place: Path, run_id: str, status: str) -> Path:
    """Return the folder of a run that ended so.

    >>> final(Path("runs/01_a"), "3f2a81c09b7d", "failed").name
    '3f2a81c09b7d.failed'
    """
    return place / (f"{run_id}.{status}" if status in BAD_ENDS else run_id)


def live(place: Path, run_id: str) -> Path:
    """Return the folder of what a learner recorded with the code and parameters of this id.

    >>> live(Path("runs/01_a"), "3f2a81c09b7d").name
    '3f2a81c09b7d-live'
    """
    return place / f"{run_id}-live"


def is_staged(folder: str | os.PathLike) -> bool:
    """Return whether a folder, or its name, is that of a run that has no end yet.

    >>> is_staged("runs/01_a/.3f2a81c09b7d-01234567"), is_staged("3f2a81c09b7d.failed")
    (True, False)
    """
    return os.path.basename(folder).startswith(".")


def run_id(name: str) -> str:
    """Return the run id in a folder's name.

    >>> run_id("abc.failed"), run_id(".abc-01234567")
    ('abc', 'abc')
    """
    return re.split("[-.]", name.removeprefix("."), maxsplit=1)[0]


def end_names(run_id: str) -> set[str]:
    """Return the names that the folder of an ended run may have.

    >>> sorted(end_names("3f2a81c09b7d"))
    ['3f2a81c09b7d', '3f2a81c09b7d.failed', '3f2a81c09b7d.interrupted']
    """
    return {final(Path(), run_id, status).name for status in ("finished", *BAD_ENDS)}


def is_good_end(name: str) -> bool:
    """Return whether a folder of this name holds a run that finished.

    >>> is_good_end("3f2a81c09b7d"), is_good_end("3f2a81c09b7d.failed")
    (True, False)
    """
    return _GOOD.fullmatch(name) is not None


def ended(place: Path, run_id: str) -> list[Path]:
    """Return the folders of a run's ends, a good end first.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     Path(place, "3f2a81c09b7d.failed").mkdir()
    ...     [folder.name for folder in ended(Path(place), "3f2a81c09b7d")]
    ['3f2a81c09b7d.failed']
    """
    folders = [final(place, run_id, status) for status in ("finished", *BAD_ENDS)]
    return [folder for folder in folders if folder.is_dir()]


def staged(place: Path, run_id: str | None = None) -> list[Path]:
    """Return the staged folders of a run, or of all runs of a lesson.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     new_staged(Path(place), "3f2a81c09b7d").mkdir()
    ...     len(staged(Path(place))), len(staged(Path(place), "aaaaaaaaaaaa"))
    (1, 0)
    """
    found = [folder for folder in place.glob(".*") if _STAGED.fullmatch(folder.name)]
    return [f for f in found if run_id is None or _STAGED.fullmatch(f.name)[1] == run_id]


def ask_to_stop(place: Path, run_id: str) -> None:
    """Ask whatever process runs this now to stop, on whatever machine it is."""
    for folder in staged(place, run_id):
        with suppress(OSError):
            (folder / _STOP).touch()


def is_asked_to_stop(folder: Path) -> bool:
    """Return whether somebody has asked the run in this staged folder to stop.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     folder = new_staged(Path(place), "3f2a81c09b7d")
    ...     folder.mkdir()
    ...     ask_to_stop(Path(place), "3f2a81c09b7d")
    ...     is_asked_to_stop(folder)
    True
    """
    return (folder / _STOP).exists()


def settle(folder: Path, run_id: str, status: str) -> Path:
    """Give a staged folder the name of its end, and return it; an earlier good end survives a bad.

    A run leaves at most two folders: of its last good end, and of a bad end after that.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     folder = new_staged(Path(place), "3f2a81c09b7d")
    ...     folder.mkdir()
    ...     settle(folder, "3f2a81c09b7d", "interrupted").name
    '3f2a81c09b7d.interrupted'
    """
    (folder / _STOP).unlink(missing_ok=True)
    place, end = folder.parent, final(folder.parent, run_id, status)
    _replace(folder, end)
    for status in BAD_ENDS:
        stale = final(place, run_id, status)
        if stale != end and stale.exists():
            _remove(stale)
    return end


def runs_below(top: Path, lesson: str = "") -> Iterator[str]:
    """Yield the folder of each run below a results folder, of one lesson's number or of all.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as top:
    ...     Path(top, "01_a", "3f2a81c09b7d").mkdir(parents=True)
    ...     [Path(run).name for run in runs_below(Path(top), "01")]
    ['3f2a81c09b7d']
    """
    for place in _folders(top):
        if place.name.startswith(lesson):
            yield from (run.path for run in _folders(place.path))


def _folders(top: str | os.PathLike) -> list[os.DirEntry]:
    try:
        with os.scandir(top) as inside:
            return [entry for entry in inside if entry.is_dir()]
    except OSError:
        return []


def _replace(new: Path, end: Path) -> None:
    """Give a folder its name; what had the name before goes away only after that."""
    aside = []
    while True:
        try:
            os.rename(new, end)
            break
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY) or len(aside) > 100:
                raise
        with suppress(FileNotFoundError):  # another run of the same has just moved it away
            aside.append(_hidden(end))
            os.rename(end, aside[-1])
    for old in aside:
        shutil.rmtree(old, ignore_errors=True)


def _remove(folder: Path) -> None:
    """Remove a folder so that no reader, and no dying process, leaves half of it in sight."""
    hidden = _hidden(folder)
    with suppress(OSError):
        os.rename(folder, hidden)
        shutil.rmtree(hidden, ignore_errors=True)


def _hidden(folder: Path) -> Path:
    """Return a staged name for a folder that goes away: a process that dies leaves it to others."""
    return new_staged(folder.parent, run_id(folder.name))
