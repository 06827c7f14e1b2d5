"""The real proxy before small servers: whom it asks, what it forgives, and how it ends."""

import collections
import contextlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
from helpers import are_gone, wait_until

from labkit.datacenter import parent
from labkit.datacenter.balancing import proxy
from labkit.datacenter.balancing.proxy import POLICIES, REPLICA, Proxy, ProxyError

ROOT = Path(proxy.__file__).parents[3]
needs_caddy = pytest.mark.skipif(proxy.binary() is None, reason="the extra 'balance' is missing")


class Answer(http.server.BaseHTTPRequestHandler):
    """Says yes; on /slow it says so after the server's `free` event; on /gone it hangs up."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append(self.path)
        if self.path == "/slow":
            self.server.free.wait(10)
        if self.path == "/gone" and self.server.breaks:
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"yes"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def replicas(count):
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) for _ in range(count)]
    for server in servers:
        server.seen, server.free, server.breaks = [], threading.Event(), False
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield servers
    finally:
        for server in servers:
            server.free.set()
            stop(server)


def stop(server):
    server.shutdown()
    server.socket.close()


def addresses(servers):
    return [f"127.0.0.1:{server.server_port}" for server in servers]


def ask(address, path="/", data=None):
    """Return status and the replica that answered."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", data, timeout=10) as answer:
            assert answer.read() == (data or b"yes")
            return answer.status, answer.headers[REPLICA]
    except urllib.error.HTTPError as error:
        return error.code, None


@needs_caddy
def test_round_robin_takes_turns_and_random_does_not():
    with replicas(3) as servers:
        for policy, even in [("round robin", True), ("random", False)]:
            with Proxy(addresses(servers), policy) as front:
                shares = collections.Counter(ask(front.address)[1] for _ in range(60))
            assert set(shares) == set(addresses(servers))
            assert (set(shares.values()) == {20}) == even or policy == "random"


@needs_caddy
def test_least_connections_leaves_out_who_is_busy():
    with replicas(2) as servers, Proxy(addresses(servers), "least connections") as front:
        busy = threading.Thread(target=ask, args=(front.address, "/slow"))
        busy.start()
        wait_until(lambda: any("/slow" in server.seen for server in servers), 5)
        (free,) = (s for s in servers if "/slow" not in s.seen)
        assert {ask(front.address)[1] for _ in range(20)} == set(addresses([free]))
        for server in servers:
            server.free.set()
        busy.join()


@needs_caddy
def test_two_choices_of_two_replicas_take_the_one_that_is_free():
    """Caddy before July 2026 sent half of them to the busy one (its pull request 7873)."""
    with replicas(2) as servers, Proxy(addresses(servers), "two choices") as front:
        busy = threading.Thread(target=ask, args=(front.address, "/slow"))
        busy.start()
        wait_until(lambda: any("/slow" in server.seen for server in servers), 5)
        (free,) = (s for s in servers if "/slow" not in s.seen)
        asked = []
        for _ in range(60):
            time.sleep(0.003)  # the proxy counts an answered request for a moment longer
            asked.append(ask(front.address)[1])
        assert asked.count(*addresses([free])) > 45
        for server in servers:
            server.free.set()
        busy.join()


def held(front, servers, count):
    """Hold so many requests open; return the threads that wait for them."""
    threads = []
    for n in range(count):
        threads.append(threading.Thread(target=ask, args=(front.address, "/slow")))
        threads[-1].start()
        wait_until(lambda n=n: sum(s.seen.count("/slow") for s in servers) > n, 5)
    return threads


# What the lesson says of 2.11.7. If one of these fails with a newer one, it does better: say that.
of_the_lesson = pytest.mark.skipif(proxy.version() != "2.11.7", reason="the lesson's is 2.11.7")


@of_the_lesson
def test_two_choices_of_idle_replicas_never_take_the_second_of_the_list():
    with replicas(4) as servers, Proxy(addresses(servers), "two choices") as front:
        asked = collections.Counter()
        for _ in range(120):
            time.sleep(0.003)
            asked[ask(front.address)[1]] += 1
    first, second, *others = (asked[address] for address in addresses(servers))
    assert second < 12  # only where the other of a pair still counts as busy for a moment
    assert first > 35  # it is in half of all pairs, and always in front
    assert min(others) > 5


@pytest.mark.slow
@of_the_lesson
def test_two_choices_of_two_busy_replicas_toss_a_coin_if_the_first_is_busier():
    found = {}
    while set(found) != {(1, 2), (2, 1)}:
        with replicas(2) as servers, Proxy(addresses(servers), "two choices") as front:
            threads = held(front, servers, 3)
            busy = tuple(server.seen.count("/slow") for server in servers)
            asked = []
            for _ in range(40):
                time.sleep(0.003)
                asked.append(ask(front.address)[1])
            found[busy] = asked.count(addresses(servers)[0])
            for server in servers:
                server.free.set()
            for thread in threads:
                thread.join()
    assert found[1, 2] > 33  # the first has fewer: it is taken
    assert 8 < found[2, 1] < 32  # the second has fewer


