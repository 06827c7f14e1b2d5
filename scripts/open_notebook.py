"""Open JupyterLab on the lessons' index, for this machine only, with a token.

Usage: python scripts/open_notebook.py [PORT]
"""

import os
import socket
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]


def port_is_free(port: int) -> bool:
    """Whether a server can listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        # As servers do: a port that was just closed counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def command(port: int) -> list[str]:
    """Return the command that starts JupyterLab."""
    arguments = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={HERE}",
        "--LabApp.default_url=/lab/tree/notebooks/index.ipynb",
        "--LabApp.news_url=None",  # no news and no version check: the lab works offline
        "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # containers run as root
        arguments.append("--ServerApp.allow_root=True")
    return [sys.executable, "-m", "jupyterlab", *arguments]


def main() -> None:
    """Replace this process by JupyterLab, or say why not."""
    text = sys.argv[1] if len(sys.argv) > 1 else "8888"
    if not text.isdigit() or not 1024 <= int(text) <= 65535:
        sys.exit(f"PORT={text} is not a port: give a number from 1024 to 65535.")
    if not port_is_free(int(text)):
        sys.exit(
            f"Port {text} of this machine is busy, perhaps with a JupyterLab already running. "
            f"Close that one, or choose another: make notebook PORT={int(text) + 1}"
        )
    started = command(int(text))
    # JupyterLab's terminals then find `labkit`.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    os.execv(started[0], started)


if __name__ == "__main__":
    main()
