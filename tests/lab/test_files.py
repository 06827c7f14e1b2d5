"""Files that appear whole or not at all, whatever stands at their path."""

import errno
import os
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from helpers import fill, largest_file, small_disk

from labkit.lab import files

OLD, NEW = b"before", b"after" * 1000


def names(folder) -> list[str]:
    return sorted(os.listdir(folder))


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("before")
    path.chmod(0o640)
    with pytest.raises(TypeError):
        files.write(path, [1])  # fails while writing
    assert path.read_text() == "before"
    files.write(path, b"after")
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]
    assert path.read_text() == "after"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    files.write("/dev/null", b"gone")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_text("before")
    (tmp_path / "link").symlink_to("real")
    files.write(tmp_path / "link", "after ✓")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text(encoding="utf-8") == "after ✓"


def test_a_link_to_nothing_yet_and_one_through_another_folder(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "folder").symlink_to("elsewhere", target_is_directory=True)
    (tmp_path / "link").symlink_to("folder/new")
    files.write(tmp_path / "link", NEW)
    assert (tmp_path / "elsewhere" / "new").read_bytes() == NEW
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="loop"):
        files.write(tmp_path / "loop", NEW)


@pytest.mark.parametrize("mode", [0o660, 0o600, 0o664, 0o755])
def test_mode_and_attributes_stay_and_a_new_file_has_those_of_any_new_file(tmp_path, mode):
    path = tmp_path / "out"
    path.write_bytes(OLD)
    path.chmod(mode)
    try:
        os.setxattr(path, "user.course", b"tests")
    except OSError:
        kept = {}
    else:
        kept = {"user.course": b"tests"}
    files.write(path, NEW)
    assert path.read_bytes() == NEW
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert {name: os.getxattr(path, name) for name in kept} == kept
    files.write(tmp_path / "new", NEW)
    (tmp_path / "plain").touch()
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_second_name_shows_the_new_content_too(tmp_path):
    (tmp_path / "one").write_bytes(OLD)
    (tmp_path / "two").hardlink_to(tmp_path / "one")
    files.write(tmp_path / "two", NEW)
    assert (tmp_path / "one").read_bytes() == NEW
    assert (tmp_path / "one").samefile(tmp_path / "two")


def test_a_pipe_and_an_open_file_are_written_through(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    files.write(tmp_path / "pipe", NEW)
    reader.join(10)
    assert read == [NEW]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    code = "from labkit.lab import files; files.write('/dev/stdout', 'x' * 5000)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"x" * 5000
    with open(tmp_path / "log", "ab") as log:  # two commands, one file
        subprocess.run([sys.executable, "-c", code], stdout=log, check=True)
        log.write(b"end")
    assert (tmp_path / "log").read_bytes() == b"x" * 5000 + b"end"


def test_folders_and_missing_folders_are_named_in_the_error(tmp_path):
    with pytest.raises(IsADirectoryError):
        files.write(tmp_path, NEW)
    with pytest.raises(FileNotFoundError, match="nowhere/out"):
        files.write(tmp_path / "nowhere" / "out", NEW)
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["n" * 255, "文" * 85, "-", " ", ".hidden"])
def test_any_name_will_do(tmp_path, name):
    for content in (OLD, NEW):
        files.write(tmp_path / name, content)
        assert (tmp_path / name).read_bytes() == content
    assert names(tmp_path) == [name]


