"""Functions and data on their way to a worker, as bytes.

cloudpickle sends a function of a notebook as its code, and one of a module as its name. A worker
would not find the learner's own module beside the notebook, or find it as it was before the last
change: such a module travels as code too.
"""

from __future__ import annotations

import io
import marshal
import site
import sys
import sysconfig
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import cloudpickle

from labkit.datacenter.parent import forget_in_copies


def pack(value: Any) -> bytes:
    """Return a value as bytes, functions and classes of the learner's modules as their code.

    Raises:
        TypeError: it holds something that cannot travel, such as an open file or a lock.

    >>> cloudpickle.loads(pack(lambda x: x + 1))(2)
    3
    """
    own = [module for module in list(sys.modules.values()) if is_own(module)]
    with _sent_as_code(own):
        try:
            return _dumps(value)
        except Exception as error:
            raise TypeError(
                f"this cannot travel to another process: {error}. Let the job open files, and make "
                "locks, threads and generators (yield) there; send arrays, numbers and functions."
            ) from error


@contextmanager
def _sent_as_code(modules: Iterable[ModuleType]) -> Iterator[None]:
    """Tell cloudpickle, which has one list for all threads, and leave its list as it was."""
    with _list.lock:
        before = cloudpickle.list_registry_pickle_by_value()
        new = [module for module in modules if module.__name__ not in before]
        for module in new:
            cloudpickle.register_pickle_by_value(module)
        try:
            yield
        finally:
            for module in new:
                cloudpickle.unregister_pickle_by_value(module)


class _List:
    """The lock of cloudpickle's list; a copy of this process by fork may find it taken for ever."""

    def __init__(self):
        self._forget()
        forget_in_copies(self)

    def _forget(self) -> None:
        self.lock = threading.RLock()


_list = _List()
unpack = cloudpickle.loads


class _Pickler(cloudpickle.Pickler):
    """As cloudpickle, but code keeps the name of its file: an error shows the learner's lines."""

    dispatch_table = cloudpickle.Pickler.dispatch_table.new_child(
        {CodeType: lambda code: (marshal.loads, (marshal.dumps(code),))}
    )


def _dumps(value: Any) -> bytes:
    with io.BytesIO() as file:
        _Pickler(file).dump(value)
        return file.getvalue()


def is_own(module: ModuleType) -> bool:
    """Return whether a module is the learner's: not of labkit, Python or an installed package.

    >>> import numpy
    >>> is_own(numpy), is_own(sys), is_own(sys.modules["labkit"])
    (False, False, False)
    """
    name, file = getattr(module, "__name__", None), getattr(module, "__file__", None)
    if not (isinstance(name, str) and isinstance(file, str) and file.endswith(".py")):
        return False
    if sys.modules.get(name) is not module or name.partition(".")[0] in ("labkit", "__main__"):
        return False
    return not _is_installed(file)


@cache
def _is_installed(file: str) -> bool:
    path = Path(file).resolve()
    return any(path.is_relative_to(folder) for folder in _installed())


@cache
def _installed() -> list[Path]:
    paths = sysconfig.get_paths()
    names = [paths[kind] for kind in ("stdlib", "platstdlib", "purelib", "platlib")]
    names += [*getattr(site, "getsitepackages", list)(), site.getusersitepackages()]
    return [Path(name).resolve() for name in names]
