"""Which fork server a kernel may come from: what it takes over from there and cannot change later.

That is the code that was imported, the settings that were read meanwhile, and what the system lets
a process inherit: limits, rights, groups, namespaces, cores. Nothing counts that an import writes
itself, else no server would ever fit whoever started it.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import platform
import socket
import stat
import sys
import sysconfig
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from labkit.machine import keras_file

# Settings that a framework or Python reads while it is imported: another value, another zygote.
_READ_AT_IMPORT = (
    *("ARROW_", "BLIS_", "CUDA", "CUDNN", "DNNL_", "GLIBC_", "HIP_", "HOME", "IPYTHONDIR", "JAX_"),
    *("JOBLIB_", "KERAS_", "LANG", "LC_", "LD_", "LOKY_", "MALLOC_", "MATPLOTLIBRC", "MKL_"),
    *("MPLCONFIG", "NCCL_", "NPY_", "NUMBA_", "NUMEXPR_", "NVIDIA_", "OMP_", "ONEDNN_"),
    *("OPENBLAS_", "PANDAS_", "PYTHON", "PYTORCH", "ROCR_", "SCIPY_", "SKLEARN_", "TF_", "TORCH"),
    *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XLA_"),
)
# Numbers of threads can still be set before each fork.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
READ_LATER = {*THREADS, "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"}

# Paths among the settings. A relative one starts from the folder in which a kernel starts.
_PATHS = (
    *("HOME", "IPYTHONDIR", "KERAS_HOME", "MATPLOTLIBRC", "MPLCONFIGDIR", "PYTHONHOME"),
    *("PYTHONPYCACHEPREFIX", "PYTHONUSERBASE", "TORCH_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"),
)
_LISTS_OF_PATHS = ("LD_LIBRARY_PATH", "PYTHONPATH")

_KERAS = {
    "floatx": "float32",
    "epsilon": 1e-07,
    "backend": "tensorflow",
    "image_data_format": "channels_last",
}
# What the kernel tells of a process: lines of its status, and files. A new program gets its rights
# from the inherited, bounding and ambient sets, so the others do not matter.
_STATUS = (
    *("CapAmb", "CapBnd", "CapInh", "Cpus_allowed", "Groups", "Mems_allowed", "NoNewPrivs"),
    *("Seccomp", "Seccomp_filters", "THP_enabled"),
)
_FILES = (
    *("attr/current", "cgroup", "coredump_filter", "limits", "loginuid", "oom_score_adj"),
    *("sessionid",),
)
_SYSTEM_CALLS = {  # numbers of keyctl, get_mempolicy, ioprio_get: the C library does not name them
    "x86_64": (250, 239, 252),
    "aarch64": (219, 236, 31),
}


def identity(preload: str, environment: Mapping[str, str]) -> str:
    """Return a hash of all that a kernel takes over from its zygote and cannot change later.

    Args:
        preload: which imports the zygote has.
        environment: the kernel's, with absolute paths (see `with_absolute_paths`).

    >>> identity("light", {}) == identity("light", {"TF_NUM_INTRAOP_THREADS": "1"})
    True
    >>> identity("light", {}) == identity("light", {"KERAS_BACKEND": "jax"})
    False
    """
    settings = {
        name: value
        for name, value in sorted(environment.items())
        if name.startswith(_READ_AT_IMPORT) and name not in READ_LATER
    }
    settings.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # as the zygote sets it
    facts = [sys.executable, sys.version, preload, settings, keras_settings(environment)]
    facts += [code(environment), surroundings()]
    return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:16]


def code(environment: Mapping[str, str]) -> list:
    """Return what changes when labkit's code, an installed package or a start-up file does."""
    top = Path(__file__).parents[2]
    files = [
        os.path.join(folder, name)
        for folder, _, names in os.walk(top)
        for name in names
        if name.endswith(".py")
    ]
    installed = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    user = environment.get("PYTHONUSERBASE") or os.path.join(_home(environment), ".local")
    user = sysconfig.get_path("purelib", "posix_user", {"userbase": user})
    starting = [*installed, user, *filter(None, environment.get("PYTHONPATH", "").split(":"))]
    for folder in starting:
        files += [os.path.join(folder, f"{who}customize.py") for who in ("site", "user")]
    for folder in (*installed, user):
        files += _packages(folder)
    files += _matplotlib_files(environment)
    return [(path, *version(path)) for path in sorted(files)]


def _matplotlib_files(environment: Mapping[str, str]) -> list[str]:
    """Return the files of settings that matplotlib may read when it is imported."""
    named = environment.get("MATPLOTLIBRC")
    folder = environment.get("MPLCONFIGDIR")
    if not folder:
        base = environment.get("XDG_CONFIG_HOME") or os.path.join(_home(environment), ".config")
        folder = os.path.join(base, "matplotlib")
    return [*([named] if named else []), *(f"{f}/matplotlibrc" for f in (named, folder) if f)]


