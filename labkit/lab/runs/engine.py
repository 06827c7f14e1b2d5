"""The papermill engine that runs a lesson and tells the truth about how it ended.

papermill and nbclient do the running. This engine adds what they leave out: the kernel is this
Python's own, forked where that is safe, and starts in the run's folder; a deadline, a memory and
an output limit cover the whole run and hold in native code; a dead kernel is noticed at once; an
error that a widget callback swallowed fails the run; outputs are seen while they appear; and the
file says at any moment what is true.
"""

import asyncio
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

import psutil
from jupyter_client.kernelspec import KernelSpec
from jupyter_core.utils import run_sync
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4 import new_output, writes_json
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager
from papermill.iorw import LocalHandler, papermill_io

from labkit.lab.records.kernel import MIME
from labkit.lab.warm import client as kernels
from labkit.lab.warm import wire
from labkit.lab.warm.identity import with_absolute_paths
from labkit.lab.warm.provisioner import ForkProvisioner

_KERNEL = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
_TRACEBACK = "Traceback (most recent call last)"
_KEPT_OUTPUT = 20_000  # characters of a cell that printed without end
_LOOK = 0.1  # seconds between two looks at a kernel
_QUIET = {
    "LABKIT_HEADLESS": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the debugger writes into the first output
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


@dataclass
class Watch:
    """What the runner asks of one execution, and what it sees of it."""

    folder: str | None = None  # where the kernel starts
    save: str | os.PathLike | None = None  # where the notebook is kept while it runs
    save_every: float = 10.0  # seconds
    timeout: float | None = None  # seconds for the whole run, from the start of its kernel
    memory: int | None = None  # bytes of private memory, of the kernel and its children
    output_limit: int = 20_000_000  # bytes of all outputs
    fork: str = "auto"  # or "always" (start a zygote where none runs), "never"
    on_cell: Callable[[int], None] = lambda index: None
    on_record: Callable[[dict], None] = lambda payload: None
    environment: dict[str, str] = field(default_factory=dict)
    notebook: Any = None  # the notebook as far as it was executed
    cell: Any = None  # the cell that ran last
    completed: bool = False  # every cell ran
    peak_memory: int = 0  # bytes, private, of the kernel and its children
    cause: str | None = None  # why the engine killed the kernel: timeout, memory, output, stopped
    forked: bool = False  # the kernel was forked, not started
    kernel_pid: int | None = None
    stopped: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """End the run now; may be called from any thread."""
        self.stopped.set()


class LabkitEngine(Engine):
    """nbclient with limits, truthful ends and no swallowed errors."""

    @classmethod
    def execute_notebook(
        cls,
        nb,
        kernel_name,
        output_path=None,
        progress_bar=True,
        log_output=False,
        autosave_cell_every=10,
        watch=None,
        **kwargs,
    ):
        """Execute a notebook and return it; `watch` holds what the lab's runner asks."""
        plain = watch is None  # called by papermill itself: its arguments say all
        watch = watch or Watch(fork="always", save_every=min(autosave_cell_every, 10) or 10)
        nb_man = TruthfulManager(nb, watch, output_path, progress_bar, log_output)
        nb_man.notebook_start()
        try:
            cls.execute_managed_notebook(
                nb_man, kernel_name, log_output, watch=watch, plain=plain, **kwargs
            )
        finally:
            nb_man.cleanup_pbar()
            nb_man.notebook_complete()
        return nb_man.nb

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man,
        kernel_name,
        log_output=False,
        start_timeout=60,
        execution_timeout=None,
        stdout_file=None,
        stderr_file=None,
        watch=None,
        plain=False,
        **kwargs,
    ):
        """Execute the notebook that papermill manages; see `Watch` for what can be asked."""
        watch.notebook = nb_man.nb
        client = LessonClient(
            nb_man,
            watch,
            plain,
            kernel_name=kernel_name,
            startup_timeout=start_timeout,
            timeout=execution_timeout,  # of each cell, as papermill means it
            log_output=log_output,
            stdout_file=stdout_file,
            stderr_file=stderr_file,
            shutdown_kernel="immediate",  # a graceful one waits for TensorFlow's teardown
            iopub_timeout=60,  # a cell may print faster than a busy machine passes on
            resources={"metadata": {"path": watch.folder or os.getcwd()}},
        )
        environment = watch.environment if plain else {**_QUIET, **watch.environment}
        try:
            client.execute(env={**os.environ, **environment})
        except (Exception, KeyboardInterrupt) as error:
            mark_failed(nb_man.nb, watch.cell, *_words(watch, error))
            raise


