"""What of this machine a process may use. Standard library only, so that every room may ask."""

from __future__ import annotations

import os
from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")  # where Linux shows the limits that containers set
OWN_GROUP = Path("/proc/self/cgroup")


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
    try:
        return path.read_text().split()
    except OSError:  # the topmost group of a machine has no such file
        return []