def _packages(folder: str) -> list[str]:
    """Return what is installed in a folder; not its caches, which imports write there."""
    with suppress(OSError):
        return [os.path.join(folder, name) for name in os.listdir(folder) if name != "__pycache__"]
    return []


def version(path: str | os.PathLike) -> tuple[int, int]:
    """Return time and size of a file; of a package's folder neither, as imports write below it.

    >>> version("no/such/file")
    (0, 0)
    """
    try:
        found = os.stat(path)
    except OSError:
        return (0, 0)
    if stat.S_ISDIR(found.st_mode) and not os.fspath(path).endswith((".dist-info", ".egg-info")):
        return (1, 0)
    return (found.st_mtime_ns, found.st_size)


def keras_settings(environment: Mapping[str, str]) -> dict:
    """Return what Keras takes from its settings: the same before it writes them and afterwards.

    >>> keras_settings({"KERAS_HOME": "/no/such/folder"})["backend"]
    'tensorflow'
    """
    try:
        found = json.loads(keras_file(environment).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = {}
    return _KERAS | (found if isinstance(found, dict) else {})


def _home(environment: Mapping[str, str]) -> str:
    return environment.get("HOME") or os.path.expanduser("~")


def surroundings() -> list:
    """Return what the calling thread hands on to a process that it starts, umask and signals aside.

    Those two, the folder, the environment and the streams travel with each request.
    """
    names = sorted(set(os.listdir("/proc/self/ns")) - {"pid", "time"})  # the ..._for_children count
    system = [
        *(socket.gethostname(), os.getuid(), os.geteuid(), os.getgid(), os.getegid()),
        *(os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0)),
        *(os.sched_getparam(0).sched_priority, (os.stat("/").st_dev, os.stat("/").st_ino)),
    ]
    own, status = "/proc/thread-self", process_status("thread-self")
    return [
        *system,
        [(name, status.get(name)) for name in _STATUS],
        [
            (name, _told(f"/proc/thread-self/{name}") or _told(f"/proc/self/{name}"))
            for name in _FILES
        ],
        [(name, os.readlink(f"{own}/ns/{name}")) for name in names],
        _asked(),
    ]


def process_status(process: str | int) -> dict[str, str]:
    """Return the lines of a process' status by name, nothing where it may not be read."""
    lines = (line.partition(":") for line in _told(f"/proc/{process}/status").splitlines())
    return {name: value.strip() for name, _, value in lines}


def _told(path: str) -> str:
    with suppress(OSError):
        return Path(path).read_text()
    return ""


def _asked() -> list[int]:
    """Return what only calls tell: secure bits, timer slack, personality, keyring, memory, disk."""
    libc = ctypes.CDLL(None)
    found = [libc.prctl(27, 0, 0, 0, 0), libc.prctl(30, 0, 0, 0, 0), libc.personality(0xFFFFFFFF)]
    if numbers := _SYSTEM_CALLS.get(platform.machine()):
        keyctl, get_mempolicy, ioprio_get = numbers
        policy, nodes = ctypes.c_int(), (ctypes.c_ulong * 64)()
        _call(libc, get_mempolicy, ctypes.addressof(policy), ctypes.addressof(nodes), 4096, 0, 0)
        found += [_call(libc, keyctl, 0, -3, 0), _call(libc, ioprio_get, 1, 0)]
        found += [policy.value, *nodes]
    return found


def _call(libc: ctypes.CDLL, *arguments: int) -> int:
    return libc.syscall(*map(ctypes.c_long, arguments))


def with_absolute_paths(environment: Mapping[str, str], folder: str | os.PathLike) -> dict:
    """Return an environment in which relative paths that are read at import start from a folder.

    The empty entries of a list mean the folder itself; they are left out.

    >>> with_absolute_paths({"PYTHONPATH": "src::/opt", "KERAS_HOME": "~/k"}, "/proc")
    {'PYTHONPATH': '/proc/src:/opt', 'KERAS_HOME': '~/k'}
    """
    found = dict(environment)
    for name in _PATHS:
        if found.get(name, "~")[:1] not in "~/":
            found[name] = _absolute(found[name], folder)
    for name in _LISTS_OF_PATHS:
        if found.get(name):
            entries = filter(None, found[name].split(os.pathsep))
            found[name] = os.pathsep.join(_absolute(entry, folder) for entry in entries)
    return found


def _absolute(path: str, folder: str | os.PathLike) -> str:
    if os.path.isabs(path):
        return path
    return os.path.normpath(os.path.join(os.path.realpath(folder), path))
