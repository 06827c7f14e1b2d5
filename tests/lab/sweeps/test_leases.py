"""Leases: who runs what now, told apart within a process, between processes, and after a kill."""

import json
import signal
import subprocess
import sys
import threading
import time

import pytest

from labkit.lab import files
from labkit.lab.sweeps.leases import Leases, NoLeases

# A driver that takes run "a" and then waits to be killed.
HOLDER = """
import sys, time
from pathlib import Path
from labkit.lab.sweeps.leases import Leases
leases = Leases(Path(sys.argv[1]))
print(leases.take("a"), flush=True)
time.sleep(60)
"""

# A driver that takes each run that is free and not done, and says which those were.
TAKER = """
import json, sys
from pathlib import Path
from labkit.lab.sweeps.leases import Leases
place, count = Path(sys.argv[1]), int(sys.argv[2])
leases, taken = Leases(place), []
for number in range(count):
    if not leases.take(str(number)):
        continue
    done = place / f"done-{number}"
    if not done.exists():  # as a driver looks for the end once more
        done.touch()
        taken.append(number)
    leases.give_back(str(number))
print(json.dumps(taken))
"""


@pytest.fixture
def two(tmp_path):
    """Two drivers that share a folder."""
    drivers = Leases(tmp_path), Leases(tmp_path)
    yield drivers
    for driver in drivers:
        driver.close()


def test_a_run_is_taken_by_one_driver(two):
    one, other = two
    assert one.take("a")
    assert not other.take("a")
    assert not one.take("a")  # nor twice by the same
    assert other.take("b")
    other.give_back("a")  # it is not its own
    assert not other.take("a")
    one.give_back("a")
    assert other.take("a")


def test_what_is_given_back_leaves_no_file(two, tmp_path):
    one, other = two
    for _ in range(3):
        for driver in two:
            assert driver.take("a")
            driver.give_back("a")
    one.take("a")
    other.take("b")
    one.close()
    other.close()
    assert list(tmp_path.iterdir()) == []


def test_a_lease_of_a_killed_process_is_free_at_once(tmp_path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    leases = Leases(tmp_path)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "True\n"
        assert not leases.take("a")
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    killed = time.monotonic()
    assert leases.take("a")
    assert time.monotonic() - killed < 1
    (tmp_path / ".lock-b").touch()  # left by another that was killed
    leases.close()
    assert list(tmp_path.iterdir()) == []


def test_a_lease_taken_in_one_thread_is_given_back_in_another(two):
    one, other = two
    thread = threading.Thread(target=one.take, args=("a",))
    thread.start()
    thread.join()
    assert not other.take("a")
    one.give_back("a")
    assert other.take("a")


def test_many_processes_at_once_run_each_run_once(tmp_path):
    command = [sys.executable, "-c", TAKER, str(tmp_path), "200"]
    several = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
    said = [process.communicate(timeout=60)[0] for process in several]
    taken = [number for line in said for number in json.loads(line)]
    assert len(taken) == len(set(taken))
    left = set(range(200)) - set(taken)
    assert not left or all(not (tmp_path / f"done-{number}").exists() for number in left)
    assert not list(tmp_path.glob(".lock-*"))


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        Leases(tmp_path / "file").take("a")


def test_without_leases_every_run_is_ours(tmp_path):
    leases = NoLeases(tmp_path)
    assert leases.take("a")
    assert leases.take("a")
    leases.give_back("a")
    leases.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_known(tmp_path, monkeypatch, kind):
    from types import SimpleNamespace

    mounts = [
        SimpleNamespace(mountpoint="/", fstype="ext4"),
        SimpleNamespace(mountpoint=str(tmp_path / "shared"), fstype=kind),
    ]
    monkeypatch.setattr("psutil.disk_partitions", lambda all: mounts)
    assert files.network(tmp_path / "shared" / "deep") == kind
    assert files.network(tmp_path / "shared2") == ""
