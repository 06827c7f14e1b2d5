"""A server process of a lesson: started, asked, drained, killed.

>>> with Served("emulated:5+1", max_batch=8) as server:  # doctest: +SKIP
...     server.predict([[3.0]])
array([[3.]], dtype=float32)
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

import labkit
from labkit.datacenter.parcel import pack
from labkit.datacenter.parent import forget_in_copies
from labkit.datacenter.serving import protocol
from labkit.datacenter.serving.settings import Settings

START = 60.0  # seconds for a server to come up, on a machine with other work to do
HUNG = "the server was silent for too long, and was killed: its model or its rule has no end"
COMMAND = (
    "import sys; sys.path.insert(0, sys.argv.pop()); "
    "from labkit.datacenter.serving.server import main; main()"
)


class ServerError(RuntimeError):
    """A server did not start, has ended, or answered with an error.

    Attributes:
        status: of the answer; None where there was none.
    """

    def __init__(self, message: str, status: int | None = None):
        super().__init__(message)
        self.status = status


def missing() -> str:
    """Return what the extra `serve` would add, where it is not installed; else an empty text."""
    if all(map(find_spec, ("fastapi", "uvicorn", "prometheus_client", "aiohttp"))):
        return ""
    return (
        "The server needs the extra `serve`: pip install 'labkit[serve]'. It adds a real server "
        "process, with FastAPI and uvicorn, and clients that put it under load."
    )


class Served:
    """A model behind HTTP in a process of its own, on a free port of 127.0.0.1.

    Args:
        model: "emulated:A+C" (b rows are answered with themselves after A + C b ms; a row is one
            number), the path of an .onnx, .keras or .npz file, a list of arrays [W, b, W, b, ...]
            (dense layers, ReLU between them, softmax at the end), or a function of a batch
            (b, *shape).
        shape: of one row of a function's input.
        admit: the learner's rule, `admit(queue_length, oldest_wait) -> bool`, asked for each
            request. queue_length counts the requests that wait (not those in the batch that
            runs); oldest_wait is how many seconds the oldest of them has waited. It runs in the
            server's process, gets there by standard input, never by HTTP, and is stopped after
            1 s: it needs microseconds.
        port: 0 takes a free one.
        **settings: of `Settings`: max_batch, max_wait, queue_limit, patience, token, ...

    Attributes:
        inputs: shape of one row of the input; `outputs` of the output.
        counts: after the end, how many requests were accepted, answered, refused, failed, expired
            and lost, and how many clients left; None where it was killed.

    Raises:
        ModuleNotFoundError: the extra `serve` is not installed.
        ServerError: why it did not start.
    """

    def __init__(
        self,
        model: str | Path | Sequence[np.ndarray] | Callable = "emulated:50+2",
        *,
        shape: Sequence[int] | None = None,
        admit: Callable[[int, float], bool] | None = None,
        port: int = 0,
        **settings: Any,
    ):
        self.settings = Settings(**settings)
        self._wanted = {
            "model": str(Path(model).absolute()) if _is_file(model) else model,
            "shape": None if shape is None else tuple(shape),
            "admit": admit,
            "port": port,
            "settings": self.settings,
        }
        self._popen: subprocess.Popen | None = None
        self._end = lambda: None
        self.port: int | None = None
        self.counts: dict[str, int] | None = None
        forget_in_copies(self)

    def __enter__(self) -> Served:
        return self.start()

    def __exit__(self, *_) -> None:
        self.kill()

    def __reduce__(self):
        raise TypeError("a server stays where it is; hand on its address, server.url")

    # --- its life ---------------------------------------------------------------------------

    def start(self) -> Served:
        """Start the process, and wait until it listens."""
        self.launch()
        try:
            self.wait_until_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def launch(self) -> None:
        """Start the process; `wait_until_ready` has to follow."""
        if self.runs:
            raise ServerError(f"this server runs already, as process {self.pid}")
        if words := missing():
            raise ModuleNotFoundError(words)
        packed = pack(self._wanted)
        self.kill()  # what one that ended by itself has left
        self.counts = None
        try:
            self._spawn()
        except OSError as error:
            raise ServerError(
                f"the system refused what a server needs to start: {error}. End what you do not "
                f"need, or allow more files and processes: ulimit -n, ulimit -u"
            ) from error
        try:
            with contextlib.suppress(OSError):  # if it is gone, `wait_until_ready` finds out
                self._popen.stdin.write(b"%d\n" % len(packed) + packed)
                self._popen.stdin.flush()
        except BaseException:  # an interrupt: a large model takes as long as the server to start
            self.kill()
            raise

    def _spawn(self) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  open as long as the process
        self._popen = subprocess.Popen(
            [sys.executable, "-P", "-c", COMMAND, str(Path(labkit.__file__).parents[1])],
            # A notebook has the GPU, if there is one: TensorFlow takes all of its memory.
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
            stdin=subprocess.PIPE,  # stays open: it closes when this program is gone
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # a terminal's Ctrl-C reaches this program alone
        )
        # Also when nobody has this object any more, as after a cell that was run again.
        self._end = weakref.finalize(self, _end, self._popen, self._errors)

    def wait_until_ready(self, seconds: float = START) -> None:
        """Wait until the server listens.

        Raises:
            ServerError: why it does not.
        """
        until = time.monotonic() + seconds
        said = self._hear(until)
        if "error" in said:
            raise ServerError(f"the server did not start: {said['error']}")
        self.port = said["port"]
        self.inputs, self.outputs = tuple(said["inputs"]), tuple(said["outputs"])
        self._hear(until)  # "started"

    def terminate(self) -> None:
        """Ask the server to drain and end (SIGTERM), and do not wait."""
        if self._popen is None:
            raise ServerError("this server has not been started: call start(), or use `with`")
        self._popen.terminate()

    def stop(self) -> dict[str, int]:
        """Let the server drain and end; return its `counts`.

        Raises:
            ServerError: it did not end in its time, or had ended before.
        """
        self.terminate()
        return self.wait()

    def wait(self) -> dict[str, int]:
        """Wait for the end of a server that has been asked to end; return its `counts`."""
        if self.counts is not None:
            return self.counts
        until = time.monotonic() + self.settings.drain + self.settings.grace + 10.0
        try:
            while "counts" not in (said := self._hear(until)):
                pass
            self.counts = said["counts"]
        finally:
            self.kill()
        return self.counts

    def kill(self) -> None:
        """End the server at once (SIGKILL): what it has not answered is lost."""
        self._end()

    @property
    def runs(self) -> bool:
        """Whether the process is there."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def pid(self) -> int | None:
        """Process id of the server."""
        return self._popen and self._popen.pid

    # --- what a client needs ----------------------------------------------------------------

    @property
    def url(self) -> str:
        """Address of the server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def path(self) -> str:
        """Path to which requests for answers of the model are posted."""
        return f"/v2/models/{self.settings.name}/infer"

    @property
    def headers(self) -> dict[str, str]:
        """Headers that each request needs: the token, where there is one."""
        token = self.settings.token
        return {} if token is None else {"authorization": f"Bearer {token}"}

    def predict(self, rows: Any, binary: bool = True, seconds: float = 30.0) -> np.ndarray:
        """Return the model's answer to rows (n, *inputs), by one request.

        Raises:
            ServerError: what the server answered instead; `status` says how.
        """
        body, headers = (protocol.binary_body if binary else protocol.json_body)(rows)
        status, answer, got = self.ask("POST", self.path, body, headers, seconds)
        if status != 200:
            raise ServerError(f"{status}: {_error(answer)}", status)
        return protocol.read_answer(answer, got)

    def metrics(self) -> dict[str, float]:
        """Return what /metrics says, name with labels -> value.

        `labkit_requests_total{outcome="answered"}`, `labkit_queue_length`, `labkit_running`,
        and sums and counts of labkit_batch_rows, labkit_model_seconds and labkit_wait_seconds.
        """
        text = self.ask("GET", "/metrics")[1].decode()
        lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        seconds: float = 30.0,
    ) -> tuple[int, bytes, dict[str, str]]:
        """Send one request; return status, body and headers of the answer.

        Raises:
            OSError: no connection, or no answer in time.
        """
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        with contextlib.closing(line):
            line.request(method, path, body, self.headers | (headers or {}))
            answer = line.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())

    # --- the line to the process ------------------------------------------------------------

    def _hear(self, until: float) -> dict:
        """Return the next thing that the process tells.

        Raises:
            ServerError: it ended, or is silent.
        """
        timer = threading.Timer(max(0.0, until - time.monotonic()), _kill, [self._popen])
        timer.start()
        try:
            line = self._popen.stdout.readline()
        finally:
            timer.cancel()
        if line:
            return json.loads(line)
        code = self._popen.wait()
        raise ServerError(HUNG if time.monotonic() >= until else self._why_it_ended(code))

    def _why_it_ended(self, code: int) -> str:
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace").strip()[-2000:]
        return f"the server {how}" + (f". Its last words: {words}" if words else "")

    def _forget(self) -> None:
        """Let go of the process: this is a copy, by fork, of the program that has it."""
        if self._popen is not None:
            self._end.detach()
            self._popen.stdin.close()
            self._popen.stdout.close()
            self._popen = None


@contextlib.contextmanager
def replicas(count: int, *args: Any, **kwargs: Any) -> Iterator[list[Served]]:
    """Start so many servers of one model together; end them at the end.

    Args:
        count: how many.
        *args: of `Served`, as `kwargs`.

    Raises:
        ServerError: why one did not start.
    """
    servers = [Served(*args, **kwargs) for _ in range(count)]
    with started(servers):
        yield servers


@contextlib.contextmanager
def started(servers: Sequence[Served]) -> Iterator[None]:
    """Start servers together, and end them at the end.

    Raises:
        ServerError: why one did not start.
    """
    try:
        for server in servers:
            server.launch()
        for server in servers:
            server.wait_until_ready()
        yield
    finally:
        for server in servers:
            server.kill()


def _kill(popen: subprocess.Popen) -> None:
    with contextlib.suppress(OSError):  # what a rule has started may live, though it is gone
        os.killpg(popen.pid, signal.SIGKILL)


def _end(popen: subprocess.Popen, errors: BinaryIO) -> None:
    _kill(popen)
    popen.wait()
    for pipe in (popen.stdin, popen.stdout, errors):
        with contextlib.suppress(OSError):
            pipe.close()


def _error(answer: bytes) -> str:
    try:
        return json.loads(answer)["error"]
    except (ValueError, KeyError, TypeError):  # not the protocol's: the app itself broke
        return answer[:200].decode(errors="replace")


def _is_file(model: Any) -> bool:
    return isinstance(model, Path) or (isinstance(model, str) and not model.startswith("emulated:"))
