"""A Jupyter kernel provisioner whose kernels are forked from a warm parent where that is safe.

Jupyter finds it by its entry point, `labkit-fork`, which the kernelspec "Python (labkit, warm)"
names; so JupyterLab, `papermill -k labkit` and nbclient use it without knowing of it. Where a fork
is not possible it starts a process as usual and says so once.
"""

import asyncio
import json
import logging
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import LocalProvisioner
from traitlets import Enum

from labkit.lab.warm import client

_LAUNCHER = [sys.executable, "-m", "ipykernel_launcher"]
_OPTIONS = {"cwd", "env", "extra_arguments", "kernel_id"}  # of a start that a fork can have too
_KNOWN = 1.5  # seconds after Ctrl-C in which a kernel that is being started is known
_log = logging.getLogger("labkit")
_said: set[str] = set()


class ForkProvisioner(LocalProvisioner):
    """Starts, interrupts, restarts and ends a kernel that was forked from a zygote."""

    fork = Enum(
        ["always", "auto", "never"],
        "always",
        help="always: start a zygote where none runs; auto: use one that runs; never: spawn",
    ).tag(config=True)
    preload = Enum(
        ["auto", "light", "keras"],
        "auto",
        help="which imports the zygote has; auto: what the notebook needs, as far as it is known",
    ).tag(config=True)

    @property
    def forked(self) -> bool:
        """Whether the kernel was forked."""
        return isinstance(self.process, client.ForkedKernel)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        """Fork the kernel; where that is not possible, start a process and say so once."""
        if self.fork != "never":
            try:
                # A first zygote imports for seconds; a server's event loop must go on meanwhile.
                await _in_a_thread(self._fork, cmd, kwargs)
            except (client.ForkError, OSError) as error:
                self._tell(f"{error}")
            else:
                return self.connection_info
        # Ctrl-C amid the start of a process would leave one that nobody knows.
        return await _in_a_thread(asyncio.run, super().launch_kernel(cmd, **kwargs))

    async def until_ready(self, timeout: float) -> None:
        """Wait until a forked kernel has opened its sockets, so that no try to connect fails."""
        if self.forked:
            await _in_a_thread(self.process.wait_ready, timeout)

    def _fork(self, cmd: list[str], options: dict[str, Any]) -> None:
        if cmd[:3] != _LAUNCHER:
            raise client.ForkError(f"this is no kernel of {sys.executable}")
        asked = {name for name, value in options.items() if value} - _OPTIONS
        if asked:
            raise client.ForkError(f"only a process has the options {', '.join(sorted(asked))}")
        environment = options.get("env") or dict(os.environ)
        preload = self.preload if self.preload != "auto" else _preload_for_session(environment)
        self.cwd = options.get("cwd") or os.getcwd()
        start = self.fork == "always"
        self.process = client.fork_kernel(
            cmd[3:], environment, self.cwd, preload=preload, start=start
        )
        self.pid = self.pgid = self.process.pid

    def _tell(self, reason: str) -> None:
        if self.fork == "always" and reason not in _said:
            _said.add(reason)
            _log.warning("Kernels are started, not forked, so each run takes longer: %s.", reason)

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel's processes; nothing happens when it has ended.

        The fork server has waited for it by then, so its number may be another's.
        """
        if not self.forked or self.process.poll() is None:
            await super().send_signal(signum)

    async def kill(self, restart: bool = False) -> None:
        """Kill the kernel and be back when it is gone: Jupyter would look only 0.1 s later."""
        await super().kill(restart=restart)
        for _ in range(1000):
            if await self.poll() is not None:
                return
            await asyncio.sleep(0.002)


async def _in_a_thread(function: Callable, *arguments: Any) -> Any:
    """Return what a function returns that blocks for a while; the event loop goes on.

    Not `run_in_executor`: a process that was forked inherits a loop with its pool of threads, and
    no thread. Nor can one thread wake the loop up there, as it shares that socket with its parent;
    so the loop looks.
    """
    result: Future = Future()

    def work() -> None:
        try:
            result.set_result(function(*arguments))
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=work, name="labkit-fork", daemon=True).start()
    try:
        await _until_done(result)
    except BaseException:  # Ctrl-C: whoever ends the kernel must know it
        await _until_done(result, _KNOWN)
        raise
    return result.result()


async def _until_done(result: Future, timeout: float = math.inf) -> None:
    until = time.monotonic() + timeout
    while not result.done() and time.monotonic() < until:
        await asyncio.sleep(0.002)


def _preload_for_session(environment: dict[str, str]) -> str:
    """Return the imports for the notebook that JupyterLab opens; it tells its path."""
    path = Path(environment.get("JPY_SESSION_NAME", ""))
    with suppress(OSError, ValueError, KeyError):
        if path.suffix == ".ipynb":
            return client.preload_for(json.loads(path.read_text(encoding="utf-8")))
    return "keras"
