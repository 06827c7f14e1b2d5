"""Keras without the chatter of its backend: `from labkit.networks.backend import keras`.

TensorFlow's C++ part writes notes about the processor to standard error while it is imported,
whatever the log level. They mean nothing to a reader, so they are taken out; all else stays.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

# Lines that TensorFlow writes on every machine: the first four on every start, the next when it
# first computes, then those when XLA first compiles, and those when a model is exported.
CHATTER = (
    "All log messages before absl::InitializeLog()",
    "oneDNN custom operations are on",
    "This TensorFlow binary is optimized to use",
    "To enable the following instructions",
    "oneDNN supports DT_BOOL only on platforms",
    " initialized for platform Host (this does not guarantee that XLA will be used)",
    "StreamExecutor [0]: Host",
    "disabling MLIR crash reproducer",
    "Compiled cluster using XLA!",
    "Number of eligible GPUs",
    "single_machine.cc",
    "tf_tfl_flatbuffer_helpers.cc",
    " SavedModel",
    "Reading meta graph with tags",
    "MLIR V1 optimization pass is not enabled",
    "Created TensorFlow Lite XNNPACK delegate",
)

# A sweep computes beside the notebook that started it: on a card that they share, no process may
# take all memory for itself, which both frameworks would do. Read when a framework first computes.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def __getattr__(name: str) -> ModuleType:
    if name != "keras":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has 'keras'")
    with without_chatter():
        import keras
    _quieten(keras)
    globals()["keras"] = keras  # from now on it is found here, without a call
    return keras


def _quieten(keras: ModuleType) -> None:
    """Hold TensorFlow's notes back also where Keras on another backend loads it later.

    `keras.utils.set_random_seed` does so, to set the seed of every framework that is installed.
    """
    later = getattr(keras.src.utils.module_utils, "tensorflow", None)
    if later is not None and later.module is None:
        later.initialize = without_chatter()(later.initialize)


@contextmanager
def without_chatter() -> Iterator[None]:
    """Hold back what is written to standard error inside, then pass on what is not chatter.

    Works on the file descriptor: C++ code does not write through `sys.stderr`.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            held.seek(0)
            text = held.read().decode(errors="replace")
            lines = [line for line in text.splitlines() if not is_chatter(line)]
            if lines:
                print("\n".join(lines), file=sys.stderr)


@contextmanager
def without_advice() -> Iterator[None]:
    """Hold back what the Python parts of TensorFlow and Keras advise inside; errors stay."""
    logs = [logging.getLogger(name) for name in ("tensorflow", "absl")]
    before = [log.level for log in logs]
    try:
        for log in logs:
            log.setLevel(logging.ERROR)
        yield
    finally:
        for log, level in zip(logs, before, strict=True):
            log.setLevel(level)


def is_chatter(line: str) -> bool:
    """Tell whether a line of standard error is one that TensorFlow writes on every start.

    >>> is_chatter("I0000 00:00:17 port.cc:153] oneDNN custom operations are on. You may ...")
    True
    >>> is_chatter("could not load libcudnn")
    False
    """
    return not line.strip() or any(words in line for words in CHATTER)
