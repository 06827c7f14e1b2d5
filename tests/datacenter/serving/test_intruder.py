"""An intruder at a running server: wrong tokens, other roles, forged lines, floods, odd headers."""

import json
import os
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection

import numpy as np
import pytest
from helpers import call

from labkit.datacenter.security.access import client
from labkit.datacenter.security.audit import Audit, Forged, verify
from labkit.datacenter.serving import protocol
from labkit.datacenter.serving.served import Served, ServerError

pytest.importorskip("fastapi")
TOKENS = {"viewer": "viewer-0123456789", "ward": "ward-0123456789ab", "chief": "chief-0123456789a"}
CLIENTS = [
    client("viewer", "read", TOKENS["viewer"]),
    client("ward", "predict", TOKENS["ward"]),
    client("chief", "admin", TOKENS["chief"]),
]
SECRET = 31337.25  # a number that a ward sends, and that nobody else may learn


def ask(server, who, path="/v2", rows=None, **headers):
    """Return status and answer of a request by a client, or by nobody."""
    headers = {key.replace("_", "-"): value for key, value in headers.items()}
    if who:
        headers["authorization"] = f"Bearer {TOKENS[who]}"
    body, more = (None, {}) if rows is None else protocol.json_body(rows)
    status, answer, _ = server.ask("GET" if rows is None else "POST", path, body, more | headers)
    return status, json.loads(answer) if answer[:1] == b"{" else answer


