"""What runs leave in their folders, and what dead ones left there."""

import shutil
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from labkit.lab import files
from labkit.lab.records import folders
from labkit.lab.records.entry import Failure, Record
from labkit.lab.records.reading import SILENT, is_going, read_record
from labkit.lab.runs.limits import RunError


def settle(record: Record, notebook: Any, staging: Path, page: bool = True) -> Path:
    """Write what the run left and give it its name; return its folder."""
    if notebook is not None:
        _write_notebook(notebook, staging, f"{record.lesson} {record.title}", page)
    files.write_json(staging / folders.RECORD, record.plain())
    end = folders.settle(staging, record.run_id, record.status)
    for hidden in folders.staged(end.parent, record.run_id):
        if is_orphan(hidden):  # cut off; this run stands for it
            shutil.rmtree(hidden, ignore_errors=True)
    return end


def settle_what_fits(record: Record, staging: Path, error: OSError) -> Path:
    """Keep the row of a run whose notebook could not be written, or raise if not even that."""
    if record.status != "interrupted":
        cause = f"its notebook could not be kept: {error.strerror or error}"
        record.status, record.error = "failed", Failure.of("runner error", cause)
    try:
        for file in staging.iterdir():  # room for the record
            file.unlink()
        return settle(record, None, staging)
    except OSError:
        raise cannot_keep(staging, error) from error


def leave_failure(record: Record, place: Path) -> Path:
    """Keep the row of a run that no process is left to settle, such as one that ends its worker.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     leave_failure(Record("01", "3f2a81c09b7d", "failed"), Path(place)).name
    '3f2a81c09b7d.failed'
    """
    staging = folders.new_staged(place, record.run_id)
    try:
        staging.mkdir(parents=True)
        return settle(record, None, staging)
    except OSError as error:
        raise cannot_keep(staging, error) from error


def cannot_keep(staging: Path, error: OSError) -> RunError:
    """Return the error of a run whose results cannot be kept; its staged folder goes away."""
    shutil.rmtree(staging, ignore_errors=True)
    return RunError(
        f"Cannot keep results in {staging.parent}: {error.strerror or error}. Earlier runs are as "
        "they were. Free some space, or name another folder with --to or LABKIT_RUNS."
    )


def clean(place: Path) -> None:
    """Remove what dead runs left in a lesson's folder, but for the only row of a run.

    A run that was cut off after it had ended and before it had its name gets its name.
    """
    cut_off = [(read_record(f), f) for f in folders.staged(place) if is_orphan(f)]
    for record, folder in sorted(cut_off, key=lambda pair: pair[0].started, reverse=True):
        run_id = folders.run_id(folder.name)
        settled = [read_record(end) for end in folders.ended(place, run_id)]
        if any(end.started >= record.started for end in settled):
            shutil.rmtree(folder, ignore_errors=True)
        elif record.status in ("finished", "failed") and (folder / folders.NOTEBOOK).exists():
            with suppress(OSError):
                folders.settle(folder, run_id, record.status)


def is_orphan(staged: Path) -> bool:
    """Return whether nobody writes this staged folder any more."""
    record = read_record(staged)
    try:
        newest = max(f.stat().st_mtime for f in (staged, *staged.iterdir()))
    except OSError:  # it goes away just now
        return False
    idle = time.time() - newest
    if record.status == "unreadable":  # no record yet, or no more
        return idle > 5
    if record.process.get("host") != socket.gethostname():
        return idle > SILENT
    return not is_going(record)


def runs_now(place: Path, run_id: str) -> bool:
    """Return whether some process is running this now, and showed it lately."""
    return any(not is_orphan(hidden) for hidden in folders.staged(place, run_id))


def earlier_attempts(place: Path, run_id: str) -> int:
    """Return how many attempts at a run its records tell that did not finish.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     _ = leave_failure(Record("01", "3f2a81c09b7d", "failed", attempt=2), Path(place))
    ...     earlier_attempts(Path(place), "3f2a81c09b7d")
    2
    """
    found = [f for f in folders.ended(place, run_id) if f.name != run_id]
    return max(
        (read_record(f).attempt for f in (*found, *folders.staged(place, run_id))), default=0
    )


def _write_notebook(notebook: Any, folder: Path, heading: str, page: bool) -> None:
    from nbformat.v4 import writes_json

    # Not nbformat.write: it checks the whole file against its schema, which takes most of its time.
    files.write(folder / folders.NOTEBOOK, writes_json(notebook) + "\n")
    if not page:
        return
    from labkit.lab.pages.page import write_page  # it loads nbconvert

    try:
        write_page(notebook, folder / folders.PAGE, heading)
    except OSError:
        raise
    except Exception as error:  # the page is only a copy; the run counts without it
        text = f"This page could not be made ({error!r}); open notebook.ipynb instead."
        (folder / folders.PAGE).write_text(text, encoding="utf-8")
