"""What strangers may send: each gets a clear answer below 500, and the server lives on."""

import json
import socket
import struct
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import numpy as np
import psutil
import pytest

from labkit.datacenter.serving import protocol
from labkit.datacenter.serving.served import Served

pytest.importorskip("fastapi")
MOST = 8  # rows
LIMIT = 64 * 1024 + 26 * MOST * 4  # bytes of a body: what the server works out for this model
SLOW = {"header_seconds": 1.0, "body_seconds": 1.0, "keep_alive": 1.0}
POST = "POST /v2/models/model/infer HTTP/1.1\r\nhost: 127.0.0.1\r\n"


def total(rows):
    return rows.sum(-1, keepdims=True)


@pytest.fixture(scope="module")
def server():
    with Served(total, shape=(4,), max_batch=MOST, connections=200, **SLOW) as made:
        yield made


@pytest.fixture(autouse=True)
def _it_still_answers(server):
    """After whatever a test has done, the next request is answered as if nothing had been."""
    yield
    assert server.predict([[1, 2, 3, 4]]).tolist() == [[10]]
    assert server.predict([[1, 2, 3, 4]], binary=False).tolist() == [[10]]


def request(**changes):
    """Return a right request's JSON, some of its tensor's entries changed; None takes one away."""
    tensor = {"name": "input", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]} | changes
    return {"inputs": [{key: value for key, value in tensor.items() if value is not None}]}


def post(server, body, **headers):
    headers = {"content-type": "application/json"} | {
        k.replace("_", "-"): v for k, v in headers.items()
    }
    status, answer, _ = server.ask("POST", server.path, body, headers)
    return status, json.loads(answer)["error"] if status != 200 else ""


