"""A fork server: one parent imports what lessons need, and each kernel is forked from it.

The parent (the zygote) only imports. It never runs an operation of a framework: TensorFlow's
threads do not survive a fork, and a child of a parent that ran one operation hangs. So `hazard`
is asked before each fork. The other end, which asks for kernels, is `labkit.lab.warm.client`.

A zygote serves one user, one Python, one state of the code and one set of imports; `identity`
tells them apart. It leaves when nobody asks for some minutes, or when labkit's code changed.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import os
import random
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from labkit.lab.warm.identity import THREADS, identity
from labkit.lab.warm.preload import import_all
from labkit.lab.warm.wire import ForkError, is_same_user, receive, send

IDLE = 300.0  # seconds without a kernel after which a zygote leaves; LABKIT_ZYGOTE_IDLE sets it
_LOOK = 5.0  # seconds between two looks at whether labkit's code has changed
_GOING = 5.0  # seconds in which a client is gone that has removed the folder of its kernel
_FOLDER_AT_IMPORT = {"multiprocessing.process": "ORIGINAL_DIR", "rich": "_IMPORT_CWD"}
# Of NVIDIA, of any maker under Windows' Linux, of AMD, and what draws (of AMD and Intel).
_GPU_FILES = ("/dev/nvidia", "/dev/dxg", "/dev/kfd", "/dev/dri/")
_HANDLED = (signal.SIGCHLD, signal.SIGTERM)  # here, but not in a kernel

# --- the zygote -----------------------------------------------------------------------------


def main() -> None:
    """Serve until nobody asks any more; arguments: listening socket, set of imports, identity."""
    if os.fork():  # it belongs to nobody: who started it need not wait for its end
        os._exit(0)
    listener = socket.socket(fileno=int(sys.argv[1]))
    preload, name = sys.argv[2:4]
    sys.path[:] = [entry for entry in sys.path if entry]  # a kernel adds its own folder
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    server = Zygote(listener, preload, name)
    request = server.serve()
    if request is not None:  # this is a forked kernel now
        _become_kernel(*request)
    os._exit(0)


class Zygote:
    """Forks a kernel for each request, tells how it ended, and kills it when its client is gone."""

    def __init__(self, listener: socket.socket, preload: str, name: str):
        self.listener, self.preload, self.name = listener, preload, name
        self.environment = dict(os.environ)  # as it was when the identity was computed
        self.clients: dict[int, socket.socket | None] = {}  # kernel's pid -> who asked for it
        self.selector = selectors.DefaultSelector()
        self.path = Path(listener.getsockname())
        self.inode = self.path.stat().st_ino
        self.fault = ""  # why no kernel can be forked at all
        self.threads: str | None = None  # that the next kernel inherits; None: as loaded
        self.limits: Any = None  # what restores the number as loaded
        self.leaving = False
        self.idle = float(os.environ.get("LABKIT_ZYGOTE_IDLE") or IDLE)
        self.last_used = time.monotonic()
        self._wake, wake = socket.socketpair()
        self._wake.setblocking(False)
        wake.setblocking(False)
        self._waker = wake
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)

    def serve(self) -> tuple | None:
        """Fork kernels; return None when the zygote leaves, and the request in a forked kernel."""
        try:
            import_all(self.preload)
        except Exception as error:  # say so to whoever asks, then leave
            traceback.print_exc()
            self.fault = f"{type(error).__name__}: {error}"
        self.fault = self.fault or self._outdated()
        gc.collect()
        self.last_used = self.last_look = time.monotonic()
        gc.freeze()  # the collector of a kernel leaves these objects, and so their pages, alone
        self.selector.register(self.listener, selectors.EVENT_READ, self._accept)
        self.selector.register(self._wake, selectors.EVENT_READ, self._reap)
        while not self.leaving:
            events = self.selector.select(timeout=1.0)
            for key, _ in events:
                request = key.data(key.fileobj)
                if request is not None:
                    return request
            if not events:  # nobody waits
                self.leaving = self._may_leave()
        self._end_all()
        return None

    def _may_leave(self) -> bool:
        if self.clients:
            self.last_used = time.monotonic()
            return False
        now = time.monotonic()
        if now - self.last_look > _LOOK:
            self.last_look = now
            if self._outdated():
                return True
        return now - self.last_used > self.idle

    def _outdated(self) -> str:
        """Return why nobody can ask this zygote any more, or ""."""
        if not self._owns_path():
            return "the fork server's socket was removed"
        if identity(self.preload, self.environment) != self.name:
            return "code, settings or limits changed while the fork server started"
        return ""

    def _accept(self, listener: socket.socket) -> tuple | None:
        try:
            connection, _ = listener.accept()
        except OSError:  # it has given up, or too many files are open here
            return None
        if not is_same_user(connection):
            connection.close()
            return None
        connection.settimeout(10)
        try:
            request, files = receive(connection, files=3)
        except (OSError, EOFError, ValueError, ForkError):
            connection.close()
            return None
        if leave := request.get("leave"):
            self.leaving = leave == "now" or not self.clients
        else:
            self.last_used = time.monotonic()
            return self._fork(connection, request, files)
        connection.close()
        return None

    def _fork(self, connection: socket.socket, request: dict, files: list[int]) -> tuple | None:
        danger = hazard()
        problem = self.fault or danger
        parent = os.getpid()
        pid = -1
        try:
            if not problem:
                self._take_threads(request["environment"])
                pid = os.fork()
        except OSError as error:
            problem = f"fork failed: {error.strerror}"
        if pid == 0:
            self._forget_all()
            return connection, request, files, parent
        for file in files:
            os.close(file)
        with suppress(OSError):
            failed = {"error": problem, "lasting": bool(danger)}
            send(connection, failed if problem else {"pid": pid})
        if problem:
            connection.close()
            self.leaving = not self.clients  # a zygote that cannot fork is of no use
            return None
        self.path.touch()  # the time of the last kernel
        self.clients[pid] = connection
        self.selector.register(connection, selectors.EVENT_READ, self._lose)
        return None

    def _take_threads(self, environment: dict[str, str]) -> None:
        """Have libraries use as many threads as they would have read while a kernel loaded them.

        It is done here, once for all kernels that ask for the same: a forked process that sets the
        number starts all those threads, and they wait busily for a tenth of a second. A number that
        no library takes is left out: it must not end the zygote and all its kernels.
        """
        named = next((n for n in map(environment.get, THREADS) if n and n.isdigit()), None)
        if named == self.threads:
            return
        self.threads = named
        with suppress(Exception):
            from threadpoolctl import threadpool_limits

            if self.limits is not None:
                self.limits.restore_original_limits()
            self.limits = None if named is None else threadpool_limits(int(named))

    def _forget_all(self) -> None:
        """In a forked kernel: leave nothing open that belongs to the zygote."""
        signal.set_wakeup_fd(-1)
        self.selector.close()
        clients = [client for client in self.clients.values() if client]
        for held in (self.listener, self._wake, self._waker, *clients):
            held.close()

    def _lose(self, connection: socket.socket) -> None:
        """A client says nothing more: its end is closed, so its kernel ends too."""
        if connection.fileno() < 0:  # its kernel has ended in the same moment
            return
        self.selector.unregister(connection)
        connection.close()
        for pid, client in self.clients.items():
            if client is connection:
                self.clients[pid] = None
                _kill(pid)

    def _reap(self, wake: socket.socket) -> None:
        with suppress(BlockingIOError):
            wake.recv(4096)
        while self.clients:
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            try:
                ended = os.waitid(os.P_ALL, 0, flags)
            except ChildProcessError:
                return
            if ended is None:
                return
            _kill(ended.si_pid)  # what it started; its number is not given away before it is reaped
            _, status = os.waitpid(ended.si_pid, 0)
            client = self.clients.pop(ended.si_pid, None)
            if client is not None:
                with suppress(OSError):
                    send(client, {"exit": os.waitstatus_to_exitcode(status)})
                self.selector.unregister(client)
                client.close()

    def _end_all(self) -> None:
        if self._owns_path():  # first: who finds this zygote gone must find its socket gone
            self.path.with_suffix(".log").unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)
        self.listener.close()
        for pid in self.clients:
            _kill(pid)
        made = os.environ.get("MPLCONFIGDIR")  # by matplotlib, where no home can be written
        if made and made != self.environment.get("MPLCONFIGDIR"):
            shutil.rmtree(made, ignore_errors=True)

    def _owns_path(self) -> bool:
        with suppress(OSError):
            return self.path.stat().st_ino == self.inode
        return False


def _kill(pid: int) -> None:
    """Kill a kernel and the processes of its session."""
    for kill in (os.killpg, os.kill):  # it may not have its own session yet
        with suppress(OSError):
            kill(pid, signal.SIGKILL)


def hazard() -> str:
    """Return why a child of this process could hang or fail, or "" when forking is safe.

    A framework that was only imported is safe, its GPU build too: none touches a GPU before it is
    first asked for one. What was initialized, threads on a CPU or a context on a GPU, does not
    survive a fork.
    """
    modules = sys.modules
    context = getattr(modules.get("tensorflow.python.eager.context"), "_context", None)
    if getattr(context, "_initialized", False):
        return "TensorFlow has run in the parent"
    found = getattr(context, "_physical_devices", None) or ()
    if any(device.device_type != "CPU" for device in found):
        return "TensorFlow has looked for GPUs in the parent"
    if getattr(modules.get("jax._src.xla_bridge"), "_backends", None):
        return "JAX has run in the parent"
    cuda = getattr(modules.get("torch"), "cuda", None)
    if cuda is not None and cuda.is_initialized():
        return "PyTorch has used the GPU in the parent"
    name = next((name for name in _open_files() if name.startswith(_GPU_FILES)), None)
    if name is None and _cuda_driver_runs():
        name = "CUDA's driver"
    if name is not None:
        # Keras on PyTorch asks whether there is a GPU while it is imported, and so opens it.
        return f"the parent has opened a GPU ({name}), and a forked kernel could not use it"
    return ""


def _cuda_driver_runs() -> bool:
    """Tell whether CUDA's driver was initialized here, by whatever library."""
    try:  # only if it is loaded already
        driver = ctypes.CDLL("libcuda.so.1", mode=os.RTLD_NOLOAD | os.RTLD_NOW)
        return driver.cuDeviceGetCount(ctypes.byref(ctypes.c_int())) == 0
    except (OSError, AttributeError):
        return False


