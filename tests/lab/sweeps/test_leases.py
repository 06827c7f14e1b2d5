import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import psutil
import pytest

from labkit.lab.sweeps import leases as store
from labkit.lab.sweeps.leases import Claims, StoreError

# A driver that claims run "a" and then waits to be killed.
HOLDER = """
import sys, time
from labkit.lab.sweeps.leases import Claims
claims = Claims(sys.argv[1], "98_trial")
print(claims.claim("a"), flush=True)
time.sleep(60)
"""


@pytest.fixture
def two(tmp_path):
    """Two drivers that share a folder."""
    drivers = Claims(tmp_path, "98_trial"), Claims(tmp_path, "98_trial")
    yield drivers
    for driver in drivers:
        driver.close()


def test_a_run_is_claimed_by_one_driver_and_attempts_are_counted(two):
    one, other = two
    assert one.claim("a") == 1
    assert other.claim("a") is None
    assert one.claim("a") is None  # nor twice by the same
    assert other.claim("b") == 1
    assert one.held() == {"a": one.owner, "b": other.owner}
    assert one.held(["b"]) == {"b": other.owner}
    other.release("a")  # it is not its own
    assert other.claim("a") is None
    one.release("a")
    assert other.claim("a") == 2
    other.unclaim("a")  # it was not begun after all
    assert one.claim("a") == 2
    assert Claims(one.folder, "99_other").claim("a") == 1  # of another lesson


def test_a_claim_holds_as_long_as_its_lease_is_renewed(two, monkeypatch):
    one, other = two
    assert one.claim("a") == 1
    later = time.time() + store.LEASE + 1
    with monkeypatch.context() as patch:
        patch.setattr(store.time, "time", lambda: later)
        one._renewed -= store.RENEW + 1  # as if so long ago
        one.renew()
        assert other.claim("a") is None
    with monkeypatch.context() as patch:
        patch.setattr(store.time, "time", lambda: later + store.LEASE + 1)
        assert other.held() == {}
        assert other.claim("a") == 2
    one.release("a")  # too late: it is the other's now
    assert one.claim("a") is None


def test_renewing_is_done_now_and_then_only(two):
    one, _ = two
    one.claim("a")
    lease = "SELECT lease FROM claims"
    before = one._connection.execute(lease).fetchone()
    one.renew()
    assert one._connection.execute(lease).fetchone() == before


def test_a_claim_of_a_killed_process_is_free_at_once(tmp_path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "1\n"
        claims = Claims(tmp_path, "98_trial")
        assert claims.claim("a") is None
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert claims.held() == {}
    assert claims.claim("a") == 2


def test_a_driver_that_ended_within_a_living_process_leaves_its_claims_free(tmp_path):
    one, other = Claims(tmp_path, "98_trial"), Claims(tmp_path, "98_trial")
    assert one.claim("a") == 1
    assert other.claim("a") is None
    one.close()  # as a notebook does whose sweep could not give its claim back
    assert other.claim("a") == 2
    other.close()


def test_a_process_of_another_host_cannot_be_seen_dead(two):
    one, other = two
    one.owner = f"elsewhere:{2**22 + 1}:1.0:abcdef01"
    assert one.claim("a") == 1
    assert other.claim("a") is None
    assert store.is_gone(f"{os.uname().nodename}:{2**22 + 1}:1.0:abcdef01")


def test_a_number_that_another_process_got_is_not_the_owner():
    host, pid, created, token = store.new_owner().rsplit(":", 3)
    assert not store.is_gone(f"{host}:{pid}:{created}:{token}")
    assert store.is_gone(f"{host}:{pid}:{float(created) - 100}:{token}")


def test_many_drivers_at_once_claim_each_run_once(tmp_path):
    taken: list[str] = []

    def work():
        claims = Claims(tmp_path, "98_trial")
        taken.extend(run for run in map(str, range(50)) if claims.claim(run) == 1)
        claims.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken, key=int) == [str(n) for n in range(50)]


def test_the_file_is_a_write_ahead_log_and_is_made_with_its_folder(tmp_path):
    connection = store.connect(tmp_path / "deep" / "runs")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert (tmp_path / "deep" / "runs" / "runs.sqlite").exists()
    connection.close()


def test_a_damaged_file_is_a_sentence(tmp_path):
    (tmp_path / "runs.sqlite").write_bytes(b"not a database at all, but long enough" * 100)
    with pytest.raises(StoreError, match=r"runs\.sqlite is damaged.*Delete it"):
        store.connect(tmp_path)


def test_a_file_in_the_place_of_the_folder_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"Cannot keep results in .*--to"):
        store.connect(tmp_path / "file")


def test_a_writer_that_holds_the_file_too_long_is_a_sentence(two, monkeypatch):
    one, other = two
    other._connection.execute("PRAGMA busy_timeout = 50")
    one._connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="database is locked"):
        other.claim("a")
    one._connection.execute("ROLLBACK")
    assert other.claim("a") == 1


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_no_file_is_made_on_a_network_file_system(tmp_path, monkeypatch, kind):
    def mounted(*_, **__):
        return [SimpleNamespace(mountpoint=str(p), fstype=k) for p, k in mounts.items()]

    monkeypatch.setattr(psutil, "disk_partitions", mounted)
    mounts = {"/": "ext4", str(tmp_path / "shared"): kind}
    assert store.network(tmp_path / "shared" / "deep") == kind
    assert store.network(tmp_path / "shared2") == ""
    with pytest.raises(StoreError, match=f"is on a network file system .{kind}.: no SQLite there"):
        store.connect(tmp_path / "shared")
    assert list(tmp_path.iterdir()) == []


def test_without_claims_every_run_is_free_and_no_file_is_made(tmp_path):
    claims = store.NoClaims()
    assert claims.claim("a") == claims.claim("a") == 0
    claims.renew()
    claims.release("a")
    claims.close()
    assert list(tmp_path.iterdir()) == []


def test_a_lost_file_costs_no_more_than_the_count_of_attempts(two):
    one, _ = two
    one.claim("a")
    one.release("a")
    one.close()
    for file in one.folder.glob("runs.sqlite*"):
        file.unlink()
    fresh = Claims(one.folder, "98_trial")
    assert fresh.claim("a") == 1