class TruthfulManager(NotebookExecutionManager):
    """papermill's book-keeping, with atomic saves now and then and statuses that are true."""

    def __init__(self, nb, watch: Watch, output_path, progress_bar, log_output):
        super().__init__(nb, output_path, log_output, progress_bar, autosave_cell_every=0)
        self.watch = watch
        self.file = watch.save
        if output_path and isinstance(papermill_io.get_handler(output_path), LocalHandler):
            self.file = Path(output_path).absolute()
            # papermill itself writes this path once more after the engine, in place.
            papermill_io.register(str(output_path), AtomicHandler())
        self._next_save = 0.0 if output_path else time.monotonic() + watch.save_every

    def save(self, **kwargs) -> None:
        """Write the notebook if that was not done in the last seconds."""
        if time.monotonic() < self._next_save:
            return
        if self.file is None:
            super().save()
        else:
            with suppress(OSError):  # a full disk is met again, and told, at the end
                save_notebook(self.nb, self.file)
        self._next_save = time.monotonic() + self.watch.save_every

    def notebook_complete(self, **kwargs) -> None:
        """Write when the run ended; cells that were not reached stay pending."""
        self.end_time = self.now()
        seconds = (self.end_time - self.start_time).total_seconds()
        times = {"end_time": self.end_time.isoformat(), "duration": seconds}
        self.nb.metadata.papermill.update(times)
        if self.output_path:
            self._next_save = 0.0
            self.save()


class AtomicHandler(LocalHandler):
    """papermill's way to write a local file, without a moment in which it is half written."""

    def write(self, buf, path):
        """Write the text beside the file, then give it the file's name."""
        _replace(Path(path), buf)