def entries(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("log") / "audit.jsonl"


@pytest.fixture(scope="module")
def server(log):
    with Served("emulated:0+0", clients=CLIENTS, audit=log) as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_was_forged_and_the_ward_is_still_answered(server, log):
    """After whatever the intruder has done."""
    yield
    status, answer = ask(server, "ward", server.path, [[SECRET]])
    assert (status, answer["outputs"][0]["data"]) == (200, [SECRET])
    _, anchor = ask(server, "chief", "/v2/audit")
    assert verify(log, anchor["lines"], anchor["head"]) == anchor["lines"] + 1
    text = log.read_text()
    assert not any(token in text for token in [*TOKENS.values(), str(SECRET)])


# --- who may what -------------------------------------------------------------------------------

ALLOWED = {
    "/v2": {"viewer": 200, "ward": 200, "chief": 200},
    "/v2/models/model": {"viewer": 200, "ward": 200, "chief": 200},
    "/metrics": {"viewer": 200, "ward": 200, "chief": 200},
    "/openapi.json": {"viewer": 200, "ward": 200, "chief": 200},
    "/v2/models/model/infer": {"viewer": 403, "ward": 200, "chief": 200},
    "/v2/audit": {"viewer": 403, "ward": 403, "chief": 200},
}


@pytest.mark.parametrize("path", ALLOWED)
def test_each_role_may_what_the_table_says_and_nobody_may_anything(server, path):
    rows = [[1]] if path.endswith("infer") else None
    assert {who: ask(server, who, path, rows)[0] for who in TOKENS} == ALLOWED[path]
    assert ask(server, None, path, rows)[0] == 401


def test_who_is_refused_is_told_what_it_lacks_and_not_what_there_is(server):
    assert ask(server, "viewer", server.path, [[1]])[1] == {
        "error": "this needs the role predict; viewer has read"
    }
    assert "role" not in ask(server, None, "/v2/audit")[1]["error"]


@pytest.mark.parametrize(
    "path",
    [
        "/v2/audit/",
        "//v2/audit",
        "/v2//audit",
        "/V2/AUDIT",
        "/v2/%61udit",
        "/v2/x/../audit",
        "/v2/audit?role=admin",
        "/v2/audit%00",
        "/v2/audit;x",
        "http://127.0.0.1/v2/audit",
    ],
)
def test_no_other_way_of_writing_its_path_opens_what_is_the_admins(server, path):
    status, answer = ask(server, "ward", path)
    assert status in (403, 404)
    assert b"head" not in json.dumps(answer).encode()


@pytest.mark.parametrize(
    "headers",
    [
        {"x_role": "admin"},
        {"x_forwarded_for": "127.0.0.1"},
        {"x_forwarded_user": "chief"},
        {"x_original_url": "/v2", "x_rewrite_url": "/v2"},
        {"x_http_method_override": "GET"},
        {"forwarded": "for=127.0.0.1;host=localhost"},
        {"cookie": f"token={TOKENS['chief']}"},
        {"proxy_authorization": f"Bearer {TOKENS['chief']}"},
        {"host": "localhost"},
    ],
)
def test_no_header_but_the_token_gives_a_role(server, headers):
    assert ask(server, "ward", "/v2/audit", **headers)[0] == 403
    assert ask(server, None, "/v2/audit", **headers)[0] == 401


def raw(server, *lines):
    """Send a request as it is written; return the status of the answer."""
    text = "\r\n".join(["GET /v2/audit HTTP/1.1", "host: x", "connection: close", *lines, "", ""])
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
        line.sendall(text.encode("latin-1"))
        return int(line.recv(65536).split(b" ", 2)[1])


def test_of_two_tokens_none_counts(server):
    ward, chief = (f"authorization: Bearer {TOKENS[who]}" for who in ("ward", "chief"))
    assert raw(server, chief) == 200
    assert raw(server, ward, chief) == raw(server, chief, ward) == raw(server, chief, chief) == 401
    assert raw(server, f"{chief}, Bearer {TOKENS['ward']}") == 401


@pytest.mark.parametrize(
    "said",
    [
        *("", "Bearer", "Bearer ", "bearer {}", "Bearer  {}", "Basic {}", "Token {}", "{}"),
        *("Bearer {}\xff", "Bearer {}x", "Bearer\t{}", "Bearer " + "x" * 8000),
    ],
)
def test_a_token_in_another_form_is_nobodys(server, said):
    assert raw(server, f"authorization: {said.format(TOKENS['chief'])}") == 401


def test_the_hash_of_a_token_is_not_the_token(server):
    assert raw(server, f"authorization: Bearer {CLIENTS[2].digest}") == 401


# --- the log ------------------------------------------------------------------------------------


def test_the_log_says_who_did_what_and_how_it_ended(server, log):
    before = len(entries(log))
    ask(server, "ward", server.path, [[SECRET]])
    ask(server, "viewer", server.path, [[SECRET]])
    ask(server, None, "/metrics")
    ask(server, "viewer", "/v2?patient=31337.25")
    said = [[row[key] for key in ("who", "method", "path", "status")] for row in entries(log)]
    assert said[before:] == [
        ["ward", "POST", server.path, 200],
        ["viewer", "POST", server.path, 403],
        ["nobody", "GET", "/metrics", 401],
        ["viewer", "GET", "/v2", 200],
    ]
    assert abs(entries(log)[-1]["time"] - time.time()) < 60


def test_nobody_writes_a_line_of_their_own_into_the_log(server, log):
    before = len(entries(log))
    line = '%0a{"who":"chief","status":200}'
    for path in (f"/v2/audit{line}", f"/{TOKENS['chief']}", f"/v2?x={line}"):
        ask(server, "ward", path.replace('"', "%22"))
        ask(server, None, path.replace('"', "%22"))
    rows = entries(log)[before:]
    assert {row["who"] for row in rows} == {"ward", "nobody"}
    assert len(rows) == 6
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("CHIEF", "/v2", headers={"authorization": f"Bearer {TOKENS['ward']}"})
    assert connection.getresponse().status == 405
    assert entries(log)[-1]["method"] == "other"


def test_who_can_write_the_file_is_noticed_by_who_keeps_the_head(tmp_path):
    log = tmp_path / "audit.jsonl"
    with Served("emulated:0+0", clients=CLIENTS, audit=log) as server:
        for who in (None, "viewer", "ward"):
            ask(server, who, server.path, [[1]])
        _, anchor = ask(server, "chief", "/v2/audit")
        assert server.stop()
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:-2]))  # the last deeds are gone, and the chain is whole
    verify(log)
    with pytest.raises(Forged):
        verify(log, anchor["lines"], anchor["head"])
    log.write_text("".join(lines).replace('"viewer"', '"nobody"'))
    with pytest.raises(ServerError, match=r"line 3 of .* does not follow"):
        Served("emulated:0+0", audit=log).start()


def test_the_log_of_another_server_is_left_alone(log, server):
    with pytest.raises(ServerError, match="another server writes"):
        Served("emulated:0+0", audit=log).start()


def test_what_cannot_be_logged_is_not_answered(tmp_path):
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("only Linux limits the files of another process")
    log = tmp_path / "audit.jsonl"
    with Served("emulated:0+0", clients=CLIENTS, audit=log) as server:
        ask(server, "ward", server.path, [[1]])
        full = log.stat().st_size + 20  # bytes: the disk ends in the middle of the next line
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
        status, answer = ask(server, "ward", server.path, [[SECRET]])
        assert (status, str(SECRET) in str(answer)) == (500, False)
        limits = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, limits)
        assert ask(server, "ward", server.path, [[SECRET]])[0] == 200
        server._errors.seek(0)
        assert server._errors.read().count(b"the disk is full") == 1  # told once, to its owner
    assert verify(log) == 2


def test_a_log_that_is_no_file_is_refused():
    with pytest.raises(ServerError, match="/dev/null is no plain file"):
        Served("emulated:0+0", audit="/dev/null").start()


# --- floods -------------------------------------------------------------------------------------


