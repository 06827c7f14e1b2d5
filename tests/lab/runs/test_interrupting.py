"""Ctrl-C while a kernel starts, or a cell runs, ends a task where it waits."""

import asyncio
import os
import signal
import threading
import time
from types import SimpleNamespace

import pytest

from labkit.lab.runs.interrupting import gently
from labkit.lab.warm import client, provisioner


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_would_raise_is_dealt_with_until_nothing_is_to_be_stopped(number):
    before = signal.signal(number, signal.default_int_handler)
    left = [True]
    try:
        with gently(lambda: bool(left) and left.pop()):
            signal.raise_signal(number)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(number)
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)


def test_a_handler_of_somebody_else_stays():
    came = []
    before = signal.signal(signal.SIGINT, lambda *_: came.append("theirs"))
    try:
        with gently(lambda: came.append("ours") or True):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert came == ["theirs"]


def test_a_thread_sets_no_handlers():
    seen = []

    def work():
        with gently(lambda: True):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]


async def cancelled(starting, after):
    """Start a kernel and cancel that after so many seconds."""
    task = asyncio.create_task(starting.launch_kernel(provisioner._LAUNCHER))
    await asyncio.sleep(after)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("way", ["always", "never"])
def test_a_kernel_whose_start_is_cancelled_is_known_to_whoever_ends_it(way, monkeypatch):
    kernel = SimpleNamespace(pid=os.getpid(), poll=lambda: None)

    def slowly(*args, **kwargs):
        time.sleep(0.3)
        return kernel

    monkeypatch.setattr(client, "fork_kernel", slowly)
    monkeypatch.setattr("jupyter_client.provisioning.local_provisioner.launch_kernel", slowly)
    starting = provisioner.ForkProvisioner(fork=way, preload="light")

    asyncio.run(cancelled(starting, after=0.1))
    assert starting.process is kernel


def test_a_start_that_hangs_does_not_hold_up_ctrl_c(monkeypatch):
    hanging = threading.Event()
    monkeypatch.setattr(client, "fork_kernel", lambda *args, **kwargs: hanging.wait(30))
    monkeypatch.setattr(provisioner, "_KNOWN", 0.1)
    starting = provisioner.ForkProvisioner(fork="always", preload="light")

    began = time.monotonic()
    asyncio.run(cancelled(starting, after=0.05))
    hanging.set()
    assert time.monotonic() - began < 10
