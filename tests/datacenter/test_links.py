"""The wires: what a message is, what counts, what a slow line takes, and who may come in."""

import os
import socket
import struct
import threading
import time

import ml_dtypes
import numpy as np
import pytest

from labkit.datacenter import links
from labkit.datacenter.links import HEADER, TOKEN, Cut, Link, Links, call, listen, meet

SECRET = bytes(range(TOKEN))


@pytest.fixture
def pair():
    """Two workers' ends of a line, as ranks 0 and 1."""
    made = []

    def make(link=None):
        with listen() as door:
            caller = call(door.getsockname()[1], SECRET, 0)
            callee = meet(door, SECRET, [0], lambda missing: None)[0]
        made.extend([caller, callee])
        return Links({1: caller}, link or Link()), Links({0: callee}, link or Link())

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0),
        np.arange(24, dtype=np.int16).reshape(2, 3, 4),
        np.array(2.5),
        np.zeros(0),
        np.zeros((3, 0)),
        np.array([True, False]),
        np.array([1.5, -2.0], np.float16),
        np.array([1.5, -2.0], ml_dtypes.bfloat16),
        np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
        np.arange(12.0).reshape(3, 4)[:, 1],
        np.arange(12.0).reshape(3, 4).T,
        np.random.default_rng(0).normal(size=300_000),  # more than the system's buffers hold
    ],
    ids=lambda array: f"{array.dtype}-{array.shape}",
)
@pytest.mark.parametrize("link", [Link(), Link(bandwidth=1e9)])
def test_a_message_arrives_bit_for_bit_and_its_bytes_count(pair, array, link):
    left, right = pair(link)
    sent = left.send(1, array)
    came = right.receive(0, np.empty(array.shape, array.dtype))
    sent()
    assert came.tobytes() == array.tobytes()
    assert (left.sent, left.messages, right.received) == (array.nbytes, 1, array.nbytes)
    assert (left.sent_to[1], right.received_from[0]) == (1, 1)


def test_messages_come_in_order_and_a_barrier_does_not_count(pair):
    left, right = pair()
    left.send(1, np.array([1]))
    left.send_mark(1)
    left.send(1, np.array([2]))
    assert right.receive(0, np.empty(1, int)) == 1
    right.receive_mark(0)
    assert right.receive(0, np.empty(1, int)) == 2
    left.close()
    assert (left.sent, left.messages, left.sent_to[1], right.received_from[0]) == (16, 2, 3, 3)


def test_both_may_send_first_however_large_the_messages(pair):
    ends, large = pair(), np.ones(2_000_000)
    sent = [ends[0].send(1, large), ends[1].send(0, large)]
    other = threading.Thread(target=ends[0].receive, args=(1, np.empty_like(large)))
    other.start()
    ends[1].receive(0, np.empty_like(large))
    other.join(20)
    for wait in sent:
        wait()
    assert not other.is_alive()


@pytest.mark.parametrize(
    ("sent", "into", "words"),
    [
        (np.zeros(2), np.empty(1), "worker 0 sent a message of 16 bytes, expected here a .* of 8"),
        (None, np.empty(1), "worker 0 sent a barrier, expected here a message of 8 bytes"),
        (np.zeros(2), None, "worker 0 sent a message of 16 bytes, expected here a barrier"),
    ],
)
def test_a_message_of_another_size_is_told(pair, sent, into, words):
    left, right = pair()
    left._put(1, None if sent is None else links._as_bytes(sent))
    with pytest.raises(ValueError, match=words):
        right.receive_mark(0) if into is None else right.receive(0, into)


def test_what_cannot_be_sent_or_filled(pair):
    left, _ = pair()
    with pytest.raises(ValueError, match="no line to worker 0; there are lines to \\[1\\]"):
        left.send(0, np.zeros(1))
    with pytest.raises(ValueError, match="no line to worker 7"):
        left.receive(7, np.zeros(1))
    with pytest.raises(ValueError, match="contiguous array"):
        left.receive(1, np.zeros((3, 4))[:, 1])
    with pytest.raises(ValueError, match="contiguous array"):
        left.receive(1, [0.0])
    with pytest.raises(ValueError, match="only numbers travel"):
        left.send(1, np.array([None]))


def test_a_line_that_is_cut_is_told_to_who_sends_and_who_receives(pair):
    left, right = pair()
    right.sockets[0].close()
    with pytest.raises(Cut, match="worker 1 is cut"):
        left.receive(1, np.empty(1))
    large = left.send(1, np.zeros(3_000_000))  # more than the system's buffers hold
    with pytest.raises(Cut, match="worker 1 is cut"):
        large()


