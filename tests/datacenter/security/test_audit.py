"""The log, without a server: against every change of a line."""

import hashlib
import json
import os

import pytest

from labkit.datacenter.security import audit as logs
from labkit.datacenter.security.audit import Audit, Forged, verify


@pytest.fixture
def log(tmp_path):
    audit = Audit(tmp_path / "audit.jsonl")
    for n in range(5):
        audit.add(who="ward", path="/v2", status=200 + n)
    audit.close()
    return tmp_path / "audit.jsonl", audit.lines, audit.head


def test_a_log_as_it_was_written_is_right_and_can_be_continued(log):
    path, lines, head = log
    assert verify(path) == verify(path, lines, head) == 5
    more = Audit(path)
    assert (more.lines, more.head) == (lines, head)
    more.add(who="ward", status=500)
    assert verify(path, lines, head) == 6
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert rows[0]["before"] == "0" * 64
    assert rows[1]["before"] == hashlib.sha256(path.read_bytes().split(b"\n")[0]).hexdigest()
    assert oct(path.stat().st_mode)[-3:] == "600"


def _lines(path, change):
    lines = path.read_bytes().split(b"\n")[:-1]
    path.write_bytes(b"".join(line + b"\n" for line in change(lines)))


CHANGES = {
    "a status": lambda lines: [*lines[:2], lines[2].replace(b"202", b"200"), *lines[3:]],
    "a line less": lambda lines: lines[:2] + lines[3:],
    "the first line less": lambda lines: lines[1:],
    "a line twice": lambda lines: [*lines[:3], lines[2], *lines[3:]],
    "two lines in turn": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "a line put in": lambda lines: [*lines[:2], b'{"who": "ward"}', *lines[2:]],
    "no JSON": lambda lines: [*lines[:2], b"ward was here", *lines[2:]],
    "a list": lambda lines: [*lines[:2], b"[]", *lines[2:]],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_line_is_noticed_and_such_a_log_is_not_continued(log, change):
    path, *_ = log
    _lines(path, change)
    with pytest.raises(Forged, match=r"line [1-4] of .* does not follow"):
        verify(path)
    with pytest.raises(Forged):
        Audit(path)


def test_every_changed_bit_is_noticed_by_who_knows_the_head(log):
    path, lines, head = log
    whole = path.read_bytes()
    for bit in range(0, 8 * len(whole), 29):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        with pytest.raises(Forged):
            verify(path, lines, head)


def test_a_cut_end_and_an_all_new_log_are_noticed_by_who_knows_the_head_alone(log, tmp_path):
    path, lines, head = log
    _lines(path, lambda lines: lines[:3])
    assert verify(path) == 3  # the chain itself knows nothing of its end
    with pytest.raises(Forged, match="the first 5 lines are not those"):
        verify(path, lines, head)
    path.unlink()
    new = Audit(path)
    for _ in range(5):
        new.add(who="ward", path="/v2", status=200)
    assert verify(path) == 5
    with pytest.raises(Forged, match="the first 5 lines are not those"):
        verify(path, lines, head)


def test_half_a_line_is_noticed(log):
    path, *_ = log
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(Forged, match="not whole"):
        Audit(path)


def test_a_full_disk_leaves_no_half_line(log, monkeypatch):
    path, *_ = log
    audit, write = Audit(path), os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:7]))
    with pytest.raises(OSError, match="disk is full"):
        audit.add(who="ward")
    monkeypatch.undo()
    audit.add(who="ward")
    assert verify(path) == 6


@pytest.mark.parametrize("deed", ["cut", "extended", "deleted"])
def test_a_log_that_somebody_else_changes_is_not_written_on(log, deed):
    path, *_ = log
    audit = Audit(path)
    if deed == "deleted":
        path.unlink()
    elif deed == "cut":  # as logrotate's copytruncate does
        os.truncate(path, 0)
    else:
        path.write_bytes(path.read_bytes() + b"x\n")
    for _ in range(2):
        with pytest.raises(OSError, match="somebody else has cut, extended or deleted"):
            audit.add(who="ward")


def test_a_log_that_was_moved_is_written_on_where_it_is(log):
    path, *_ = log
    audit = Audit(path)
    moved = path.rename(path.with_suffix(".1"))
    audit.add(who="ward")
    assert verify(moved) == 6


def test_who_refuses_a_log_says_what_to_do_and_lets_go_of_it(log):
    path, *_ = log
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    with pytest.raises(Forged, match="Keep that file as it is, and begin another log"):
        Audit(path)
    path.write_bytes(whole)
    assert Audit(path).lines == 5


def test_a_log_is_read_once_nobody_else_writes_it(log, monkeypatch):
    """A server that ends may write until the next one has the log for itself."""
    pytest.importorskip("fcntl")
    path, *_ = log
    ending, chain = Audit(path), logs._chain

    def meanwhile(*args):
        found = chain(*args)
        ending.add(who="ward")
        ending.close()
        return found

    monkeypatch.setattr(logs, "_chain", meanwhile)
    with pytest.raises(OSError, match="another server writes"):
        Audit(path)


def test_two_servers_do_not_write_one_log(log):
    pytest.importorskip("fcntl")
    path, *_ = log
    first = Audit(path)
    with pytest.raises(OSError, match="another server writes"):
        Audit(path)
    first.close()
    Audit(path).close()


def test_a_text_with_line_breaks_makes_no_second_line(tmp_path):
    audit = Audit(tmp_path / "a")
    audit.add(who='x\n{"who": "admin", "before": "' + audit.head + '"}', status=200)
    assert verify(tmp_path / "a") == audit.lines == 1
