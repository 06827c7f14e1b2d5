"""Files that a reader sees whole or not at all, and whether who writes them is still there."""

import json
import os
import stat
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

# File systems on which locks do not hold between machines, or not always.
_NETWORK = ("nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "ceph", "afs", "9p", "fuse.sshfs")


def write(path: str | os.PathLike, content: str | bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never half of it.

    What the path is, it stays: a link leads to the new content, a mode and an owner are kept, and
    a device, a pipe or a file with a second name is written through. So is a file in a folder
    where nothing new may be made; only there half a file can be seen.

    Args:
        path: of the file.
        content: bytes, or a text to be encoded as UTF-8.
    """
    content = content.encode() if isinstance(content, str) else content
    target = Path(os.path.realpath(path))
    found = _found(target)
    if found is not None and (not stat.S_ISREG(found.st_mode) or found.st_nlink > 1):
        target.write_bytes(content)
        return
    beside = target.with_name(f".labkit-{os.getpid()}-{threading.get_ident()}")
    try:
        _write_beside(beside, content, found)
        os.replace(beside, target)
    except PermissionError:
        beside.unlink(missing_ok=True)
        if found is None:
            raise
        target.write_bytes(content)
    except BaseException:  # a full disk leaves the old file, and no half one
        beside.unlink(missing_ok=True)
        raise


def write_json(path: str | os.PathLike, content: Any) -> None:
    """Write a value as JSON, whole or not at all."""
    write(path, json.dumps(content, indent=1, ensure_ascii=False, default=str))


def network(folder: str | os.PathLike) -> str:
    """Return the kind of network file system that a folder is on, '' when it is on none."""
    import psutil

    place = Path(folder).absolute()
    mounts = {Path(p.mountpoint): p.fstype for p in psutil.disk_partitions(all=True)}
    kind = next((mounts[each] for each in (place, *place.parents) if each in mounts), "")
    return kind if kind.startswith(_NETWORK) else ""


def process_runs(pid: int, created: float) -> bool:
    """Return whether the process with this number, created then, still runs on this machine.

    Another process may have got the same number since; a zombie does nothing any more.

    >>> process_runs(os.getpid(), 0.0)
    False
    """
    import psutil

    try:
        found = psutil.Process(pid)
        same = abs(found.create_time() - created) < 2
        return same and found.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, TypeError, ValueError):
        return False


def _found(target: Path) -> os.stat_result | None:
    with suppress(FileNotFoundError):
        return target.stat()
    return None


def _write_beside(beside: Path, content: bytes, found: os.stat_result | None) -> None:
    """Write the new file with the mode and the owner that the old one has."""
    with open(beside, "wb") as file:
        if found is not None:
            os.chmod(beside, stat.S_IMODE(found.st_mode))
            made = os.fstat(file.fileno())
            if (made.st_uid, made.st_gid) != (found.st_uid, found.st_gid):
                os.chown(beside, found.st_uid, found.st_gid)  # refused: it is written in place
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