def raw(server, data, seconds=10.0):
    """Send bytes as they are; return all that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as line:
        line.sendall(data)
        return rest(line)


def rest(line):
    answer = b""
    try:
        while part := line.recv(65536):
            answer += part
    except ConnectionResetError:
        pass
    return answer


def status(answer):
    return int(answer.split(b" ", 2)[1])


# --- bodies -------------------------------------------------------------------------------------

TEXT = json.dumps(request())
BODIES = {
    "empty": "",
    "no JSON": "shape=[1,4]",
    "half": TEXT[:40],
    "two": TEXT + TEXT,
    "not UTF-8": b'\xff\xfe{"inputs": []}',
    "a list": "[]",
    "null": "null",
    "deep list": "[" * 60_000,
    "deep object": '{"a":' * 12_000,
    "deep data": TEXT.replace("[1, 2, 3, 4]", "[" * 20_000 + "]" * 20_000),
    "NaN": TEXT.replace("3, 4", "3, NaN"),
    "Infinity": TEXT.replace("3, 4", "3, Infinity"),
    "-Infinity": TEXT.replace("3, 4", "3, -Infinity"),
    "1e999": TEXT.replace("3, 4", "3, 1e999"),
    "too large for float32": TEXT.replace("3, 4", "3, 1e39"),
    "rounded to infinity": TEXT.replace("3, 4", "3, 3.4028235677973366e38"),
    "an integer of 400 digits": TEXT.replace("3, 4", "3, " + "9" * 400),
    "an integer of 9000 digits": TEXT.replace("3, 4", "3, " + "9" * 9000),
    "no inputs": "{}",
    "inputs an object": '{"inputs": {}}',
    "no tensor": '{"inputs": []}',
    "two tensors": json.dumps({"inputs": request()["inputs"] * 2}),
    "tensor a text": '{"inputs": ["x"]}',
    "no name": json.dumps(request(name=None)),
    "name a number": json.dumps(request(name=1)),
    "other datatype": json.dumps(request(datatype="INT8")),
    "datatype a list": json.dumps(request(datatype=["FP32"])),
    "no shape": json.dumps(request(shape=None)),
    "other shape": json.dumps(request(shape=[1, 5], data=[1, 2, 3, 4, 5])),
    "flat shape": json.dumps(request(shape=[4])),
    "negative rows": json.dumps(request(shape=[-1, 4])),
    "no row": json.dumps(request(shape=[0, 4], data=[])),
    "too many rows": json.dumps(request(shape=[9, 4], data=[0] * 36)),
    "very many rows": json.dumps(request(shape=[10**15, 4])),
    "shape of floats": json.dumps(request(shape=[1.0, 4.0])),
    "shape of true": json.dumps(request(shape=[True, 4])),
    "no data": json.dumps(request(data=None)),
    "data an object": json.dumps(request(data={"0": 1})),
    "too few numbers": json.dumps(request(data=[1, 2, 3])),
    "too many numbers": json.dumps(request(data=[1, 2, 3, 4, 5])),
    "texts": json.dumps(request(data=["1", "2", "3", "4"])),
    "one long text": json.dumps(request(shape=[8, 4], data=["x" * 50_000, *["y"] * 31])),
    "true": json.dumps(request(data=[True, 2, 3, 4])),
    "null in data": json.dumps(request(data=[None, 2, 3, 4])),
    "unequal lists": json.dumps(request(shape=[2, 4], data=[[1, 2, 3, 4, 5], [6, 7, 8]])),
    "a number beside lists": json.dumps(request(shape=[2, 4], data=[[1, 2, 3, 4], 5])),
    "too deep data": json.dumps(request(data=[[[1, 2, 3, 4]]])),
    "id a number": json.dumps(request() | {"id": 3}),
    "outputs a text": json.dumps(request() | {"outputs": "all"}),
    "two outputs": json.dumps(request() | {"outputs": [{}, {}]}),
    "parameters a list": json.dumps(request() | {"parameters": []}),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_wrong_body_is_answered_400_with_a_sentence(server, body):
    code, words = post(server, body)
    assert code == 400
    assert 10 < len(words) < 300


RIGHT = protocol.binary_body([[1, 2, 3, 4]])
HEAD = int(RIGHT[1][protocol.LENGTH])
BINARY = {
    "short": (RIGHT[0][:-4], str(HEAD)),
    "long": (RIGHT[0] + b"1234", str(HEAD)),
    "NaN": (RIGHT[0][:-4] + struct.pack("<f", np.nan), str(HEAD)),
    "size of JSON beyond the body": (RIGHT[0], "99999999999"),
    "size of JSON too small": (RIGHT[0], str(HEAD - 1)),
    "size of JSON negative": (RIGHT[0], "-1"),
    "size of JSON in other digits": (RIGHT[0], "\u00b2"),
    "size of JSON of 500 digits": (RIGHT[0], "1" * 500),
    "no size of the tensor": (
        RIGHT[0].replace(b"binary_data_size", b"binary_data_sixe"),
        str(HEAD),
    ),
    "another size of the tensor": (RIGHT[0].replace(b'size":16', b'size":12'), str(HEAD)),
}


@pytest.mark.parametrize(("body", "length"), BINARY.values(), ids=BINARY)
def test_wrong_raw_bytes_are_answered_400_with_a_sentence(server, body, length):
    headers = {protocol.LENGTH: length}
    code, words = post(server, body, content_type="application/octet-stream", **headers)
    assert code == 400
    assert 10 < len(words) < 300


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "text/plain"},
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_type": "application/octet-stream"},  # without the length of its JSON
        {"content_type": ""},
        {"content_encoding": "gzip"},
        {"content_encoding": "deflate, gzip, br"},
    ],
)
def test_a_body_in_another_form_is_answered_415(server, headers):
    assert post(server, TEXT, **headers)[0] == 415


def test_a_body_of_the_limit_is_read_and_one_byte_more_is_not(server):
    room = LIMIT - len(TEXT)
    assert post(server, TEXT + " " * room) == (200, "")
    code, words = post(server, TEXT + " " * (room + 1))
    assert (code, f"{LIMIT} bytes" in words) == (413, True)


def test_a_connection_carries_any_number_of_bodies(server):
    body = TEXT + " " * 15_000
    head = f"{POST}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
        for _ in range(80):
            line.sendall((head + body).encode())
            answer = b""
            while not answer.endswith(b'"data":[10.0]}]}'):
                answer += (part := line.recv(65536))
                assert part, "closed"


def test_a_huge_body_is_refused_before_it_comes(server):
    head = f"{POST}content-type: application/json\r\ncontent-length: {10**12}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as line:
        line.sendall(head.encode())
        assert status(line.recv(65536)) == 413


@pytest.mark.parametrize("size", [10, 16_000])
def test_an_endless_body_in_chunks_is_refused_and_then_cut(server, size):
    head = f"{POST}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    chunk = f"{size:x}\r\n".encode() + b"x" * size + b"\r\n"
    before, sent = psutil.Process(server.pid).memory_info().rss, 0
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as line:
        line.sendall(head.encode())
        try:
            while sent < 400 * LIMIT:
                line.sendall(chunk * (1 + 20_000 // size))
                sent += len(chunk) * (1 + 20_000 // size)
        except OSError:  # cut
            pass
        assert sent < 400 * LIMIT
        assert status(rest(line)) == 413
    assert psutil.Process(server.pid).memory_info().rss - before < 30e6


# --- lines and headers --------------------------------------------------------------------------

CHUNKED = f"{POST}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
LINES = {
    "no HTTP": "hello\r\n\r\n",
    "TLS": "\x16\x03\x01\x02\x00\x01\x00",
    "one long header": f"GET /v2 HTTP/1.1\r\nhost: 127.0.0.1\r\nx: {'y' * 100_000}\r\n\r\n",
    "10,000 headers": "GET /v2 HTTP/1.1\r\nhost: 127.0.0.1\r\n" + "x: y\r\n" * 10_000 + "\r\n",
    "a header without an end": "GET /v2 HTTP/1.1\r\nhost: 127.0.0.1\r\n" + "x" * 50_000,
    "a long path": f"GET /{'a' * 50_000} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
    "no host": "GET /v2 HTTP/1.1\r\nconnection: close\r\n\r\n",
    "two hosts": "GET /v2 HTTP/1.1\r\nhost: 127.0.0.1\r\nhost: evil\r\n\r\n",
    "a space before the colon": "GET /v2 HTTP/1.1\r\nhost : 127.0.0.1\r\n\r\n",
    "a control character": "GET /v2 HTTP/1.1\r\nhost: 127.0.0.1\r\nx: a\0b\r\n\r\n",
    "two lengths": f"{POST}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
    "a negative length": f"{POST}content-length: -5\r\n\r\n",
    "another transfer": f"{POST}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a bad chunk": CHUNKED + "zz\r\n",
    "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("text", LINES.values(), ids=LINES)
def test_a_request_that_is_no_HTTP_is_answered_below_500_and_closed(server, text):
    answer = raw(server, text.encode("latin-1"))
    assert 400 <= status(answer) < 500


def test_a_length_beside_chunks_smuggles_no_second_request(server):
    inner = "GET /v2 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
    head = f"{POST}content-length: {len(inner) + 5}\r\ntransfer-encoding: chunked\r\n"
    answer = raw(server, f"{head}content-type: application/json\r\n\r\n0\r\n\r\n{inner}".encode())
    assert status(answer) == 400
    assert b"labkit" not in answer  # what /v2 would have said


PATHS = ["/", "//", "/v2/", "/v2/models", "/v2/models/", "/v2/models/other/infer", "/docs"]
PATHS += ["/v2/models/model/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/v2%2fhealth"]
PATHS += ["/v2/models/model%00/infer", "/v2/models/model/infer/", "/v2/models/model//infer"]
PATHS += ["/V2", "/v2;x=1", "/v2/models/%6dodel/infer%0d%0ax", "/..;/v2", "/%ff%fe", "/static/x"]
PATHS += ["http://evil.example/etc/passwd"]


@pytest.mark.parametrize("path", PATHS)
def test_another_path_is_answered_404(server, path):
    text = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
    answer = raw(server, text.encode())
    assert status(answer) == 404
    assert b"/v2/models/model/infer" in answer  # what there is instead


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO"])
def test_another_method_is_answered_405(server, method):
    code, _, headers = server.ask(method, server.path)
    assert code == 405
    assert headers["allow"] == "POST"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_a_name_that_a_stranger_let_point_here_is_refused(server, host):
    code, _, _ = server.ask("GET", "/v2", headers={"host": host})
    assert code == 421


@pytest.mark.parametrize("host", ["localhost", "localhost:80", "[::1]:80", "127.0.0.1"])
def test_the_names_of_this_machine_are_served(server, host):
    assert server.ask("GET", "/v2", headers={"host": host})[0] == 200


def test_an_upgrade_is_ignored(server):
    headers = {"connection": "upgrade", "upgrade": "websocket"}
    assert server.ask("GET", "/v2", headers=headers)[0] == 200


# --- slow ones, and many ------------------------------------------------------------------------


def drip(server, data, every=0.15, seconds=8.0):
    """Send bytes one by one; return the answer, and the seconds until the server closed."""
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=every) as line:
        answer = b""
        for byte in data:
            try:
                line.send(bytes([byte]))
                answer += (part := line.recv(65536))
                if not part:
                    break
            except TimeoutError:
                pass
            except OSError:
                break
            if time.monotonic() > begun + seconds:
                raise AssertionError("the server waits on")
        return answer, time.monotonic() - begun


@pytest.mark.slow
def test_slow_headers_and_slow_bodies_are_cut_off(server):
    head = f"{POST}content-type: application/json\r\ncontent-length: 500\r\n\r\n"
    answer, seconds = drip(server, head.encode())
    assert status(answer) == 408
    assert seconds > 0.9
    with socket.create_connection(("127.0.0.1", server.port), timeout=8) as line:
        line.sendall(head.encode() + b"{")
        assert status(rest(line)) == 408
    # A first answer gives no second request more time.
    with socket.create_connection(("127.0.0.1", server.port), timeout=8) as line:
        line.sendall(b"GET /v2 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        while not line.recv(65536).endswith(b"]}"):
            pass
        line.sendall(b"GET /v2 HT")
        assert status(rest(line)) == 408


@pytest.mark.slow
def test_who_does_not_read_its_answers_is_cut_off(server):
    request = b"GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(0.5)
        line.connect(("127.0.0.1", server.port))
        with suppress(OSError):  # it does not take more, or is gone
            while True:
                line.sendall(request * 100)
        begun = time.monotonic()
        process = psutil.Process(server.pid)
        while any(
            each.raddr and each.raddr.port == line.getsockname()[1]
            for each in process.net_connections()
        ):
            assert time.monotonic() < begun + 8
            time.sleep(0.1)


@pytest.mark.slow
def test_many_large_bodies_that_never_end_do_not_fill_the_memory():
    size = 2_000_000
    head = f"{POST}content-type: application/json\r\ncontent-length: {size}\r\n\r\n".encode()
    with Served("emulated:0+0", body_limit=size, body_seconds=30) as server, ExitStack() as stack:
        lines, refused = [], 0
        for _ in range(150):
            line = socket.create_connection(("127.0.0.1", server.port), timeout=5)
            lines.append(stack.enter_context(line))
            lines[-1].sendall(head + b" " * (size - 1))
        for line in lines:
            line.settimeout(0.01)
            with suppress(TimeoutError):
                refused += status(line.recv(65536)) == 503
        assert 150 - 2 * 64 < refused < 150
        assert psutil.Process(server.pid).memory_info().rss < 350e6
        assert server.predict([[1]]).tolist() == [[1]]


@pytest.mark.slow
def test_500_silent_connections_and_100_slow_ones_keep_nobody_out(server):
    lines = []
    try:
        for n in range(600):
            lines.append(socket.create_connection(("127.0.0.1", server.port), timeout=8))
            if n % 6 == 0:
                lines[-1].sendall(b"GET /v2 HTTP/1.1\r\nx: ")
        begun = time.monotonic()
        assert server.predict([[1, 2, 3, 4]]).tolist() == [[10]]
        assert time.monotonic() - begun < 5
        assert len(psutil.Process(server.pid).net_connections()) < 250
        time.sleep(1.5)
        assert len(psutil.Process(server.pid).net_connections()) < 20  # their time is over
    finally:
        for line in lines:
            line.close()


def test_wrong_requests_in_a_crowd_do_not_disturb_the_right_ones(server):
    def ask(n):
        if n % 2:
            return post(server, list(BODIES.values())[n % len(BODIES)])[0]
        return server.predict([[n, 0, 0, 0]]).tolist()[0][0]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(200)))
    assert answers[::2] == list(range(0, 200, 2))
    assert set(answers[1::2]) == {400}


def test_a_client_that_goes_away_is_not_computed_for():
    with Served("emulated:300+0", max_batch=1) as server:
        body, headers = protocol.json_body([[1]])
        text = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        data = f"{POST}{text}content-length: {len(body)}\r\n\r\n".encode() + body
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", server.port), timeout=5) as line:
                line.sendall(data)
                time.sleep(0.02)
        assert server.predict([[7]]).tolist() == [[7]]
        counts = server.stop()
    assert counts["left"] == 5
    assert counts["answered"] == 1


# --- the token ----------------------------------------------------------------------------------

TOKEN = "a-secret-of-more-than-16"


@pytest.fixture(scope="module")
def locked():
    with Served("emulated:0+0", token=TOKEN) as made:
        yield made


def test_without_the_token_nothing_is_told_but_that_the_server_is_there(locked):
    assert locked.predict([[1]]).tolist() == [[1]]
    said = ["", TOKEN, f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"bearer {TOKEN}", "Basic eDp5"]
    said += ["Bearer ", "Bearer " + "x" * 5000, "Bearer \xff"]
    paths = ["/v2", "/metrics", "/openapi.json", "/nothing", locked.path]
    for path in paths:
        for token in said:
            assert locked.ask("GET", path, headers={"authorization": token})[0] == 401
    assert locked.ask("GET", "/v2/health/ready", headers={"authorization": ""})[0] == 200


def test_the_token_is_not_to_be_seen_from_outside(locked):
    process = psutil.Process(locked.pid)
    assert TOKEN not in str(process.cmdline()) + str(process.environ())


def test_a_weak_token_is_refused():
    with pytest.raises(ValueError, match="at least 16 characters"):
        Served(token="secret")
    with pytest.raises(ValueError, match="at least 16 characters"):
        Served(token="0123456789abcdef\r\nx: y")


# --- by its own description ---------------------------------------------------------------------


def test_the_largest_number_taken_is_the_last_one_that_float32_holds(server):
    for number in ("3.4028234663852886e38", "3.402823466385289e38", "3.4028235677973362e38"):
        assert post(server, TEXT.replace("3, 4", f"3, {number}"))[0] == 200


@pytest.mark.slow
def test_its_own_description_says_what_it_takes_and_what_it_refuses():
    """Requests that the description allows are answered 200, the others 400; none is an error."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.checks import load_all_checks

    load_all_checks()
    seen = {}

    def check(operation, mode, count):
        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=count,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def one(case):
            response = case.call()
            seen.setdefault(case.path, Counter())[response.status_code] += 1
            case.validate_response(response)

        one()

    with Served("emulated:0+0", max_batch=1) as server:
        for result in schemathesis.openapi.from_url(
            f"{server.url}/openapi.json"
        ).get_all_operations():
            operation = result.ok()
            check(operation, schemathesis.GenerationMode.POSITIVE, 80)
            if operation.method == "post":
                check(operation, schemathesis.GenerationMode.NEGATIVE, 150)
        counts = server.stop()
    print(seen)
    assert len(seen) == 7
    assert {code for codes in seen.values() for code in codes} <= {200, 400, 415}
    asked = seen[server.path]
    assert asked[200] > 50 < asked[400]
    assert counts["accepted"] == counts["answered"] == asked[200]
