"""Open JupyterLab on a lesson: for this machine only, with a token, one server for the lab."""

import os
import secrets
import socket
import sys
import webbrowser
from pathlib import Path
from urllib.parse import quote

from labkit.lab import places


class PortError(ValueError):
    """A port that cannot be used; the message names another."""


class RootError(RuntimeError):
    """JupyterLab runs on a folder from which this notebook cannot be seen."""


def root(notebook: Path) -> Path:
    """Return the folder that JupyterLab serves: the lab's, or the learner's where that is outside.

    >>> root(places.home() / "notebooks" / "index.ipynb") == places.home()
    True
    """
    if notebook.is_relative_to(places.home()):
        return places.home()
    return Path(os.path.realpath(places.learner_folder()))


def address(port: int, token: str, notebook: Path) -> str:
    """Return where a browser finds a notebook of the lab, or a learner's copy of one.

    >>> address(8888, "abc", places.home() / "notebooks" / "index.ipynb")
    'http://127.0.0.1:8888/lab/tree/notebooks/index.ipynb?token=abc'
    """
    return f"http://127.0.0.1:{port}/lab/tree/{_inside(notebook)}?token={token}"


def _inside(notebook: Path) -> str:
    return quote(notebook.relative_to(root(notebook)).as_posix())


def running(notebook: Path, port: int) -> tuple[int, str] | None:
    """Return (port, token) of a JupyterLab that shows this notebook, None without one.

    Raises:
        RootError: at this port runs one of this lab that does not; the message says what to do.
    """
    from jupyter_server.serverapp import list_running_servers

    for server in list_running_servers():
        served = Path(server["root_dir"])
        if served == root(notebook) and server["token"]:
            return server["port"], server["token"]
        if served == places.home() and server["port"] == port:
            raise RootError(
                f"JupyterLab runs at port {port} on {served}, and your copies are in "
                f"{notebook.parent}. End it (Ctrl-C in its terminal), or start a second one: "
                f"labkit open --port {port + 1} (make notebook PORT={port + 1})."
            )
    return None


def check_port(port: int) -> None:
    """Raise a PortError unless a server can listen on this port of 127.0.0.1.

    >>> check_port(80)
    Traceback (most recent call last):
    ...
    labkit.lab.jupyter.PortError: 80 is not a port: give a number from 1024 to 65535.
    """
    if not 1024 <= port <= 65535:
        raise PortError(f"{port} is not a port: give a number from 1024 to 65535.")
    with socket.socket() as probe:
        # As servers do: a port that was just closed counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise PortError(
                f"Port {port} of this machine is busy. Close what uses it, or choose another: "
                f"labkit open --port {port + 1} (make notebook PORT={port + 1})."
            ) from None


def command(port: int, notebook: Path) -> list[str]:
    """Return the command that starts JupyterLab on a notebook.

    >>> command(8888, places.home() / "notebooks" / "index.ipynb")[1:5:3]
    ['-m', '--ServerApp.port=8888']
    """
    arguments = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={root(notebook)}",
        f"--LabApp.default_url=/lab/tree/{_inside(notebook)}",
        "--LabApp.news_url=None",  # no news and no version check: the lab works offline
        "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
        "--log-level=ERROR",  # its notes are not about what a learner does
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # containers run as root
        arguments.append("--ServerApp.allow_root=True")
    return [sys.executable, "-m", "jupyterlab", *arguments]


def start(port: int, notebook: Path, token: str) -> None:
    """Replace this process by JupyterLab."""
    # In the environment, not in the command, which all users of a machine can read.
    os.environ["JUPYTER_TOKEN"] = token
    # JupyterLab's terminals then find `labkit`.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    words = command(port, notebook)
    os.execv(words[0], words)


def open_in_browser(url: str) -> bool:
    """Show an address in the user's browser, where there is one."""
    return webbrowser.open(url)


def new_token() -> str:
    """Return a token that nobody can guess.

    >>> len(new_token()), new_token() == new_token()
    (48, False)
    """
    return secrets.token_hex(24)
