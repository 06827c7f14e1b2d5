"""Fork a kernel from a running zygote, or start one first; `labkit.lab.warm.zygote` serves it."""

from __future__ import annotations

import ast
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from labkit.lab.warm import wire
from labkit.lab.warm.identity import READ_LATER, identity, process_status, with_absolute_paths
from labkit.lab.warm.preload import FRAMEWORKS
from labkit.lab.warm.wire import ForkError

_MOST_ZYGOTES = 4  # that stay, when one more is started; each has the imports of one setting
_LONGEST_IMPORT = 120.0  # seconds that a new zygote may take to import TensorFlow
_SERVE = "from labkit.lab.warm.zygote import main; main()"


class ForkedKernel:
    """A kernel that a zygote forked for this process, used like a `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, connection: socket.socket, pid: int, ready: bool = False):
        self._connection, self.pid, self.ready = connection, pid, ready
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return None while the kernel lives, else its exit code (minus the signal's number)."""
        while self.returncode is None and self._listen(0):
            pass
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end of the kernel and return its exit code."""
        until = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise subprocess.TimeoutExpired("kernel", timeout)
            self._listen(left)
        return self.returncode

    def wait_ready(self, timeout: float) -> bool:
        """Wait until the kernel's sockets are there; False when it ended or the time is over."""
        until = time.monotonic() + timeout
        while not self.ready and self.returncode is None and time.monotonic() < until:
            self._listen(until - time.monotonic())
        return self.ready

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel; nothing happens when it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End the kernel at once."""
        self.send_signal(9)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(15)

    def _listen(self, timeout: float | None) -> bool:
        """Take one message of the zygote, if one comes in time; tell whether one came."""
        try:
            self._connection.settimeout(timeout)
            if not self._connection.recv(1, socket.MSG_PEEK):
                raise EOFError
            self._connection.settimeout(5)
            message, _ = wire.receive(self._connection)
        except (BlockingIOError, TimeoutError):
            return False
        except (OSError, EOFError):  # the zygote is gone and its kernels too, or this is a fork
            message = {"exit": -9}
        self.ready = self.ready or "ready" in message
        if "exit" in message:
            self.returncode = message["exit"]
            self._connection.close()
        return True


def fork_kernel(
    arguments: list[str],
    environment: Mapping[str, str],
    folder: str | os.PathLike,
    *,
    preload: str = "light",
    start: bool = True,
    streams: tuple[int, int, int] | None = None,
) -> ForkedKernel:
    """Return a fresh kernel forked from this user's zygote.

    Args:
        arguments: those of ipykernel, such as ["-f", connection_file].
        environment: the kernel's whole environment.
        folder: where it starts.
        preload: "light" (NumPy, pandas, matplotlib, ...) or "keras" (these and the backend).
        start: start a zygote where none runs; False raises instead.
        streams: descriptors of its standard input, output and error; default: nothing to read,
            and those of this process.

    Raises:
        ForkError: no kernel can be forked here; the message says why.
    """
    if reason := unsafe():
        raise ForkError(reason)
    if not Path(folder).is_dir():
        raise FileNotFoundError(2, "there is no such folder for a kernel", str(folder))
    place = os.path.realpath(folder)
    request = {
        "arguments": list(arguments),
        "environment": {**environment, "JPY_PARENT_PID": str(os.getpid())},
        "folder": place,
        "umask": int(process_status("self").get("Umask", "0022"), 8),
        "ignored": [n for n in signal.valid_signals() if signal.getsignal(n) == signal.SIG_IGN],
        "blocked": list(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    }
    shared = with_absolute_paths(environment, place)
    name = identity(preload, shared)
    if name in _refused:
        raise ForkError(_refused[name])
    with open(os.devnull, "rb") as nothing:
        files = streams or (nothing.fileno(), *_own_streams(nothing.fileno()))
        for _ in range(2):  # the zygote may have left in the very moment in which it was asked
            connection = _connect(preload, name, shared, start)
            with suppress(EOFError, ConnectionError, BrokenPipeError):
                return _ask(connection, request, files, name)
            connection.close()
    raise ForkError(f"the fork server ended: {_last_words(name)}")


def unsafe() -> str:
    """Return why kernels are not forked for this process, or ""."""
    if not sys.platform.startswith("linux"):
        return f"forking a kernel is not safe on {sys.platform}"
    if missing := [name for name in ("fcntl", "resource") if not importlib.util.find_spec(name)]:
        return f"this Python has no module {' and no '.join(missing)}"
    import resource

    if resource.getrlimit(resource.RLIMIT_CPU)[0] != resource.RLIM_INFINITY:
        return "processor time is limited here (ulimit -t), and the fork server would use it up"
    if _in_sandbox():
        return "this process is in a sandbox, and what that forbids cannot be compared"
    return ""


def _in_sandbox() -> bool:
    """Tell whether filters of system calls were added since this machine or container started."""
    names = ("NoNewPrivs", "Seccomp", "Seccomp_filters")
    own, first = process_status("thread-self"), process_status(1)
    if not any(own.get(name, "0") != "0" for name in names):
        return False
    return any(own.get(name) != first.get(name) for name in names)


def preload_for(notebook: Any) -> str:
    """Return which imports a notebook needs: "keras" when its cells import a framework.

    An import below `if NAME:` counts only if NAME's last plain value is true, so that a lesson
    with `compare_with_keras = False` is forked from the light zygote.

    >>> preload_for({"cells": [{"cell_type": "code", "source": "import numpy"}]})
    'light'
    >>> preload_for({"cells": [{"cell_type": "code", "source": "from keras import layers"}]})
    'keras'
    """
    values: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        with suppress(
            SyntaxError, ValueError
        ):  # cells with magics cannot be read; they seldom import
            for statement in ast.parse("".join(cell["source"])).body:
                values |= _plain_assignment(statement)
                if _loads_framework(statement, values):
                    return "keras"
    return "light"


def _plain_assignment(statement: ast.stmt) -> dict[str, Any]:
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(targets[0], ast.Name):
        with suppress(ValueError, TypeError, AttributeError):
            return {targets[0].id: ast.literal_eval(statement.value)}
    return {}


def _loads_framework(node: ast.AST, values: dict[str, Any]) -> bool:
    if isinstance(node, ast.Import):
        return any(_is_framework(alias.name) for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return not node.level and _is_framework(node.module)
    inside = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name):
        inside = node.body if values.get(node.test.id, True) else node.orelse
    return any(_loads_framework(part, values) for part in inside)


def _is_framework(name: str) -> bool:
    return name.split(".")[0] in FRAMEWORKS or name.startswith("labkit.networks")


def stop_all() -> None:
    """End this user's zygotes, and with them the kernels that they forked."""
    for path in wire.folder().glob("*.sock"):
        _dismiss(path, "now")