def save_notebook(notebook: Any, path: str | os.PathLike) -> None:
    """Write a notebook so that a reader sees the old file or the new one, never half of it."""
    # Not nbformat.write: it checks the whole file against its schema, which takes most of its time.
    _replace(Path(path), writes_json(notebook) + "\n")


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        with open(beside, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


class LessonClient(PapermillNotebookClient):
    """Runs the cells of one lesson in a fresh kernel of this Python."""

    def __init__(self, nb_man, watch: Watch, plain: bool = False, **kwargs):
        super().__init__(nb_man, **kwargs)
        self.watch, self.plain = watch, plain
        self.guard = Guard(watch)
        self._shown: list[tuple[str, str]] = []  # errors that the kernel showed, (name, value)
        self._stderr = ""  # what the cell wrote there; a traceback may come in pieces
        self._output = self._cell_output = 0  # bytes so far, of the run and of this cell

    def create_kernel_manager(self):
        """Return a manager for this Python, whatever kernelspecs the user's machine has."""
        manager = super().create_kernel_manager()
        if self.plain and not _is_this_python(manager):
            return manager  # papermill was asked for another language or environment
        settings = {} if self.plain else _settings(os.environ | self.watch.environment)
        spec = KernelSpec(argv=_KERNEL, display_name="Python 3", language="python", env=settings)
        manager._kernel_spec = spec
        options = {"fork": self.watch.fork, "preload": kernels.preload_for(self.nb)}
        manager.provisioner = ForkProvisioner(parent=manager, kernel_spec=spec, **options)
        if os.name == "posix":
            # Sockets in the file system: no port to race for, and only this user can connect.
            # Where there is no folder for them, Jupyter's default serves.
            with suppress(wire.ForkError):
                manager.transport, manager.ip = "ipc", str(wire.folder() / secrets.token_hex(4))
        return manager

    def execute(self, **kwargs):
        """Execute the notebook in a kernel that is gone, whatever happens, when this returns."""
        self.reset_execution_trackers()
        with self.guard, self.setup_kernel(**kwargs):
            self.papermill_execute_cells()
            self.guard.measure()  # a short run may have been looked at before it grew
            self.nb.metadata["language_info"] = self._language
        return self.nb

    async def async_start_new_kernel(self, **kwargs) -> None:
        """Start the kernel and tell the guard which process it is."""
        await super().async_start_new_kernel(**kwargs)
        provisioner = self.km.provisioner
        self.watch.kernel_pid = getattr(provisioner, "pid", None)
        self.watch.forked = getattr(provisioner, "forked", False)
        self.guard.watch_over(getattr(provisioner, "process", None))

    start_new_kernel = run_sync(async_start_new_kernel)

    async def async_start_new_kernel_client(self):
        """Connect to the kernel as soon as it answers, without Jupyter's fixed waits."""
        try:
            if self.watch.forked:  # its sockets are there from now on: no second try to connect
                await self.km.provisioner.until_ready(self.startup_timeout)
            self.kc = self.km.client()
            self.kc.start_channels(hb=False)
            await self._until_it_answers()
        except BaseException:
            await self._async_cleanup_kernel()
            raise
        self.kc.allow_stdin = False
        return self.kc

    start_new_kernel_client = run_sync(async_start_new_kernel_client)

    async def _until_it_answers(self) -> None:
        until = time.monotonic() + self.startup_timeout
        while not await self._answers():
            if not await self.km.is_alive():
                raise DeadKernelError("Kernel died before it could run a cell")
            if time.monotonic() > until:
                raise RuntimeError(f"the kernel did not answer in {self.startup_timeout} s")

    async def _answers(self) -> bool:
        """Tell whether a request is answered, and outputs arrive, within a moment."""
        request = self.kc.kernel_info()
        with suppress(Empty):
            reply = {}
            while reply.get("parent_header", {}).get("msg_id") != request:
                reply = await self.kc.get_shell_msg(timeout=0.2)
            self._language = reply["content"]["language_info"]
            while not _is_idle(await self.kc.get_iopub_msg(timeout=0.2), request):
                pass
            return True
        return False

    async def _async_poll_kernel_alive(self) -> None:
        """Notice a dead kernel at once: nbclient looks once a second."""
        while await self.km.provisioner.poll() is None:
            await asyncio.sleep(_LOOK)
        await asyncio.sleep(_LOOK)  # what it had sent by then still arrives
        self.task_poll_for_reply.cancel()

    async def async_execute_cell(self, cell, cell_index, *args, **kwargs):
        """Execute one cell; the notebook is saved now and then meanwhile."""
        saving = asyncio.ensure_future(self._save_now_and_then())
        try:
            return await super().async_execute_cell(cell, cell_index, *args, **kwargs)
        finally:
            saving.cancel()

    execute_cell = run_sync(async_execute_cell)

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self.watch.save_every / 2))
            self.nb_man.save()

    def papermill_execute_cells(self) -> None:
        """Execute each cell; stop at the first that fails or in which an error was swallowed."""
        for index, cell in enumerate(self.nb.cells):
            self.watch.cell = cell
            self.watch.on_cell(index)
            self._shown, self._stderr, self._cell_output = [], "", 0
            try:
                self.nb_man.cell_start(cell, index)
                self.execute_cell(cell, index)
                self._raise_swallowed(cell)
            except CellExecutionError as error:
                _name_early_exit(cell)
                self.nb_man.cell_exception(cell, cell_index=index, exception=error)
                break
            except BaseException as error:
                mark_failed(self.nb, cell, *_words(self.watch, error))
                raise
            finally:
                self.nb_man.cell_complete(cell, cell_index=index)
        else:
            self.watch.completed = True

    def process_message(self, msg, cell, cell_index):
        """Pass records on while their cell still runs, and keep errors that were only shown.

        ipywidgets shows an exception of a callback with `showtraceback`, perhaps inside an Output
        widget, and the kernel replies "ok"; other libraries print it to standard error.
        """
        content = msg["content"]
        if msg["msg_type"] == "error":
            self._shown.append((content["ename"], content["evalue"]))
        elif content.get("name") == "stderr":
            self._stderr += content["text"][:_KEPT_OUTPUT]
        elif MIME in content.get("data", {}):
            self.watch.on_record(content["data"][MIME])
        if self._is_too_much(msg, cell):
            return None
        return super().process_message(msg, cell, cell_index)

    def _is_too_much(self, msg, cell) -> bool:
        """Count a message that adds output; beyond the limit end the kernel, shorten the cell."""
        if msg["msg_type"] == "clear_output":
            self._output, self._cell_output = self._output - self._cell_output, 0
        if msg["msg_type"] in ("stream", "display_data", "execute_result", "error"):
            size = _size(msg["content"])
            self._output, self._cell_output = self._output + size, self._cell_output + size
        if self.guard.cause == "output":
            return True
        if self._output <= self.watch.output_limit:
            return False
        self.guard.kill("output")
        if msg["msg_type"] == "stream":  # the first message may be the one that is too long
            start = msg["content"]["text"][:_KEPT_OUTPUT]
            cell.outputs.append(new_output("stream", name=msg["content"]["name"], text=start))
        _shorten(cell)
        return True

    def _raise_swallowed(self, cell) -> None:
        """Fail a cell that ended well although an error was shown while it ran."""
        if self.plain and "raises-exception" in cell.metadata.get("tags", []):
            return
        for name, value in (self._shown + _printed_errors(self._stderr))[:1]:
            cause = f"{value} (raised in a callback, which hid it)"
            cell.outputs.append(new_output("error", ename=name, evalue=cause, traceback=[cause]))
            raise CellExecutionError(f"{name}: {cause}", name, cause)

    def set_widgets_metadata(self) -> None:
        """Leave widget state out of the file: pages then show each explorer's picture."""


