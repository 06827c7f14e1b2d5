"""Files that appear whole or not at all, whatever stands at their path."""

import os
import stat

import pytest

from labkit.lab import files


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