# --- the way to the zygote ------------------------------------------------------------------

# A kernel ends when its client's connection is closed. A process that was forked from the client
# has it too, and would keep the kernel alive: it closes what it inherits.
_connections: weakref.WeakSet[socket.socket] = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: [each.close() for each in [*_connections]])


def _connect(preload: str, name: str, environment: Mapping[str, str], start: bool) -> socket.socket:
    """Return a connection to the fitting zygote; one process at a time starts one."""
    path = wire.folder() / f"{name}.sock"
    with suppress(OSError):
        return _connected(path)
    if not start:
        raise ForkError("no fork server runs")
    with _locked(path.with_name("lock")):
        with suppress(OSError):
            return _connected(path)  # somebody else has just started it
        _start(path, preload, name, environment)
        return _connected(path)


@contextmanager
def _locked(path: Path):
    """Hold a lock that the system takes back when this process ends."""
    import fcntl

    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)  # a process forked meanwhile holds the file as well


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    _connections.add(connection)
    try:
        connection.connect(str(path))
        if not wire.is_same_user(connection):
            raise PermissionError(f"{path} is served by another user")
    except OSError:
        connection.close()
        raise
    return connection


def _start(path: Path, preload: str, name: str, environment: Mapping[str, str]) -> None:
    """Start a zygote on a socket that listens from now on: who connects waits for its imports."""
    _make_room(path.parent)
    # It outlives this kernel: nothing that belongs to one kernel may stay in its environment.
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith(("JPY_", "MPLBACKEND")) and name not in READ_LATER
    }
    command = [sys.executable, "-c", _SERVE]
    with socket.socket(socket.AF_UNIX) as listener, open(path.with_suffix(".log"), "wb") as log:
        listener.bind(str(path))  # in a folder that only this user may enter
        path.chmod(0o600)
        listener.listen(128)
        done = subprocess.run(
            [*command, str(listener.fileno()), preload, name],
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=kept,
            cwd="/",
            start_new_session=True,
        )
    if done.returncode:
        raise ForkError(f"the fork server did not start: exit code {done.returncode}")


def _make_room(place: Path) -> None:
    """Dismiss the zygotes that were not asked for longest, and remove what killed ones left."""
    latest_first = sorted(place.glob("*.sock"), key=_last_used, reverse=True)
    for number, path in enumerate(latest_first):
        try:
            _connected(path).close()
        except OSError:
            path.unlink(missing_ok=True)
            path.with_suffix(".log").unlink(missing_ok=True)
        else:
            if number >= _MOST_ZYGOTES - 1:
                _dismiss(path, "idle")


def _last_used(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _dismiss(path: Path, when: str) -> None:
    """Let a zygote leave: "now", with its kernels, or when "idle", if it has none."""
    with suppress(OSError, EOFError), _connected(path) as connection:
        wire.send(connection, {"leave": when})
        if when == "now":
            connection.settimeout(10)
            connection.recv(1)  # closed when it has been read


# Identity of a zygote -> why it cannot fork, as long as this process lives: another one would only
# import everything again, to find the same.
_refused: dict[str, str] = {}


def _ask(
    connection: socket.socket, request: dict, files: tuple[int, ...], name: str = ""
) -> ForkedKernel:
    connection.settimeout(_LONGEST_IMPORT)
    wire.send(connection, request, files)
    told: dict = {}
    try:
        while not told.keys() & {"pid", "error"}:  # the kernel may be ready before its number comes
            told |= wire.receive(connection)[0]
    except TimeoutError:
        raise ForkError(f"the fork server did not answer in {_LONGEST_IMPORT:g} s") from None
    if "error" in told:
        connection.close()
        if told.get("lasting"):
            _refused[name] = told["error"]
        raise ForkError(told["error"])
    return ForkedKernel(connection, told["pid"], ready="ready" in told)


def _last_words(name: str) -> str:
    with suppress(OSError):
        lines = (wire.folder() / f"{name}.log").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it left no message"
    return "it left no message"


def _own_streams(instead: int) -> list[int]:
    """Return this process' standard output and error; what is closed is replaced."""
    found = []
    for number in (1, 2):
        try:
            os.fstat(number)
            found.append(number)
        except OSError:
            found.append(instead)
    return found
