"""The papermill engine that runs a lesson and tells the truth about how it ended.

papermill and nbclient do the running. This engine adds what they leave out: the kernel is this
Python's own, forked where that is safe, and starts in the run's folder; a deadline, a memory and
an output limit cover the whole run and hold in native code; a dead kernel is noticed at once;
outputs are seen while they appear; and the file says at any moment what is true. In the lab's own
runs an error that a callback or a thread hid fails the run. Where papermill calls, what a cell may
do, and what it means, is as papermill has it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any

import zmq
from jupyter_client.kernelspec import KernelSpec
from jupyter_core.utils import run_sync
from nbclient.exceptions import CellExecutionError, DeadKernelError
from papermill import PapermillExecutionError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine
from papermill.execute import raise_for_execution_errors
from papermill.iorw import load_notebook_node
from papermill.log import logger
from papermill.parameterize import parameterize_notebook

from labkit.lab.lesson import tags
from labkit.lab.records.entry import MIME, Failure
from labkit.lab.runs.endings import ending, hidden_error, quitting
from labkit.lab.runs.guard import LOOK, Guard
from labkit.lab.runs.interrupting import gently
from labkit.lab.runs.outputs import Meter, shorten
from labkit.lab.runs.saving import TruthfulManager, mark_failed, show_error
from labkit.lab.runs.watch import Watch
from labkit.lab.warm import client as kernels
from labkit.lab.warm import wire
from labkit.lab.warm.identity import with_absolute_paths
from labkit.lab.warm.provisioner import ForkProvisioner

if TYPE_CHECKING:
    from jupyter_client import KernelClient, KernelManager
    from nbformat import NotebookNode

_KERNEL = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
_SHOW_UNCAUGHT = "--ext=labkit.lab.records.shell"
_SETTINGS = {  # of the lab's own runs
    "LABKIT_HEADLESS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # figures go into the notebook
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the debugger writes into the first output
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
_MEANT_OTHERWISE = {"input_path", "timeout", "startup_timeout"}  # options not for nbclient


class LabkitEngine(Engine):
    """nbclient with limits and truthful ends."""

    @classmethod
    def execute_notebook(
        cls,
        nb: NotebookNode,
        kernel_name: str,
        output_path: str | None = None,
        progress_bar: bool = True,
        log_output: bool = False,
        autosave_cell_every: int = 10,
        watch: Watch | None = None,
        **kwargs: Any,
    ) -> NotebookNode:
        """Execute a notebook and return it; `watch` holds what the lab's runner asks."""
        if watch is None:  # papermill called: its arguments say all
            often = min(autosave_cell_every, 10) or 10
            watch = Watch(own=False, fork="always", save_every=often)
        nb_man = TruthfulManager(nb, watch, output_path, progress_bar, log_output)
        nb_man.notebook_start()
        try:
            cls.execute_managed_notebook(nb_man, kernel_name, log_output, watch=watch, **kwargs)
        finally:
            nb_man.cleanup_pbar()
            nb_man.notebook_complete()
        return nb_man.nb

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: TruthfulManager,
        kernel_name: str,
        log_output: bool = False,
        start_timeout: float = 60,
        execution_timeout: float | None = None,
        watch: Watch | None = None,
        **kwargs: Any,
    ) -> None:
        """Execute the notebook that papermill manages; see `Watch` for what can be asked."""
        options = {"iopub_timeout": 60}  # a cell may print faster than a busy machine passes on
        options |= {} if watch.own else {"log": logger}
        options |= {name: value for name, value in kwargs.items() if name not in _MEANT_OTHERWISE}
        client = LessonClient(
            nb_man,
            watch,
            **options,
            kernel_name=kernel_name,
            startup_timeout=start_timeout,
            timeout=execution_timeout or kwargs.get("timeout"),  # of each cell
            log_output=log_output,
            shutdown_kernel="immediate",  # a graceful one waits for TensorFlow's teardown
            resources={"metadata": {"path": watch.folder or os.getcwd()}},
        )
        try:
            client.execute(env=_environment(watch))
        except (Exception, KeyboardInterrupt) as error:
            client.fail(error)
            raise


def execute(notebook: Any, values: dict[str, Any], watch: Watch) -> Failure | None:
    """Execute a lesson's notebook; return None when every cell ran, else what went wrong, where."""
    try:
        watch.notebook = _prepared(notebook, values)
        LabkitEngine.execute_notebook(watch.notebook, "python3", progress_bar=False, watch=watch)
        if watch.failed:
            with suppress(PapermillExecutionError):
                raise_for_execution_errors(watch.notebook, None)  # leads readers to the cell
    except (Exception, KeyboardInterrupt) as error:  # whatever it meets, the run leaves its row
        watch.failed = watch.failed or watch.failure(*ending(watch, error))
    return watch.failed