def test_many_writers_leave_one_whole_file(tmp_path):
    path, wrong = tmp_path / "out", []
    files.write(path, b"0" * 50_000)

    def work(sign: bytes) -> None:
        for _ in range(30):
            files.write(path, sign * 50_000)
            found = path.read_bytes()
            if len(found) != 50_000 or len(set(found)) != 1:
                wrong.append(found[:10])

    threads = [threading.Thread(target=work, args=(sign,)) for sign in (b"1", b"2", b"3", b"4")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert names(tmp_path) == ["out"]


def test_a_write_that_breaks_off_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "out"
    path.write_bytes(OLD)
    with largest_file(100), pytest.raises(OSError, match="too large") as error:
        files.write(path, NEW)
    assert error.value.filename == str(path)
    assert path.read_bytes() == OLD
    assert names(tmp_path) == ["out"]


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        (disk / "out").write_bytes(OLD)
        fill(disk, leave=1000)
        with pytest.raises(OSError, match="No space left") as error:
            files.write(disk / "out", b"x" * 100_000)
        assert error.value.errno == errno.ENOSPC
        assert (disk / "out").read_bytes() == OLD
        assert [name for name in names(disk) if name.startswith(".")] == []


AS_A_USER = """
import os, sys
from labkit.lab import files
folder = sys.argv[1]
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(12345)
    os.setuid(12345)
for name in sys.argv[2:]:
    try:
        files.write(os.path.join(folder, name), "after")
    except OSError as error:
        print(name, type(error).__name__)
    else:
        print(name, "written")
"""


def as_a_user(folder, *paths) -> list[str]:
    """Write files as somebody who is not root; return what was told of each."""
    command = [sys.executable, "-c", AS_A_USER, folder, *paths]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def open_folder():
    """A folder that any user can reach; pytest's own are for one user."""
    if os.geteuid() != 0:
        pytest.skip("another user's files need root")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def test_a_file_in_a_shut_folder_or_of_another_owner_is_written_in_place(open_folder):
    shut, sticky = open_folder / "shut", open_folder / "sticky"
    shut.mkdir(mode=0o755)
    sticky.mkdir()
    sticky.chmod(0o1777)
    for path in (shut / "mine", sticky / "theirs", sticky / "mine", shut / "locked"):
        path.write_bytes(OLD)
        path.chmod(0o666)
    os.chown(shut / "mine", 12345, 12345)
    os.chown(sticky / "mine", 12345, 0)
    (shut / "locked").chmod(0o644)
    told = as_a_user(open_folder, "shut/mine", "shut/new", "shut/locked", "sticky/theirs")
    assert told == [
        "shut/mine written",
        "shut/new PermissionError",
        "shut/locked PermissionError",
        "sticky/theirs written",
    ]
    assert (shut / "locked").read_bytes() == OLD
    assert names(shut) == ["locked", "mine"]
    assert ((sticky / "theirs").stat().st_uid, (sticky / "theirs").read_text()) == (0, "after")
    assert as_a_user(open_folder, "sticky/mine") == ["sticky/mine written"]
    assert ((sticky / "mine").stat().st_uid, (sticky / "mine").stat().st_gid) == (12345, 0)


def test_a_file_that_its_owner_made_read_only_is_not_replaced(open_folder):
    (open_folder / "kept").write_bytes(OLD)
    (open_folder / "kept").chmod(0o444)
    os.chown(open_folder / "kept", 12345, 12345)
    os.chown(open_folder, 12345, 12345)
    assert as_a_user(open_folder, "kept") == ["kept PermissionError"]
    assert (open_folder / "kept").read_bytes() == OLD


def test_an_owner_and_a_group_stay_when_root_writes(open_folder):
    path = open_folder / "theirs"
    path.write_bytes(OLD)
    os.chown(path, 12345, 54321)
    path.chmod(0o2660)
    files.write(path, NEW)
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (12345, 54321, 0o2660)


def test_a_file_that_is_mounted_alone_is_written_in_place(tmp_path):
    (tmp_path / "outside").write_bytes(OLD)
    (tmp_path / "inside").write_bytes(OLD)
    mount = ["mount", "--bind", str(tmp_path / "outside"), str(tmp_path / "inside")]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        files.write(tmp_path / "inside", NEW)
        assert (tmp_path / "outside").read_bytes() == NEW
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path / "inside")], check=True)
    assert names(tmp_path) == ["inside", "outside"]