class Guard(threading.Thread):
    """Looks at a kernel while it runs and kills it at the limits of its watch.

    It is a thread, so a limit holds too while the run's own thread is busy, and it sends SIGKILL,
    so it holds too while the kernel is in native code.
    """

    def __init__(self, watch: Watch):
        super().__init__(name="labkit-guard", daemon=True)
        self.watch = watch
        self.kernel: Any = None  # the process, once there is one
        self.until: float | None = None
        self._done = threading.Event()
        self._next_measure = 0.0

    @property
    def cause(self) -> str | None:
        """Why the kernel was killed, None if it was not."""
        return self.watch.cause

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self.join()

    def watch_over(self, kernel: Any) -> None:
        """Begin: from now on the time of the run counts, not while a first zygote imports."""
        if self.watch.timeout is not None:
            self.until = time.monotonic() + self.watch.timeout
        self.kernel = kernel

    def run(self) -> None:
        """Look until the run is over or a limit is passed."""
        while not self._done.wait(_LOOK):
            if self.kernel is None or self.cause:
                continue
            if self.watch.stopped.is_set():
                self.kill("stopped")
            elif self.until is not None and time.monotonic() > self.until:
                self.kill("timeout")
            elif self._is_too_large():
                self.kill("memory")

    def kill(self, cause: str) -> None:
        """Kill the kernel and what it started; the first cause counts."""
        self.watch.cause = self.watch.cause or cause
        if self.kernel.returncode is None:
            for kill in (getattr(os, "killpg", os.kill), os.kill):
                with suppress(OSError):
                    kill(self.kernel.pid, getattr(signal, "SIGKILL", signal.SIGTERM))

    def _is_too_large(self) -> bool:
        """Measure the memory once a second, and at each look when the limit may be near."""
        limit = self.watch.memory
        if time.monotonic() < self._next_measure:
            resident = sum(_of_family(self.kernel.pid, lambda process: process.memory_info().rss))
            if limit is None or resident <= limit:
                return False
        return self.measure() > (limit or float("inf"))

    def measure(self) -> int:
        """Return the private memory of the kernel and its children, in bytes; keep the peak."""
        # What a forked kernel shares with its zygote costs nothing: only private pages count.
        used = sum(_of_family(self.kernel.pid, lambda process: process.memory_full_info().uss))
        self._next_measure = time.monotonic() + 1.0
        self.watch.peak_memory = max(self.watch.peak_memory, used)
        return used


def _of_family(pid: int, ask: Callable[[psutil.Process], int]) -> list[int]:
    """Return what is asked of a kernel and its children, nothing if one has just ended."""
    try:
        kernel = psutil.Process(pid)
        return [ask(process) for process in (kernel, *kernel.children(recursive=True))]
    except psutil.Error:
        return []