def test_who_waited_for_whom_is_known(pair):
    left, right = pair()
    threading.Timer(0.2, left.send, (1, np.zeros(1))).start()
    threading.Timer(0.1, lambda: setattr(right, "seen", right.waits_for)).start()
    right.receive(0, np.empty(1))
    assert right.waited[0] > 0.15
    assert right.seen == 0
    assert right.waits_for is None


def test_at_the_end_of_a_job_one_waits_for_who_does_not_read(pair):
    left, right = pair()
    left.send(1, np.zeros(3_000_000))
    end = threading.Thread(target=left.close)
    end.start()
    end.join(0.2)
    assert end.is_alive()
    assert left.waits_for == 1
    right.receive(0, np.empty(3_000_000))
    end.join(10)
    assert left.waits_for is None


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("link", [Link(4e6, 0.0), Link(None, 0.05), Link(2e6, 0.1)])
def test_a_slow_line_takes_what_its_model_says(pair, link):
    left, right = pair(link)
    taken = []
    for _ in range(4):
        begun = time.perf_counter()
        left.send(1, np.zeros(200_000, np.uint8))
        right.receive(0, np.empty(200_000, np.uint8))
        taken.append(time.perf_counter() - begun)
    modeled = link.seconds(200_000)
    assert min(taken) < 1.3 * modeled  # the others may have met another program
    assert sum(taken) > 0.9 * 4 * modeled


def test_a_slow_line_takes_no_time_of_a_core(pair):
    left, right = pair(Link(bandwidth=2e6))
    begun, cpu = time.perf_counter(), time.process_time()
    left.send(1, np.zeros(600_000, np.uint8))
    right.receive(0, np.empty(600_000, np.uint8))
    assert time.perf_counter() - begun > 0.25
    assert time.process_time() - cpu < 0.5 * (time.perf_counter() - begun)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((0,), "bandwidth must be positive"), ((-1,), "bandwidth"), ((None, -1), "latency must be 0")],
)
def test_a_line_that_cannot_be(arguments, words):
    with pytest.raises(ValueError, match=words):
        Link(*arguments)


# --- who may come in ----------------------------------------------------------------------------


def stranger(port, words):
    line = socket.create_connection(("127.0.0.1", port))
    line.sendall(words)
    return line


def rest_of(line):
    """Return what the other side still says, b"" at its end."""
    line.settimeout(5)
    try:
        return line.recv(1)
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        SECRET,  # no rank
        SECRET[:-1],
        os.urandom(TOKEN) + struct.pack("!i", 1),
        bytes(TOKEN) + struct.pack("!i", 1),
        SECRET + struct.pack("!i", 9),  # nobody's rank
        HEADER.pack(2**63),
    ],
    ids=["silent", "http", "no rank", "cut off", "random", "zeros", "nobody's rank", "a header"],
)
def test_strangers_are_turned_away_and_keep_nobody_out(words):
    with listen() as door:
        port = door.getsockname()[1]
        assert door.getsockname()[0] == "127.0.0.1"
        crowd = [stranger(port, words) for _ in range(20)]
        begun = time.monotonic()
        own = [call(port, SECRET, rank) for rank in (1, 2)]
        crowd += [stranger(port, words) for _ in range(20)]
        met = meet(door, SECRET, [1, 2], lambda missing: None)
    assert time.monotonic() - begun < 2
    assert sorted(met) == [1, 2]
    for rank, line in zip((1, 2), own, strict=True):
        line.sendall(b"mine")
        assert met[rank].recv(4) == b"mine"
    assert {rest_of(line) for line in crowd} == {b""}
    for line in [*crowd, *own, *met.values()]:
        line.close()


def test_hundreds_of_silent_strangers_use_up_nothing():
    import psutil

    with listen() as door:
        port, crowd = door.getsockname()[1], []
        before, most = psutil.Process().num_fds(), []

        def flood():
            crowd.extend(stranger(port, b"") for _ in range(300))
            crowd.append(call(port, SECRET, 1))

        caller = threading.Thread(target=flood)
        caller.start()
        met = meet(
            door, SECRET, [1], lambda _: most.append(psutil.Process().num_fds() - len(crowd))
        )
        caller.join()
    assert max(most) - before < links.CROWD + 10
    for line in [*crowd, *met.values()]:
        line.close()


def test_who_waits_may_give_up():
    def check(missing):
        assert missing == [1]
        raise TimeoutError

    with listen() as door, pytest.raises(TimeoutError):
        meet(door, SECRET, [1], check)
