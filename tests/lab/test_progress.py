"""What a learner did is kept through kills, full disks and other kernels, and is read back."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers import KERNEL, largest_file
from helpers import progress_line as line

from labkit.lab import progress

WRITER = """
import sys
from labkit.lab import progress
progress.in_notebook = lambda: True
name, count = sys.argv[1], int(sys.argv[2])
for number in range(count):
    progress.add("01", "check", name, number=number, answer="梯度 \\u2028 " * (number % 40))
"""


@pytest.fixture
def learner(tmp_path, monkeypatch):
    """A folder of a learner, in what takes itself for the kernel of a notebook."""
    monkeypatch.setenv("LABKIT_LEARNER", str(tmp_path / "learner"))
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    monkeypatch.setattr(progress, "_told", False)
    return tmp_path / "learner"


def start(name, count):
    """Start a process that adds lines numbered from 0."""
    words = [sys.executable, "-c", WRITER, name, str(count)]
    return subprocess.Popen(words, stderr=subprocess.PIPE, text=True)


# --- writing ------------------------------------------------------------------------------------


def test_a_line_says_when_where_and_what(learner):
    progress.add("1", "check", "update", kind="sign of the gradient", ok=False, tries=1)
    (found,) = progress.read()
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", found.pop("at"))
    assert found == {
        "lesson": "01",
        "what": "check",
        "name": "update",
        "kind": "sign of the gradient",
        "ok": False,
        "tries": 1,
    }
    assert (learner / progress.FILE).stat().st_mode & 0o077 == 0, "nobody else reads it"


def test_nothing_is_written_headlessly_or_in_a_script(learner, monkeypatch):
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    progress.add("01", "check", "update")
    monkeypatch.delenv("LABKIT_HEADLESS")
    monkeypatch.setattr(progress, "in_notebook", lambda: False)
    progress.add("01", "check", "update")
    assert not learner.exists()


def test_two_kernels_write_at_once(learner):
    writers = [start(name, 2000) for name in ("a", "b")]
    assert [(each.wait(60), each.stderr.read()) for each in writers] == [(0, ""), (0, "")]
    found = progress.read()
    for name in ("a", "b"):
        mine = [each["number"] for each in found if each["name"] == name]
        assert mine == list(range(2000))


@pytest.mark.alone
def test_a_kill_at_any_moment_costs_one_line_at_most(learner):
    """Kill writers in the midst of writing; who writes next loses nothing."""
    path = learner / progress.FILE
    for kill in range(6):
        before = path.stat().st_size if path.exists() else 0
        writer = start(f"k{kill}", 10**6)
        deadline = time.monotonic() + 30
        while not path.exists() or path.stat().st_size < before + 20_000 * (kill + 1):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        written = path.read_bytes().count(b'"at": ')
        progress.add("01", "check", "after", kill=kill)
        found = progress.read()
        assert found[-1]["name"] == "after"
        assert len(found) >= written - kill
        numbers = [each["number"] for each in found if each["name"] == f"k{kill}"]
        assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("cut", range(1, 90, 7))
def test_what_follows_half_a_line_is_read(learner, cut):
    learner.mkdir()
    half = json.dumps(line(guess="梯度"), ensure_ascii=False).encode()[:cut]
    (learner / progress.FILE).write_bytes(half)
    progress.add("01", "check", "update")
    progress.add("01", "check", "momentum")
    assert [each["name"] for each in progress.read()] == ["update", "momentum"]


def test_a_full_disk_is_said_once_and_the_lesson_goes_on(learner, capsys):
    learner.mkdir()
    (learner / progress.FILE).symlink_to("/dev/full")
    for _ in range(3):
        progress.add("01", "check", "update")
    told = capsys.readouterr().err
    assert told.count("No space left on device") == 1
    assert "The lesson goes on" in told


def test_a_disk_that_gets_full_in_a_line_costs_that_line(learner, capsys):
    progress.add("01", "check", "first")
    size = (learner / progress.FILE).stat().st_size
    with largest_file(size + 40):
        progress.add("01", "check", "cut")
    assert (learner / progress.FILE).stat().st_size == size + 40
    assert "File too large" in capsys.readouterr().err
    progress.add("01", "check", "last")
    assert [each["name"] for each in progress.read()] == ["first", "last"]


def test_a_short_write_is_finished(learner, monkeypatch):
    given, write = [], os.write

    def short(handle, content):
        given.append(content)
        return write(handle, content[:10] if len(given) == 1 else content)

    monkeypatch.setattr(os, "write", short)
    progress.add("01", "check", "update")
    assert len(given) == 2
    assert [each["name"] for each in progress.read()] == ["update"]


def test_a_folder_that_cannot_be_made_is_said_once(learner, capsys):
    learner.write_text("a file stands where the folder should be")
    for _ in range(2):
        progress.add("01", "check", "update")
    told = capsys.readouterr().err
    assert told.count("not kept in your progress") == 1
    assert "LABKIT_LEARNER" in told


def test_a_lab_that_is_not_there_does_not_stop_a_lesson(learner, monkeypatch, capsys):
    monkeypatch.delenv("LABKIT_LEARNER")
    monkeypatch.setenv("LABKIT_HOME", str(learner / "nowhere"))
    progress.add("01", "check", "update")
    assert "No folder 'notebooks'" in capsys.readouterr().err


@pytest.mark.parametrize("fact", ["\ud800", float("nan"), {1: {2, 3}}, object, {(1, 2): 3}])
def test_facts_that_are_no_plain_data_do_not_stop_a_lesson(learner, fact):
    progress.add("01", "guess", "rate", guess=fact)
    progress.add("01", "guess", "next", guess=1)
    assert progress.read()[-1]["name"] == "next"


def test_a_name_or_a_guess_cannot_make_a_line_of_its_own(learner):
    nasty = 'x\n{"at": "2026", "lesson": "01", "what": "check", "name": "made"}'
    progress.add("01", "guess", nasty, guess=nasty)
    (found,) = progress.read()
    assert found["name"] == found["guess"] == nasty


# --- reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff\xfe not a line\n",
        b"[1, 2]\n",
        b'"text"\n',
        b"null\n\n\n",
        b'{"at": 5, "lesson": "98", "what": "check", "name": "x"}\n',
        b'{"lesson": "98", "what": "check", "name": "x"}\n',
        "梯度".encode()[:4] + b"\n",
        b"[" * 100_000 + b"\n",
    ],
)
def test_garbage_costs_nothing_but_itself(tmp_path, garbage):
    whole = json.dumps(line(guess="a\u2028b\x85c"), ensure_ascii=False).encode() + b"\n"
    (tmp_path / progress.FILE).write_bytes(b"\xef\xbb\xbf" + whole + garbage + whole)
    assert progress.read(tmp_path) == [line(guess="a\u2028b\x85c")] * 2


def test_a_folder_without_progress_is_empty(tmp_path):
    assert progress.read(tmp_path) == []
    (tmp_path / progress.FILE).mkdir()
    assert progress.read(tmp_path) == []


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / progress.FILE)
    assert progress.read(tmp_path) == []
    (tmp_path / "bert").mkdir()
    os.mkfifo(tmp_path / "bert" / progress.FILE)
    told = []
    assert progress.read_class(tmp_path, told.append) == {}
    assert any(text.startswith("bert:") and "no plain file" in text for text in told)


def test_a_line_that_was_added_since_is_read(tmp_path):
    for count in (1, 2):
        with (tmp_path / progress.FILE).open("a") as file:
            file.write(json.dumps(line()) + "\n")
        progress.read(tmp_path).clear()  # what one reader does, the next does not see
        assert len(progress.read(tmp_path)) == count


# --- a live kernel ------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_live_kernel_keeps_its_runs(lab, monkeypatch):
    from nbclient import NotebookClient
    from nbformat.v4 import new_code_cell, new_notebook

    path = lab.lesson("from labkit.lab import record")
    cells = [
        "from labkit.lab import record\nrate = 0.1",
        "record('98', answer=rate)\nrecord('98', more=2)",
        "rate = 0.2\nrecord('98', answer=rate)",
    ]
    notebook = new_notebook(
        cells=[new_code_cell(c) for c in cells], metadata={"kernelspec": KERNEL}
    )
    NotebookClient(notebook, resources={"metadata": {"path": str(path.parent)}}).execute()
    lines = progress.read(lab.home / "learner")
    assert [(each["what"], each["result"], each["value"]) for each in lines] == [
        ("run", "answer", 0.1),
        ("run", "answer", 0.2),
    ]
    assert {each["name"] for each in lines} == set(os.listdir(Path(lab.runs, "98_trial")))
