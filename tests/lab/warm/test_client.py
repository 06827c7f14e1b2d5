"""What the end that asks for a kernel makes of what it is told."""

import socket

import pytest

from labkit.lab.warm import client, wire


@pytest.mark.parametrize(
    ("told", "ready"),
    [
        ([{"pid": 12}], False),
        ([{"pid": 12}, {"ready": True}], False),  # heard when it is asked for
        ([{"ready": True}, {"pid": 12}], True),  # a busy machine lets the kernel speak first
    ],
)
def test_a_kernel_may_be_ready_before_its_number_comes(told, ready):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for message in told:
            wire.send(theirs, message)
        kernel = client._ask(ours, {}, ())
        assert (kernel.pid, kernel.ready) == (12, ready)
        if len(told) == 2:
            assert kernel.wait_ready(1)
