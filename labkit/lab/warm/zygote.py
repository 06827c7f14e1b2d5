"""A fork server: one parent imports what lessons need, and each kernel is forked from it.

The parent (the zygote) only imports. It never runs an operation of a framework: TensorFlow's
threads do not survive a fork, and a child of a parent that ran one operation hangs. So `hazard`
is asked before each fork. The other end, which asks for kernels, is `labkit.lab.warm.client`.

A zygote serves one user, one Python, one state of the code and one set of imports; `identity`
tells them apart. It leaves when nobody asks for some minutes, or when labkit's code changed.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import json
import os
import pkgutil
import random
import selectors
import signal
import socket
import stat
import struct
import sys
import sysconfig
import tempfile
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

IDLE = 300.0  # seconds without a kernel after which a zygote leaves; LABKIT_ZYGOTE_IDLE sets it
_LOOK = 5.0  # seconds between two looks at whether labkit's code has changed
_LONGEST_REQUEST = 16 * 2**20  # bytes; an environment is some kilobytes

# Settings that a framework or Python reads while it is imported: another value, another zygote.
_READ_AT_IMPORT = (
    *("CUDA", "CUDNN", "GLIBC_", "HIP_", "JAX_", "KERAS_", "LC_", "LD_", "MALLOC_", "MPLCONFIG"),
    *("NCCL_", "NPY_", "NUMEXPR_", "NVIDIA_", "OMP_", "PYTHON", "PYTORCH", "ROCR_", "SCIPY_"),
    *("SKLEARN_", "TF_", "TORCH", "XLA_", "HOME", "IPYTHONDIR", "LANG", "MATPLOTLIBRC"),
)
# Numbers of threads can still be set in the forked kernel.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_READ_LATER = {*THREADS, "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"}

_LIGHT = (
    *("IPython.core.completerlib", "IPython.core.interactiveshell", "IPython.core.pylabtools"),
    *("IPython.core.debugger", "IPython.extensions.storemagic", "ipykernel.debugger"),
    *("ipykernel.kernelapp", "ipykernel_launcher", "pdb", "tornado.platform.asyncio", "jedi"),
    *("matplotlib_inline.config", "ipywidgets", "anywidget", "threadpoolctl"),
    *("numpy", "pandas", "pandas.io.formats.style", "pandas.io.formats.string", "contourpy"),
    *("pyarrow.pandas_compat", "scipy.stats", "scipy.optimize", "scipy.signal"),
    *("PIL.BmpImagePlugin", "PIL.GifImagePlugin", "PIL.JpegImagePlugin", "PIL.PngImagePlugin"),
    *("PIL.PpmImagePlugin", "matplotlib.pyplot", "matplotlib.backends.backend_agg"),
    *("matplotlib.mathtext", "mpl_toolkits.mplot3d", "sklearn.datasets", "sklearn.linear_model"),
    *("sklearn.metrics", "sklearn.model_selection", "sklearn.neighbors"),
    *("sklearn.preprocessing", "mlxtend.data", "zmq.utils.garbage"),
)
_TRAINING = (
    *("tensorflow.python.data.ops.concatenate_op", "tensorflow.python.data.ops.flat_map_op"),
    *("tensorflow.python.data.ops.from_tensors_op", "tensorflow.python.data.ops.range_op"),
    "tensorflow.python.data.ops.zip_op",
)
# It connects itself to the kernel's shell when it is imported; a kernel that inherits it shows no
# figure.
_NEVER = "matplotlib_inline.backend_inline"
# Rooms of labkit that load no framework.
_ROOMS = ("data", "exercises", "explore", "lab", "learn", "maths")
_RUNNER = ("runs", "sweeps", "warm")  # of labkit.lab, not needed


class ForkError(RuntimeError):
    """A kernel that could not be forked; the message says why."""


# --- which zygote ---------------------------------------------------------------------------


def identity(preload: str, environment: Mapping[str, str]) -> str:
    """Return a hash of all that a kernel takes over from its zygote and cannot change later.

    >>> identity("light", {}) == identity("light", {"TF_NUM_INTRAOP_THREADS": "1"})
    True
    >>> identity("light", {}) == identity("light", {"KERAS_BACKEND": "jax"})
    False
    """
    settings = {
        name: value
        for name, value in sorted(environment.items())
        if name.startswith(_READ_AT_IMPORT) and name not in _READ_LATER
    }
    facts = [sys.executable, sys.version, preload, settings, _code(), _surroundings()]
    return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:16]


def _code() -> list:
    """Return what changes when labkit's code or an installed package does."""
    top = Path(__file__).parents[2]
    packages = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    keras = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"
    files = [*sorted(top.rglob("*.py")), *map(Path, packages), keras]
    return [(str(path), *_version(path)) for path in files]