def test_a_flood_of_one_client_leaves_the_others_alone_and_the_log_short(tmp_path):
    log = tmp_path / "audit.jsonl"
    with Served("emulated:0+0", clients=CLIENTS, audit=log, rate=0.5, burst=5) as server:
        begun = time.monotonic()
        flood = [ask(server, "viewer")[0] for _ in range(200)]
        guesses = [ask(server, None)[0] for _ in range(200)]
        others = [ask(server, "ward", server.path, [[1]])[0] for _ in range(3)]
        most = 5 + 0.5 * (time.monotonic() - begun) + 1
        status, _, headers = server.ask(
            "GET", "/v2", headers={"authorization": f"Bearer {TOKENS['viewer']}"}
        )
    assert 5 <= flood.count(200) <= most
    assert flood.count(429) == 200 - flood.count(200)
    assert 5 <= guesses.count(401) <= most
    assert others == [200] * 3
    assert status in (200, 429)
    assert status == 200 or 1 <= int(headers["retry-after"]) <= 2
    assert len(entries(log)) < 4 * most + 4
    assert verify(log) == len(entries(log))


def test_who_waits_as_long_as_it_is_told_is_answered():
    with Served("emulated:0+0", clients=CLIENTS, rate=2, burst=1) as server:
        headers = {"authorization": f"Bearer {TOKENS['viewer']}"}
        while (answer := server.ask("GET", "/v2", headers=headers))[0] == 200:
            pass
        assert answer[0] == 429
        time.sleep(int(answer[2]["retry-after"]))
        assert server.ask("GET", "/v2", headers=headers)[0] == 200


def test_without_tokens_all_are_one_client_and_still_limited():
    with Served("emulated:0+0", rate=0.5, burst=3) as server:
        seen = [server.ask("GET", "/v2")[0] for _ in range(30)]
        health = {server.ask("GET", f"/v2/health/{it}")[0] for it in ("live", "ready") * 3}
        other = server.ask("GET", "/v2/health/live", headers={"host": "evil.example"})[0]
    assert (health, other) == ({200}, 421)  # no flood makes it look dead
    assert seen[:3] == [200] * 3
    assert seen.count(429) > 15


# --- labkit serve -------------------------------------------------------------------------------


def test_a_file_of_clients_that_says_something_else_is_refused(tmp_path):
    (tmp_path / "clients.txt").write_text("ward predict my-password\n")
    words = ["serve", "emulated:1+1", "--clients", str(tmp_path / "clients.txt")]
    assert "64 hexadecimal digits" in call(*words, code=2).stderr
    assert "No such file" in call("serve", "emulated:1+1", "--clients", "nothing", code=2).stderr


@pytest.mark.parametrize("option", ["--clients", "--audit"])
def test_an_empty_name_of_a_file_starts_no_server_without_it(option):
    """As `--clients "$CLIENTS"` gives one, where nobody has set it."""
    assert "Error: " in call("serve", "emulated:1+1", "--port", "0", option, "", code=2).stderr


def test_labkit_audit_finds_what_was_changed_and_with_a_kept_head_what_was_cut_off(tmp_path):
    log = tmp_path / "audit.jsonl"
    audit = Audit(log)
    for who in ("ward", "viewer", "ward"):
        audit.add(who=who)
    kept = ["--lines", str(audit.lines), "--head", audit.head]
    assert call("audit", str(log), *kept).stdout.startswith("3 lines")
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:2]))
    assert call("audit", str(log)).stdout.startswith("2 lines")
    assert "the first 3 lines are not" in call("audit", str(log), *kept, code=1).stderr
    log.write_text("".join(lines).replace("viewer", "nobody"))
    assert "line 3 of" in call("audit", str(log), code=1).stderr
    assert "together" in call("audit", str(log), "--lines", "3", code=2).stderr
    assert "No such file" in call("audit", str(tmp_path / "nothing"), code=2).stderr


@pytest.mark.slow
def test_the_help_of_labkit_serve_can_be_followed(tmp_path):
    help_ = call("serve", "--help").stdout
    lines = [line.strip() for line in help_.splitlines()]
    start = next(n for n, line in enumerate(lines) if line.startswith("TOKEN="))
    script = "; ".join(lines[start : start + 2])
    made = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    token = made.stdout.strip()
    command = [sys.executable, "-m", "labkit", "serve", "emulated:0+0", "--port", "0"]
    command += ["--clients", "clients.txt", "--rate", "100", "--audit", "audit.jsonl"]
    environment = {**os.environ, "LABKIT_TOKEN": "", "PYTHONPATH": os.getcwd()}
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        port = int(process.stdout.readline().rpartition("/v2")[0].rpartition(":")[2])
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        body, headers = protocol.json_body(np.ones((1, 1)))
        path = "/v2/models/model/infer"
        connection.request("POST", path, body, headers | {"authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["outputs"][0]["data"]) == (200, [1.0])
        process.terminate()
        assert "1 accepted, 1 answered" in process.stdout.read()
    assert entries(tmp_path / "audit.jsonl")[0]["who"] == "ward"