def _open_files() -> list[str]:
    names = []
    for file in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            names.append(os.readlink(f"/proc/self/fd/{file}"))
    return names


# --- a forked kernel ------------------------------------------------------------------------


def _become_kernel(connection: socket.socket, request: dict, files: list[int], parent: int) -> None:
    """Turn this forked process into a fresh kernel; never returns."""
    code = 1
    try:
        os.setsid()
        _die_with(parent)
        _take_over(request, files)
        code = _run_kernel(connection, request["arguments"], parent)
    except BaseException:
        if not _is_left(connection):
            traceback.print_exc(file=sys.__stderr__)  # its own may lead to no client
    finally:
        # Not the interpreter's own end: taking TensorFlow apart would last a second.
        with suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _is_left(connection: socket.socket) -> bool:
    """Tell whether the client goes away, as after Ctrl-C while its kernel starts."""
    with suppress(OSError):
        connection.settimeout(_GOING)
        return not connection.recv(1, socket.MSG_PEEK)
    return False


def _die_with(parent: int) -> None:
    """Have the system kill this process when the zygote is gone."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)


def _take_over(request: dict, files: list[int]) -> None:
    """Take streams, environment, folder, signals and randomness as a spawned process has them."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    _set_signals(set(request["ignored"]), request["blocked"])
    os.environ.clear()
    os.environ.update({"PYDEVD_USE_FRAME_EVAL": "NO"} | request["environment"])  # as debugpy does
    time.tzset()
    os.umask(request["umask"])
    os.chdir(request["folder"])
    entries = os.environ.get("PYTHONPATH", "").split(":")
    if len(entries) > 1 and "" in entries:  # it means the kernel's folder
        sys.path.insert(entries.index(""), os.getcwd())
    for module, name in _FOLDER_AT_IMPORT.items():
        if module in sys.modules:
            setattr(sys.modules[module], name, os.getcwd())
    tempfile.tempdir = None
    atexit.unregister(shutil.rmtree)  # matplotlib's folder of settings, which other kernels use too
    random.seed()
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    gc.enable()