def _version(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, 0 if stat.S_ISDIR(found.st_mode) else found.st_size)


def _surroundings() -> list:
    """Return what a process inherits and cannot take back: a batch job's limits, its cores."""
    import resource

    with suppress(OSError):
        group = Path("/proc/self/cgroup").read_text()
    limits = [resource.getrlimit(i) for i in (resource.RLIMIT_AS, resource.RLIMIT_NOFILE)]
    cores = sorted(os.sched_getaffinity(0))
    return [
        socket.gethostname(),
        os.getuid(),
        os.getpriority(os.PRIO_PROCESS, 0),
        group,
        limits,
        cores,
    ]


def folder() -> Path:
    """Return the folder of this user's sockets, which nobody else may enter.

    Raises:
        ForkError: it belongs to somebody else or others may enter it.
    """
    from jupyter_core.paths import jupyter_runtime_dir

    place = Path(jupyter_runtime_dir()) / "labkit"
    if len(str(place)) > 70:  # a socket's path has at most 107 bytes
        place = Path(tempfile.gettempdir()) / f"labkit-{os.getuid()}"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ForkError(f"{place} must be a folder of yours that nobody else may enter (mode 700)")
    return place


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
    """
    head, opened, _, _ = socket.recv_fds(connection, 4, files)
    head += _exactly(connection, 4 - len(head)) if head else b""
    if not head:
        raise EOFError
    (length,) = struct.unpack("!I", head)
    if length > _LONGEST_REQUEST:
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


# --- the zygote -----------------------------------------------------------------------------


def main() -> None:
    """Serve until nobody asks any more; arguments: listening socket, set of imports, identity."""
    if os.fork():  # it belongs to nobody: who started it need not wait for its end
        os._exit(0)
    listener = socket.socket(fileno=int(sys.argv[1]))
    preload, name = sys.argv[2:4]
    sys.path[:] = [entry for entry in sys.path if entry]  # a kernel adds its own folder
    with suppress(ValueError):
        sys.path.remove(os.getcwd())
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
            return "code or settings changed while the fork server loaded them"
        return ""

    def _accept(self, listener: socket.socket) -> tuple | None:
        connection, _ = listener.accept()
        if not is_same_user(connection):
            connection.close()
            return None
        connection.settimeout(10)
        try:
            request, files = receive(connection, files=3)
        except (OSError, EOFError, ValueError, ForkError):
            connection.close()
            return None
        self.last_used = time.monotonic()
        if request.get("leave"):
            self.leaving = True
        else:
            return self._fork(connection, request, files)
        connection.close()
        return None

    def _fork(self, connection: socket.socket, request: dict, files: list[int]) -> tuple | None:
        problem = self.fault or hazard()
        parent = os.getpid()
        try:
            pid = -1 if problem else os.fork()
        except OSError as error:
            pid, problem = -1, f"fork failed: {error.strerror}"
        if pid == 0:
            self._forget_all()
            return connection, request, files, parent
        for file in files:
            os.close(file)
        with suppress(OSError):
            send(connection, {"error": problem} if problem else {"pid": pid})
        if problem:
            connection.close()
            self.leaving = not self.clients  # a zygote that cannot fork is of no use
            return None
        self.clients[pid] = connection
        self.selector.register(connection, selectors.EVENT_READ, self._lose)
        return None

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
        for pid in self.clients:
            _kill(pid)
        if self._owns_path():
            self.path.with_suffix(".log").unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)

    def _owns_path(self) -> bool:
        with suppress(OSError):
            return self.path.stat().st_ino == self.inode
        return False


def _kill(pid: int) -> None:
    """Kill a kernel and the processes of its session."""
    for kill in (os.killpg, os.kill):  # it may not have its own session yet
        with suppress(OSError):
            kill(pid, signal.SIGKILL)


def import_all(preload: str) -> None:
    """Import what kernels need, and only that; a package that is not installed is left out."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    if preload == "keras":
        from labkit.lab.doctor import chosen_backend

        backend = chosen_backend()[0]
        # Keras loads TensorFlow, where it is installed, with any backend as soon as it trains.
        for name in dict.fromkeys((backend, "tensorflow", "keras")):
            with suppress(ImportError if name != backend else ()):
                importlib.import_module(name)
    for name in (*_LIGHT, *(_TRAINING if "tensorflow" in sys.modules else ())):
        with suppress(ImportError):
            importlib.import_module(name)
    import labkit

    rooms = (*_ROOMS, "networks") if preload == "keras" else _ROOMS
    for module in pkgutil.walk_packages(labkit.__path__, "labkit."):
        room, _, name = module.name.removeprefix("labkit.").partition(".")
        if room in rooms and name.split(".")[0] not in _RUNNER:
            importlib.import_module(module.name)
    if sys.modules.pop(_NEVER, None):
        del sys.modules["matplotlib_inline"].backend_inline


