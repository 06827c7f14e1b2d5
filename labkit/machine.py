"""What this machine is, and what of it a process may use.

Standard library only (with psutil for memory, threadpoolctl for threads), so that every room may
ask. A web page is a machine too: one with neither threads nor processes, nor psutil.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

CONTROL_GROUPS = Path("/sys/fs/cgroup")  # where Linux shows the limits that containers set
OWN_GROUP = Path("/proc/self/cgroup")
CORE_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
# Backend of Keras -> the packages that may bring it.
BACKENDS = {"tensorflow": ("tensorflow", "tensorflow-cpu"), "jax": ("jax",), "torch": ("torch",)}
CPU_INFO = Path("/proc/cpuinfo")  # where Linux lists what the processor can do
# Units for much arithmetic at once, as Linux names them: of x86, then of ARM (asimd is NEON).
UNITS = "avx2 avx512f avx_vnni avx512_vnni avx512_bf16 amx_int8 amx_bf16 asimd sve i8mm bf16"
BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")  # those that multiply bfloat16
MAC_UNITS = {
    "hw.optional.avx2_0": "avx2",
    "hw.optional.avx512f": "avx512f",
    "hw.optional.AdvSIMD": "asimd",
    "hw.optional.arm.AdvSIMD": "asimd",
    "hw.optional.arm.FEAT_I8MM": "i8mm",
    "hw.optional.arm.FEAT_BF16": "bf16",
}
PAGE_MEMORY = 2**32  # bytes that a 32-bit address reaches, of which WebAssembly gives all
_LOADED = time.time()
# Packages whose version can change a result, beside the one of the Keras backend in use.
_PACKAGES = ("numpy", "scikit-learn", "keras")


def in_page() -> bool:
    """Return whether this Python runs in a web page (Pyodide), and not on a machine of its own.

    >>> in_page()
    False
    """
    return sys.platform == "emscripten"


def needs(what: str, why: str) -> None:
    """Refuse what no page can do, in a sentence; elsewhere do nothing.

    Args:
        what: that is asked for, such as "A sweep".
        why: what it takes, such as "threads and processes".

    Raises:
        NotInPageError: this Python runs in a page.

    >>> needs("A sweep", "threads")
    """
    if in_page():
        raise NotInPageError(
            f"{what} needs {why}, which a page has not; open the lesson in JupyterLab."
        )


class NotInPageError(RuntimeError):
    """What was asked for cannot be done by the Python of a web page; the message says why."""


def cores() -> int:
    """Return how many processor cores this process may use, at least 1.

    A machine has more where the process is bound to some of them (taskset, a batch system) or
    gets a share of their time (a container): 1.6 cores' time counts as 2 cores.

    >>> 1 <= cores() <= os.cpu_count()
    True
    """
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no such call
        allowed = os.cpu_count() or 1
    return max(1, min([allowed, *map(round, _shares_of_time())]))


def one_thread() -> AbstractContextManager:
    """Hold NumPy to one thread, for small matrices: more of them only wait and burn a core.

    >>> import numpy as np
    >>> with one_thread():
    ...     (np.ones((2, 2)) @ np.ones((2, 2))).tolist()
    [[2.0, 2.0], [2.0, 2.0]]
    """
    return _thread_pools().limit(limits=1, user_api="blas")


def holds_threads() -> bool:
    """Tell whether `one_thread` has a hold on NumPy here; Apple's Accelerate listens to nobody."""
    return any(pool["user_api"] == "blas" for pool in _thread_pools().info())


@cache
def _thread_pools() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()  # looks through all loaded libraries: once is enough


def group_folders(controller: str) -> list[Path]:
    """Return the folders of the control groups of this process: its own first, then those around.

    Each may limit it. A container may be told its path on the host, where it cannot look: then
    its own limits stand in the topmost folder. Without control groups the list is empty.

    Args:
        controller: what is limited, such as "cpu" or "memory". Version 2 has one group for all
            of them, version 1 one for each; a machine may use both.
    """
    try:
        lines = OWN_GROUP.read_text().splitlines()
    except OSError:
        lines = ["0::/"]
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        # Version 1 mounts cpu and cpuacct in one place, and not everywhere under both names.
        for top in {CONTROL_GROUPS / controllers, CONTROL_GROUPS / (controllers and controller)}:
            own = top / path.lstrip("/")
            found += [group for group in (own, *own.parents) if group.is_relative_to(top)]
    return [folder for folder in found if folder.is_dir()]


def _shares_of_time() -> list[float]:
    """Return how many cores' time each control group around this process may use."""
    found = []
    for folder in group_folders("cpu"):
        version_2 = _texts(folder / "cpu.max")
        version_1 = _texts(folder / "cpu.cfs_quota_us") + _texts(folder / "cpu.cfs_period_us")
        for limit in (version_2, version_1):
            if len(limit) == 2 and limit[0] not in ("max", "-1"):
                found.append(int(limit[0]) / int(limit[1]))
    return found


def _texts(path: Path) -> list[str]:
    return _text(path).split()


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the topmost group of a machine has no such file, another system none
        return ""


def memory() -> tuple[int, int]:
    """Return (total, free) bytes of memory that this process may use; a container may have less.

    >>> total, free = memory()
    >>> 0 <= free <= total
    True
    """
    if in_page():
        return _page_memory()
    import psutil

    machine = psutil.virtual_memory()
    total, free = machine.total, machine.available
    for folder in group_folders("memory"):
        limit = _texts(folder / "memory.max") or _texts(folder / "memory.limit_in_bytes")
        used = _texts(folder / "memory.current") or _texts(folder / "memory.usage_in_bytes")
        if limit and limit[0].isdigit() and int(limit[0]) < total:
            total = int(limit[0])
            free = max(0, min(free, total - int(used[0] if used else 0)))
    return total, free