def mark_failed(notebook: Any, cell: Any, kind: str, cause: str) -> None:
    """Write into an executed notebook at which cell, and why, the run failed.

    papermill leaves every cell 'completed' after a killed kernel or a timeout; a notebook that
    lies about its end must not be taken for a result. A second call changes nothing.
    """
    if notebook is None:
        return
    notebook.metadata.setdefault("papermill", {})["exception"] = True
    if cell is None:  # the kernel did not start
        return
    index = next(i for i, candidate in enumerate(notebook.cells) if candidate is cell)
    cell.metadata.setdefault("papermill", {}).update(status="failed", exception=True)
    for later in notebook.cells[index + 1 :]:
        later.metadata.setdefault("papermill", {}).update(status="pending", exception=None)
    outputs = cell.get("outputs", [])
    if not any(output.output_type == "error" for output in outputs):
        outputs.append(new_output("error", ename=kind, evalue=cause, traceback=[cause]))


def _words(watch: Watch, error: BaseException) -> tuple[str, str]:
    """Return kind and cause of the end of a run, as they stand in its notebook."""
    if isinstance(error, CellExecutionError):
        return error.ename, error.evalue
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", "stopped by Ctrl-C"
    if isinstance(error, CellTimeoutError):
        return "timeout", str(error).splitlines()[0]
    if not isinstance(error, DeadKernelError):
        return "runner error", f"{type(error).__name__}: {error}"
    causes = {
        "timeout": f"not done within {watch.timeout or 0:g} s",
        "memory": f"more than {(watch.memory or 0) / 1e6:.0f} MB of private memory",
        "output": f"more than {watch.output_limit / 1e6:g} MB of output",
        "stopped": "stopped by the runner",
    }
    died = "the kernel died: killed, crashed in native code, or out of memory"
    return watch.cause or "killed kernel", causes.get(watch.cause, died)


def _name_early_exit(cell) -> None:
    """Say what sys.exit() did: papermill takes sys.exit(0) for a good end of the notebook."""
    for output in cell.get("outputs", []):
        if output.output_type == "error" and output.ename == "SystemExit":
            code = output.evalue or "0"
            output.evalue = f"{code} (sys.exit() ended the lesson before its last cell)"


def _size(content: dict) -> int:
    data = content.get("data") or {}
    values = [content.get("text", ""), *content.get("traceback", []), *data.values()]
    return sum(len(v) if isinstance(v, str) else len(str(v)) for v in values)


def _shorten(cell) -> None:
    """Keep the first outputs of a cell that went on without end, and say that the rest is cut."""
    kept, left = [], _KEPT_OUTPUT
    for output in cell.outputs:
        if output.output_type == "stream":
            output.text = output.text[:left]
        elif _size(output) > left:
            break
        kept.append(output)
        left -= _size(output)
        if left <= 0:
            break
    note = "\n[labkit] The rest of the output was cut.\n"
    cell.outputs[:] = [*kept, new_output("stream", name="stderr", text=note)]


def _settings(environment: dict[str, str]) -> dict[str, str]:
    """Return what a kernel in a run's folder must be told: figures go into the notebook, and
    relative paths start where the runner does.
    """
    absolute = with_absolute_paths(environment, os.curdir)
    moved = {name: path for name, path in absolute.items() if path != environment[name]}
    inline = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    return inline | {name: path.replace("$", "$$") for name, path in moved.items()}


def _is_idle(message: dict, request: str) -> bool:
    """Tell whether a message says that a request has been dealt with."""
    ours = message["parent_header"].get("msg_id") == request
    return ours and message["content"].get("execution_state") == "idle"


def _is_this_python(manager) -> bool:
    """Tell whether a kernelspec starts an IPython kernel of this very Python."""
    first, *rest = manager.kernel_spec.argv
    named = os.path.basename(first) in {"python", "python3", os.path.basename(sys.executable)}
    return named and (os.sep not in first or first == sys.executable) and "ipykernel" in rest[1]


def _printed_errors(text: str) -> list[tuple[str, str]]:
    r"""Return (name, value) of each error whose traceback stands in a text.

    >>> _printed_errors("Traceback (most recent call last):\n  File ...\nKeyError: 'w'\n")
    [('KeyError', "'w'")]
    """
    errors = []
    for trace in text.split(_TRACEBACK)[1:]:
        # The frames are indented; the first line that is not names the error.
        ends = [line for line in trace.splitlines()[1:] if line and not line[0].isspace()]
        name, _, value = (ends or ["an error: see the notebook"])[0].partition(": ")
        errors.append((name, value))
    return errors
