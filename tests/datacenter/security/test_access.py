"""Roles and rate limit, without a server, by hand."""

import hashlib

import numpy as np
import pytest

from labkit.datacenter.security import access
from labkit.datacenter.security.access import Bucket, Client, client, who_is
from labkit.datacenter.serving.settings import Settings

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize(
    ("role", "allowed"), [("read", "100"), ("predict", "110"), ("admin", "111")]
)
def test_a_role_may_what_the_ones_before_it_may(role, allowed):
    assert "".join(str(int(access.may(role, needed))) for needed in access.ROLES) == allowed


def test_a_client_keeps_no_token_but_its_hash():
    ward = client("ward", "predict", TOKEN)
    assert ward.digest == hashlib.sha256(TOKEN.encode()).hexdigest()
    assert TOKEN not in repr(ward)


@pytest.mark.parametrize(
    "token", ["", None, TOKEN[:-1], TOKEN + "x", " " + TOKEN, "é" * 20, "\udcff"]
)
def test_a_token_that_is_not_whole_is_nobodys(token):
    clients = [client("a", "read", "x" * 16), client("ward", "predict", TOKEN)]
    assert who_is(clients, token) is None
    assert who_is(clients, TOKEN).name == "ward"


@pytest.mark.parametrize(
    ("name", "role", "token", "words"),
    [
        ("a b", "read", TOKEN, "a client's name"),
        ("nobody", "read", TOKEN, "a client's name"),
        ('x","role":"admin', "read", TOKEN, "a client's name"),
        ("ward", "root", TOKEN, "a role is one of read, predict, admin"),
        ("ward", "read", "short", "at least 16 characters"),
        ("ward", "read", " " * 20, "without spaces"),  # no header can hold it
        ("ward", "read", TOKEN + " x", "without spaces"),
    ],
)
def test_what_is_no_client_is_refused(name, role, token, words):
    with pytest.raises(ValueError, match=words):
        client(name, role, token)


def test_clients_are_read_from_a_file(tmp_path):
    ward = client("ward", "predict", TOKEN)
    file = tmp_path / "clients.txt"
    file.write_text(f"# who may ask\n\nward predict {ward.digest}\n")
    assert access.read_clients(file) == [ward]
    for text in ("", "# nobody\n", "ward predict\n", f"ward predict {ward.digest} x\n"):
        file.write_text(text)
        with pytest.raises(ValueError, match="NAME ROLE SHA256"):
            access.read_clients(file)
    file.write_text(f"# ours\nward predict {TOKEN}\n")
    with pytest.raises(ValueError, match=r"line 2 of .*clients.txt: .* 64 hexadecimal digits"):
        access.read_clients(file)
    file.write_bytes(b"\xff\xfeward")
    with pytest.raises(ValueError, match=r"clients.txt is no text in UTF-8"):
        access.read_clients(file)


def test_a_file_of_clients_as_windows_writes_it_is_read(tmp_path):
    ward = client("ward", "predict", TOKEN)
    text = f"ward predict {ward.digest.upper()}  # the ward\r\n"
    (tmp_path / "clients.txt").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert access.read_clients(tmp_path / "clients.txt") == [ward]


def test_settings_refuse_two_clients_of_one_name_and_what_is_no_client():
    ward = client("ward", "predict", TOKEN)
    with pytest.raises(ValueError, match="two clients have one name"):
        Settings(clients=(ward, ward))
    with pytest.raises(ValueError, match="two clients have one name"):
        Settings(clients=(client("owner", "read", TOKEN),), token="y" * 16)
    with pytest.raises(ValueError, match="two clients have one token"):
        Settings(clients=(client("chief", "admin", TOKEN), ward))
    with pytest.raises(ValueError, match="the name of a file"):
        Settings(audit="")
    with pytest.raises(ValueError, match="a role is one of"):
        Settings(clients=(Client("ward", "root", ward.digest),))
    with pytest.raises(ValueError, match="rate must be at least"):
        Settings(rate=0)


def test_a_bucket_lets_pass_its_burst_and_then_its_rate():
    random, now = np.random.default_rng(0), [0.0]
    bucket, passed = Bucket(rate=5, burst=10, clock=lambda: now[0]), []
    for gap in random.exponential(1 / 50, 5000):  # ten times as many as may pass
        now[0] += gap
        if not bucket.wait():
            passed.append(now[0])
    assert len(passed) == pytest.approx(10 + 5 * now[0], abs=1)
    for first in range(len(passed)):  # of any window, no more than the burst and the rate allow
        counts = np.arange(1, len(passed) - first + 1)
        assert (counts <= 10 + 5 * (np.array(passed[first:]) - passed[first]) + 1e-6).all()


def test_who_waits_as_long_as_the_bucket_says_may_pass():
    now = [0.0]
    bucket = Bucket(rate=3, burst=1, clock=lambda: now[0])
    for _ in range(20):
        now[0] += bucket.wait() + 1e-9
        assert bucket.wait() == 0 or bucket.wait() > 0
        now[0] += bucket.wait() + 1e-9
        assert bucket.wait() == 0
    now[0] -= 5  # a clock that goes back gives nothing
    assert bucket.wait() > 0
