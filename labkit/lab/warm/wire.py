"""How a client and the fork server speak: a socket in a folder of one's own, messages of JSON."""

from __future__ import annotations

import json
import os
import socket
import stat
import struct
import tempfile
from contextlib import suppress
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir

_LONGEST_MESSAGE = 16 * 2**20  # bytes; an environment is some kilobytes
_LONGEST_FOLDER = 84  # bytes; the whole path of a socket has at most 107


class ForkError(RuntimeError):
    """A kernel that could not be forked; the message says why."""


def folder() -> Path:
    """Return the folder of this user's sockets, which nobody else may enter.

    It is in Jupyter's runtime folder; in that of temporary files where this one cannot be written
    or its name is too long.

    Raises:
        ForkError: it belongs to somebody else, others may enter it, or none can be written.
    """
    places = [Path(tempfile.gettempdir()) / f"labkit-{os.getuid()}"]
    with suppress(RuntimeError):  # a user without a home
        places.insert(0, Path(jupyter_runtime_dir()) / "labkit")
    for place in places:
        if len(os.fsencode(place)) > _LONGEST_FOLDER:
            continue
        with suppress(OSError):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.path.lexists(place) and (found := _private(place)):
            return found
    named = " nor ".join(map(str, places))
    raise ForkError(f"neither {named} can be written: set JUPYTER_RUNTIME_DIR to a folder that can")


def _private(place: Path) -> Path | None:
    """Return a folder if it can be written; raise where others might write there too."""
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ForkError(f"{place} must be a folder of yours that nobody else may enter (mode 700)")
    return place if os.access(place, os.W_OK | os.X_OK) else None


# --- one message: its length, then JSON; open files travel beside the first byte ---------------


def send(connection: socket.socket, content: dict, files: tuple[int, ...] = ()) -> None:
    """Send one message, with open files (descriptors) if any."""
    body = json.dumps(content).encode()
    message = struct.pack("!I", len(body)) + body
    sent = socket.send_fds(connection, [message], files) if files else 0
    connection.sendall(message[sent:])


def receive(connection: socket.socket, files: int = 0) -> tuple[dict, list[int]]:
    """Return one message and the open files that came with it.

    Raises:
        EOFError: the other end is gone.
        ForkError: the message is too long.

    >>> one, other = socket.socketpair()
    >>> with one, other:
    ...     send(one, {"exit": 0})
    ...     receive(other)
    ({'exit': 0}, [])
    """
    head, opened, _, _ = socket.recv_fds(connection, 4, files)
    head += _exactly(connection, 4 - len(head)) if head else b""
    if not head:
        raise EOFError
    (length,) = struct.unpack("!I", head)
    if length > _LONGEST_MESSAGE:
        raise ForkError(f"a message of {length} bytes is too long")
    return json.loads(_exactly(connection, length)), list(opened)


def _exactly(connection: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = connection.recv(count - len(parts))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def is_same_user(connection: socket.socket) -> bool:
    """Tell whether the process at the other end belongs to this user."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return struct.unpack("3i", credentials)[1] == os.getuid()