def _set_signals(ignored: set[int], blocked: list[int]) -> None:
    """Ignore and block the signals that a process started by the client would."""
    ignored |= {signal.SIGPIPE, signal.SIGXFSZ}  # by Python itself
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if number in ignored:
            signal.signal(number, signal.SIG_IGN)
        elif number == signal.SIGINT:
            signal.signal(number, signal.default_int_handler)
        elif signal.getsignal(number) == signal.SIG_IGN or number in _HANDLED:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _run_kernel(connection: socket.socket, arguments: list[str], parent: int) -> int:
    import ipykernel_launcher
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = [ipykernel_launcher.__file__, *arguments]
    app = IPKernelApp.instance()
    # The handle of the parent is read from the environment at import, which was the zygote's.
    app.initialize([*arguments, f"--IPKernelApp.parent_handle={parent}"])
    _use_backend()
    send(connection, {"ready": True})
    connection.close()
    try:
        app.start()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        atexit._run_exitfuncs()
    return 0


def _use_backend() -> None:
    """Let matplotlib choose its backend as if it were imported now: that was done before."""
    import matplotlib
    from matplotlib import cbook, rcsetup
    from matplotlib.backends import BackendFilter, backend_registry

    settings = matplotlib.rcParams
    if backend := os.environ.get("MPLBACKEND"):
        settings["backend"] = backend
    if Path("matplotlibrc").exists():  # matplotlib reads it in the folder where it is imported
        matplotlib.rc_file("matplotlibrc")
    # As pyplot does: where no window can be opened, one that was asked for gives way.
    windows = set(backend_registry.list_builtin(BackendFilter.INTERACTIVE)) - {"webagg", "nbagg"}
    asked = (settings._get_backend_or_none() or "").lower() in windows
    if asked and settings["backend_fallback"] and cbook._get_running_interactive_framework():
        settings._set("backend", rcsetup._auto_backend_sentinel)
