"""Files that a reader sees whole or not at all, and whether who writes them is still there."""

import errno
import json
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from labkit import machine

# File systems on which locks do not hold between machines, or not always.
_NETWORK = ("nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "ceph", "afs", "9p", "fuse.sshfs")
# Paths of files that some process holds open, such as its standard output.
_OPEN_FILES = ("/dev/fd/", "/dev/std", "/proc/")
# A file that cannot be replaced may still be written: its folder is shut or read-only, its owner
# another, or it is mounted alone, as into a container.
_CANNOT_REPLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV)


def write(path: str | os.PathLike, content: str | bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never half of it.

    What the path is, it stays: a link leads to the new content; mode, owner and attributes are
    kept; and what is no plain file of its own (a device, a pipe, a file with a second name) is
    written through. So is a file that cannot be replaced, as in a folder where nothing new may be
    made; only there half a file can be seen.

    Args:
        path: of the file.
        content: bytes, or a text to be encoded as UTF-8.

    Raises:
        OSError: it cannot be written; a file that would have been replaced is as it was.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write(Path(folder, "note.txt"), "whole")
    ...     Path(folder, "note.txt").read_text()
    'whole'
    """
    content = content.encode() if isinstance(content, str) else content
    found = _found(path)
    if found is not None and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
    if found is not None and not _is_replaceable(path, found):
        Path(path).write_bytes(content)
        return
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".labkit-{uuid4().hex}")
    try:
        _write_beside(beside, content, target if found else None)
        os.replace(beside, target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        if found is None or error.errno not in _CANNOT_REPLACE:
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error
        target.write_bytes(content)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_json(path: str | os.PathLike, content: Any) -> None:
    """Write a value as JSON, whole or not at all.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_json(Path(folder, "loss.json"), {"loss": 0.1})
    ...     json.loads(Path(folder, "loss.json").read_text())
    {'loss': 0.1}
    """
    text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
    write(path, text.encode("utf-8", "backslashreplace"))  # half a character as JSON writes it


def network(folder: str | os.PathLike) -> str:
    """Return the kind of network file system that a folder is on, '' when it is on none."""
    if machine.in_page():
        return ""
    import psutil

    place = Path(folder).absolute()
    mounts = {Path(p.mountpoint): p.fstype for p in psutil.disk_partitions(all=True)}
    kind = next((mounts[each] for each in (place, *place.parents) if each in mounts), "")
    return kind if kind.startswith(_NETWORK) else ""


def is_passed_on(path: str | os.PathLike) -> bool:
    """Return whether what is written there goes on to a reader or a device: a pipe, a terminal.

    >>> is_passed_on(os.devnull), is_passed_on("a_new_file")
    (True, False)
    """
    found = _found(path)
    return found is not None and not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode)


def process_runs(pid: int, created: float) -> bool:
    """Return whether the process with this number, created then, still runs on this machine.

    Another process may have got the same number since; a zombie does nothing any more.

    >>> process_runs(os.getpid(), 0.0)
    False
    """
    if machine.in_page():  # which has one process: this one
        return pid == os.getpid() and abs(machine.process_began() - created) < 2
    import psutil

    try:
        found = psutil.Process(pid)
        same = abs(found.create_time() - created) < 2
        return same and found.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, TypeError, ValueError):
        return False


def _found(path: str | os.PathLike) -> os.stat_result | None:
    with suppress(FileNotFoundError):
        return os.stat(path)
    return None


def _is_replaceable(path: str | os.PathLike, found: os.stat_result) -> bool:
    """Return whether a path is a plain file with one name, not one that a process holds open."""
    plain = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
    return plain and not os.path.abspath(path).startswith(_OPEN_FILES)


def _write_beside(beside: Path, content: bytes, old: Path | None) -> None:
    """Write a new file, with the owner, mode and attributes that the old one has."""
    with open(beside, "xb") as file:
        if old is not None:
            made, found = os.fstat(file.fileno()), old.stat()
            if (made.st_uid, made.st_gid) != (found.st_uid, found.st_gid):
                os.chown(beside, found.st_uid, found.st_gid)  # refused: it is written in place
            shutil.copystat(old, beside)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