@needs_caddy
def test_without_retry_a_dead_replica_fails_its_share_and_with_it_none():
    with replicas(3) as servers:
        stop(servers[0])
        with Proxy(addresses(servers)) as front:
            assert [ask(front.address)[0] for _ in range(30)].count(502) == 10
        with Proxy(addresses(servers), retry=2) as front:
            assert {ask(front.address)[0] for _ in range(30)} == {200}


@needs_caddy
def test_a_passive_check_leaves_out_who_failed_once():
    with replicas(3) as servers:
        stop(servers[0])
        with Proxy(addresses(servers), passive=60) as front:
            assert [ask(front.address)[0] for _ in range(30)].count(502) == 1


@needs_caddy
def test_an_active_check_finds_it_before_a_request_does():
    with replicas(3) as servers:
        stop(servers[0])
        with Proxy(addresses(servers), active=0.1) as front:
            wait_until(lambda: [ask(front.address)[0] for _ in range(3)] == [200] * 3, 5)
            assert {ask(front.address)[0] for _ in range(30)} == {200}


@needs_caddy
def test_a_broken_post_is_sent_again_only_if_that_is_allowed():
    with replicas(2) as servers:
        servers[0].breaks = True
        for again, failed in [((), 10), (("POST",), 0)]:
            with Proxy(addresses(servers), retry=2, again=again) as front:
                codes = [ask(front.address, "/gone", b"x" * 5000)[0] for _ in range(20)]
            assert codes.count(502) == failed, again


@needs_caddy
def test_it_listens_on_loopback_alone_and_leaves_no_process(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with replicas(1) as servers, Proxy(addresses(servers)) as front:
        process = psutil.Process(front.pid)
        doors = [c.laddr.ip for c in process.net_connections() if c.status == "LISTEN"]
        assert doors == ["127.0.0.1"]
        assert ask(front.address)[0] == 200
    assert are_gone([front.pid])
    assert not list(tmp_path.rglob("*"))


LESSON = """
import sys
sys.path.insert(0, sys.argv[1])
from labkit.datacenter.balancing.proxy import Proxy
front = Proxy(["127.0.0.1:9"])
print(front.pid, flush=True)
sys.stdin.read()
"""


@needs_caddy
def test_it_ends_with_a_lesson_that_is_killed():
    lesson = subprocess.Popen(
        [sys.executable, "-c", LESSON, str(ROOT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    pid = int(lesson.stdout.readline())
    os.kill(pid, signal.SIGSTOP)  # not even a stopped one stays
    assert psutil.pid_exists(pid)
    lesson.kill()
    lesson.communicate()
    wait_until(lambda: are_gone([pid]), 10)


@needs_caddy
def test_a_copy_of_the_lesson_by_fork_neither_ends_nor_holds_it():
    with replicas(1) as servers, Proxy(addresses(servers)) as front:
        if (copy := os.fork()) == 0:
            front.close()
            time.sleep(60)
            os._exit(0)
        try:
            assert ask(front.address)[0] == 200
            front._line.close()  # as the system does when the lesson is killed
            wait_until(lambda: are_gone([front.pid]), 10)
        finally:
            os.kill(copy, signal.SIGKILL)
            os.waitpid(copy, 0)


@needs_caddy
def test_a_lesson_that_is_killed_while_it_starts_leaves_none(tmp_path):
    pid = tmp_path / "pid"
    program = tmp_path / "caddy.py"  # what would be Caddy
    program.write_text(f"import os, time; open({str(pid)!r}, 'w').write('here'); time.sleep(60)")
    held, line = os.pipe()
    command = [sys.executable, "-I", parent.__file__, str(held), sys.executable, str(program)]
    os.close(line)  # the lesson is gone before it asks the system to tell
    child = subprocess.Popen(command, pass_fds=[held], start_new_session=True)
    os.close(held)
    assert child.wait(20) == 1
    assert not pid.exists()


@needs_caddy
def test_a_proxy_that_dies_is_noticed_by_those_who_ask():
    with replicas(1) as servers, Proxy(addresses(servers)) as front:
        os.kill(front.pid, signal.SIGKILL)
        wait_until(lambda: are_gone([front.pid]), 5)
        with pytest.raises((urllib.error.URLError, ConnectionError)):
            ask(front.address)


def test_the_version_is_a_number_or_nothing(monkeypatch):
    assert (proxy.version() == "") == (proxy.binary() is None)
    assert all(part[0].isdigit() for part in proxy.version().split(".") if part)
    monkeypatch.setattr(proxy, "binary", lambda: None)
    assert proxy.version() == ""


def test_what_is_wrong_is_said(monkeypatch):
    with pytest.raises(ValueError, match="policy is one of random, round robin"):
        Proxy(["127.0.0.1:9"], "fastest")
    with pytest.raises(ValueError, match="one replica or more"):
        Proxy([])
    with pytest.raises(ValueError, match="0 s or more"):
        Proxy(["127.0.0.1:9"], retry=-1)
    monkeypatch.setattr(proxy, "binary", lambda: None)
    with pytest.raises(ProxyError, match="labkit"):
        Proxy(["127.0.0.1:9"])


@needs_caddy
def test_caddys_own_words_come_with_a_failed_start(monkeypatch):
    monkeypatch.setitem(POLICIES, "broken", {"policy": "no_such_policy"})
    with pytest.raises(ProxyError, match="no_such_policy"):
        Proxy(["127.0.0.1:9"], "broken")