def _page_memory() -> tuple[int, int]:
    """Return (total, free) bytes of what a page's Python can address; what it took stays taken."""
    import pyodide_js

    return PAGE_MEMORY, max(0, PAGE_MEMORY - int(pyodide_js._module.HEAPU8.length))


def process_began() -> float:
    """Return when this process began, in seconds since 1970; a page tells when Python was loaded.

    >>> process_began() > 0
    True
    """
    if in_page():
        return _LOADED
    import psutil

    return psutil.Process().create_time()


def caches() -> dict[int, int]:
    """Return level -> bytes of the caches that one core can use for data; empty where unknown.

    >>> sizes = caches()
    >>> all(size > 0 for size in sizes.values())
    True
    """
    found = {}
    for folder in sorted(CORE_CACHES.glob("index*")):
        kind, level, size = (_texts(folder / name) for name in ("type", "level", "size"))
        if kind and level and size and kind != ["Instruction"]:
            found[int(level[0])] = _in_bytes(size[0])
    if not found and sys.platform == "darwin":
        names = {1: "hw.l1dcachesize", 2: "hw.l2cachesize", 3: "hw.l3cachesize"}
        texts = {level: _output_of("sysctl", "-n", name) for level, name in names.items()}
        found = {level: int(text) for level, text in texts.items() if text.isdigit()}
    return {level: size for level, size in found.items() if size > 0}


def _in_bytes(size: str) -> int:
    """Return the bytes of a size as Linux writes it.

    >>> _in_bytes("48K"), _in_bytes("2M"), _in_bytes("512")
    (49152, 2097152, 512)
    """
    unit = {"K": 2**10, "M": 2**20, "G": 2**30}.get(size[-1:], 1)
    return int(size.rstrip("KMG") or 0) * unit


def chosen_backend() -> tuple[str, str]:
    """Return (backend, what chose it), without importing Keras, by Keras' own order."""
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"], "KERAS_BACKEND"
    settings = keras_file(os.environ)
    try:
        return json.loads(settings.read_text())["backend"], settings.name
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow", "default"


def keras_file(environment: Mapping[str, str]) -> Path:
    """Return where Keras keeps its settings, in this environment; it writes the file if need be.

    >>> keras_file({"KERAS_HOME": "/settings"}).as_posix()
    '/settings/keras.json'
    """
    folder = environment.get("KERAS_HOME")
    if folder is None:
        home = environment.get("HOME") or os.path.expanduser("~")
        folder = os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    return Path(folder, "keras.json").expanduser()


def version_of(package: str) -> str | None:
    """Return the installed version of a package, None when it is not installed.

    >>> version_of("no-such-package") is None
    True
    """
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


@cache
def cpu_name() -> str:
    """Return the processor's name as the system tells it."""
    for line in _text(CPU_INFO).splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    if sys.platform == "darwin":
        return _output_of("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    return platform.processor() or platform.machine()


def cpu_flags() -> list[str] | None:
    """Return which of `UNITS` the processor has, in that order; None where no system tells.

    >>> flags = cpu_flags()
    >>> flags is None or set(flags) <= set(UNITS.split())
    True
    """
    if sys.platform == "darwin":
        return _mac_flags(_output_of("sysctl", "hw.optional"))
    return _linux_flags(_text(CPU_INFO))


def bfloat16_units() -> str:
    """Return in words whether the processor multiplies bfloat16 itself.

    >>> bfloat16_units().partition(" ")[0] in ("yes", "no", "unknown")
    True
    """
    flags = cpu_flags()
    if flags is None:
        return "unknown"
    found = [name for name in flags if name in BFLOAT16]
    return f"yes ({', '.join(found)})" if found else "no"


def _linux_flags(cpu_info: str) -> list[str] | None:
    """Return what every core has that /proc/cpuinfo tells of: "flags" on x86, "Features" on ARM."""
    lines = [line.partition(":") for line in cpu_info.splitlines()]
    cores = [set(v.split()) for name, _, v in lines if name.strip() in ("flags", "Features")]
    return _in_order(set.intersection(*cores)) if cores else None


def _mac_flags(sysctl: str) -> list[str] | None:
    """Return what `sysctl hw.optional` says is there."""
    lines = [line.partition(":") for line in sysctl.splitlines()]
    found = {MAC_UNITS.get(name, "") for name, _, value in lines if value.strip() == "1"}
    return _in_order(found) if lines else None


def _in_order(found: set[str]) -> list[str]:
    return [name for name in UNITS.split() if name in found]


@cache
def gpus() -> tuple[str, ...]:
    """Return the names of NVIDIA GPUs that the driver sees, with their memory."""
    listed = _output_of("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
    return tuple(line.strip() for line in listed.splitlines() if line.strip())


def device_name() -> str:
    """Return what computes here in a few words, as each run's record keeps it."""
    return ", ".join(gpus()) or f"{cores()} cores, {cpu_name()}"


@cache
def versions(backend: str) -> dict[str, str]:
    """Return the versions of Python and of all packages that can change a result.

    >>> versions("jax")["backend"]
    'jax'
    """
    found = {"backend": backend, "python": platform.python_version()}
    for name in (*_PACKAGES, *BACKENDS.get(backend, ())):
        if version := version_of(name):
            found[name.removesuffix("-cpu")] = version
    return found


def _output_of(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
