"""Dockerfile and Binder files name only what is there: they cannot be built where tests run."""

import re
import stat
from pathlib import Path

TOP = Path(__file__).parents[3]


def test_each_file_that_the_image_copies_is_there():
    text = (TOP / "Dockerfile").read_text(encoding="utf-8")
    named = [
        n for words in re.findall(r"^COPY (.*) \./?$", text, re.MULTILINE) for n in words.split()
    ]
    assert {"requirements.lock", "pyproject.toml", "."} <= set(named)
    assert all((TOP / name).exists() for name in named)
    assert "scripts/setup_lab.py" in text
    assert (TOP / "scripts/setup_lab.py").exists()


def test_the_image_runs_as_nobody_special_and_says_that_it_was_not_built():
    text = (TOP / "Dockerfile").read_text(encoding="utf-8")
    assert text.index("USER learner") < text.index("CMD")
    assert "Not built yet" in text
    assert "token=''" not in text.replace('"', "'")


def test_binder_installs_the_lock_file_and_its_programs_can_run():
    folder = TOP / "binder"
    name = (folder / "requirements.txt").read_text(encoding="utf-8").split()[1]
    assert (folder / name).resolve() == TOP / "requirements.lock"
    for program in ("postBuild", "start"):
        assert stat.S_IMODE((folder / program).stat().st_mode) & 0o111
        assert (folder / program).read_text(encoding="utf-8").startswith("#!")