def hazard() -> str:
    """Return why a child of this process could hang or fail, or "" when forking is safe."""
    modules = sys.modules
    context = getattr(modules.get("tensorflow.python.eager.context"), "_context", None)
    if getattr(context, "_initialized", False):
        return "TensorFlow has run in the parent"
    if getattr(modules.get("jax._src.xla_bridge"), "_backends", None):
        return "JAX has run in the parent"
    cuda = getattr(modules.get("torch"), "cuda", None)
    if cuda is not None and cuda.is_initialized():
        return "PyTorch has used the GPU in the parent"
    if any(name.startswith("/dev/nvidia") for name in _open_files()):
        return "a GPU is in use in the parent"
    return ""


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
        traceback.print_exc()
    finally:
        # Not the interpreter's own end: taking TensorFlow apart would last a second.
        with suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _die_with(parent: int) -> None:
    """Have the system kill this process when the zygote is gone."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)


def _take_over(request: dict, files: list[int]) -> None:
    """Take streams, environment, folder, signals and randomness as a spawned process has them."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    os.umask(request["umask"])
    os.chdir(request["folder"])
    random.seed()
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    _limit_threads()
    gc.enable()


def _limit_threads() -> None:
    """Apply a number of threads that the libraries would have read while they were loaded."""
    named = [os.environ[name] for name in THREADS if os.environ.get(name, "").isdigit()]
    if named:
        from threadpoolctl import threadpool_limits

        threadpool_limits(int(named[0]))


def _run_kernel(connection: socket.socket, arguments: list[str], parent: int) -> int:
    import atexit

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
    """Let matplotlib take the backend that the kernel chose: it was imported before that."""
    import matplotlib

    if os.environ.get("MPLBACKEND"):
        matplotlib.rcParams["backend"] = os.environ["MPLBACKEND"]
    if Path("matplotlibrc").exists():  # matplotlib reads it in the folder where it is imported
        matplotlib.rc_file("matplotlibrc")