def _blocking(method: Callable) -> Callable:
    """Return a method that awaits another; Ctrl-C cancels what it awaits, and is then raised."""
    awaited = run_sync(method)

    def blocking(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return awaited(self, *args, **kwargs)
        finally:
            if self._stopping:
                raise KeyboardInterrupt from None

    return blocking


class LessonClient(PapermillNotebookClient):
    """Runs the cells of one lesson in a fresh kernel of this Python."""

    def __init__(self, nb_man, watch: Watch, **kwargs):
        if watch.own:
            kwargs["allow_errors"] = _allows_errors(nb_man.nb)
        super().__init__(nb_man, **kwargs)
        self.watch, self.watch.notebook = watch, self.nb
        self.guard = Guard(watch)
        self.meter = Meter(watch.output)
        self._shown: list[tuple[str, str]] = []  # errors that a cell displayed, (name, value)
        self._task: asyncio.Task | None = None  # starts the kernel, connects to it, runs a cell
        self._stopping = False  # it, after Ctrl-C
        self._looking: asyncio.Task | None = None  # whether the kernel lives
        self._file: Path | None = None  # how to reach the kernel

    def create_kernel_manager(self) -> KernelManager:
        """Return a manager for this Python, whatever kernelspecs the user's machine has."""
        manager = super().create_kernel_manager()
        if not self.watch.own and not _is_this_python(manager):
            return manager  # papermill was asked for another language or environment
        command = [*_KERNEL, _SHOW_UNCAUGHT] if self.watch.own else _KERNEL
        spec = KernelSpec(argv=command, display_name="Python 3", language="python")
        manager._kernel_spec = spec
        # A name known from the start: Ctrl-C may come before Jupyter knows its own.
        self._file = Path(tempfile.gettempdir(), f"labkit-kernel-{secrets.token_hex(8)}.json")
        manager.connection_file = str(self._file)
        options = {"fork": self.watch.fork, "preload": kernels.preload_for(self.nb)}
        manager.provisioner = ForkProvisioner(parent=manager, kernel_spec=spec, **options)
        if os.name == "posix":
            # Sockets in the file system: no port to race for, and only this user can connect.
            # Where there is no folder for them, Jupyter's default serves.
            with suppress(wire.ForkError):
                manager.transport, manager.ip = "ipc", str(wire.folder() / secrets.token_hex(4))
        return manager

    def execute(self, **kwargs: Any) -> NotebookNode:
        """Execute the notebook in a kernel that is gone, whatever happens, when this returns."""
        self.reset_execution_trackers()
        try:
            with gently(self._stop), self.guard, self.setup_kernel(**kwargs):
                self.papermill_execute_cells()
                self.guard.measure()  # a short run may have been looked at before it grew
                self.nb.metadata["language_info"] = self._language
                if not self.watch.own:  # without their state, pages show each explorer's picture
                    self.set_widgets_metadata()
        finally:
            if self.km is not None:  # its start was met
                self._cleanup_kernel()
            if self._file:
                self._file.unlink(missing_ok=True)
        return self.nb

    def _stop(self) -> bool:
        """Cancel what goes on, if anything does; a second Ctrl-C ends it in the midst."""
        if self._stopping or self._task is None or self._task.done():
            return False
        self._stopping = True
        self._task.get_loop().call_soon_threadsafe(self._task.cancel)
        return True

    async def async_start_new_kernel(self, **kwargs: Any) -> None:
        """Start the kernel and tell the guard which process it is."""
        self._task = asyncio.current_task()
        await super().async_start_new_kernel(**kwargs)
        provisioner = self.km.provisioner
        self.watch.kernel_pid = getattr(provisioner, "pid", None)
        self.watch.forked = getattr(provisioner, "forked", False)
        self.guard.watch_over(getattr(provisioner, "process", None))

    start_new_kernel = _blocking(async_start_new_kernel)

    async def async_start_new_kernel_client(self) -> KernelClient:
        """Connect to the kernel as soon as it answers, without Jupyter's fixed waits."""
        self._task = asyncio.current_task()
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

    start_new_kernel_client = _blocking(async_start_new_kernel_client)

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
        self._looking = asyncio.current_task()
        while await self.km.provisioner.poll() is None:
            await asyncio.sleep(LOOK)
        await asyncio.sleep(LOOK)  # what it had sent by then still arrives
        self.task_poll_for_reply.cancel()

    async def async_execute_cell(
        self, cell: NotebookNode, cell_index: int, *args: Any, **kwargs: Any
    ) -> NotebookNode:
        """Execute one cell; the notebook is saved now and then meanwhile."""
        self._task, self._looking = asyncio.current_task(), None
        saving = asyncio.ensure_future(self._save_now_and_then())
        try:
            return await super().async_execute_cell(cell, cell_index, *args, **kwargs)
        finally:
            for task in filter(None, (saving, self._looking)):
                task.add_done_callback(_read)
                task.cancel()

    execute_cell = _blocking(async_execute_cell)

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self.watch.save_every / 2))
            self.nb_man.save()

    def papermill_execute_cells(self) -> None:
        """Execute each cell; stop at the first that fails."""
        for index, cell in enumerate(self.nb.cells):
            self.watch.cell = cell
            self.watch.on_cell(index)
            self.meter.begin_cell()
            self._shown = []
            try:
                self.nb_man.cell_start(cell, index)
                self.execute_cell(cell, index)
            except CellExecutionError as error:
                self.nb_man.cell_exception(cell, cell_index=index, exception=error)
                self.fail(error)
                break
            except BaseException as error:
                self.fail(error)
                raise
            finally:
                self.nb_man.cell_complete(cell, cell_index=index)

    def fail(self, error: BaseException) -> None:
        """Say in the notebook and to the runner what ended the run; the first error counts."""
        if self.watch.failed is None:
            self.watch.failed = self.watch.failure(*ending(self.watch, error))
            if not isinstance(error, CellExecutionError):  # of those papermill keeps the books
                mark_failed(self.nb, self.watch.cell, self.watch.failed)
            elif self.watch.own:
                show_error(self.watch.cell, error.ename, error.evalue)

    def process_message(
        self, msg: dict, cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        """Pass records on while their cell still runs, and note each error that is displayed."""
        content = msg["content"]
        if msg["msg_type"] == "error":
            self._shown.append((content["ename"], content["evalue"]))
        elif MIME in content.get("data", {}):
            self.watch.on_record(content["data"][MIME])
        if self.guard.cause == "output":
            return None
        if self.meter.passes(msg):
            self.guard.kill("output")
            shorten(cell, msg)
            return None
        output = super().process_message(msg, cell, cell_index)
        # nbclient may have answered an Output widget on the socket on which it waits for the reply,
        # past asyncio, which then overlooks a reply that has just come.
        self.kc.shell_channel.socket.get(zmq.EVENTS)  # asyncio looks again
        return output

    async def _check_raise_for_error(self, cell, cell_index, exec_reply):
        """Fail a cell of the lab's own run too in which an error was only displayed.

        ipywidgets shows an exception of a callback, perhaps inside an Output widget, and the
        kernel replies "ok". What is only printed may have been handled, and fails nothing.
        """
        if self.watch.own and exec_reply:
            reply = exec_reply["content"]
            may_fail = self.allow_errors or "raises-exception" in tags(cell)
            hidden = quitting(reply) or (not may_fail and hidden_error(reply, self._shown))
            if hidden:
                raise _shown_in(cell, *hidden)
        await super()._check_raise_for_error(cell, cell_index, exec_reply)


def _prepared(notebook: Any, values: dict[str, Any]) -> Any:
    """Return a notebook with papermill's book-keeping, and with these parameters."""
    for old in ("papermill", "widgets"):  # of a run before, if this is the copy that it left
        notebook.metadata.pop(old, None)
    notebook = load_notebook_node(notebook)
    if not values:
        return notebook
    return parameterize_notebook(notebook, values, kernel_name="python3", language="python")


def _environment(watch: Watch) -> dict[str, str]:
    """Return the kernel's environment; relative paths in it start where the runner does."""
    if not watch.own:
        return {**os.environ}
    return with_absolute_paths({**os.environ, **_SETTINGS, **watch.environment}, os.curdir)


def _allows_errors(notebook: Any) -> bool:
    """Return whether a notebook says that its cells may fail, as tools for pages understand it."""
    asked = ("execution", "allow_errors"), ("nbsphinx", "allow_errors")
    asked += (("mystnb", "execution_allow_errors"),)
    return any((notebook.metadata.get(tool) or {}).get(word) is True for tool, word in asked)


def _shown_in(cell: Any, name: str, value: str) -> CellExecutionError:
    """Return the error of a cell, after the cell shows it in the same words."""
    for output in cell.outputs:
        if output.output_type == "error" and output.ename == name:
            output.evalue = value
    show_error(cell, name, value)
    return CellExecutionError(f"{name}: {value}", name, value)


def _read(task: asyncio.Task) -> None:
    """Read how a task ended: asyncio prints errors that nobody has read."""
    if task.done() and not task.cancelled():
        task.exception()


def _is_idle(message: dict, request: str) -> bool:
    """Tell whether a message says that a request has been dealt with."""
    ours = message["parent_header"].get("msg_id") == request
    return ours and message["content"].get("execution_state") == "idle"


def _is_this_python(manager) -> bool:
    """Tell whether a kernelspec starts an IPython kernel of this very Python."""
    first, *rest = manager.kernel_spec.argv
    named = os.path.basename(first) in {"python", "python3", os.path.basename(sys.executable)}
    return named and (os.sep not in first or first == sys.executable) and "ipykernel" in rest[1]
