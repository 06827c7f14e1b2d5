"""pyproject, lock file, environment.yml and set-up script agree, and set-up fails in sentences."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import setup_lab  # noqa: E402

LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def locked() -> dict[str, list[Version]]:
    """Return package -> versions that the lock file pins (one for each Python it covers)."""
    pins: dict[str, list[Version]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK, re.MULTILINE):
        pins.setdefault(name, []).append(Version(version))
    return pins


def wanted() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"]
    locked_extras = ("cpu", "serve", "balance", "privacy", "monitor", "test")
    wanted = PROJECT["dependencies"] + [text for each in locked_extras for text in extras[each]]
    return [Requirement(text) for text in wanted]


@pytest.mark.parametrize("requirement", wanted(), ids=str)
def test_lock_pins_what_pyproject_wants(requirement):
    versions = locked().get(requirement.name.lower().replace("_", "-"))
    assert versions, f"{requirement.name} is not in requirements.lock: run `make lock`"
    assert all(requirement.specifier.contains(version) for version in versions)


def test_every_pin_has_a_hash_and_no_address():
    entries = LOCK.replace("\\\n", " ").strip().splitlines()
    assert len(entries) > 100
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in LOCK
    assert "--index" not in LOCK
    assert "--find-links" not in LOCK


def test_environment_yml_uses_the_lock_and_an_allowed_python():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python = next(d for d in environment["dependencies"] if str(d).startswith("python="))
    version = python.removeprefix("python=")
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(version + ".0")
    oldest, newest = setup_lab.OLDEST, setup_lab.NEWEST
    assert oldest <= tuple(map(int, version.split("."))) <= newest
    pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert pip == ["-r requirements.lock"]


def test_cpu_and_gpu_are_told_apart():
    extras = PROJECT["optional-dependencies"]
    assert not any("tensorflow" in name for name in PROJECT["dependencies"])
    assert all("and-cuda" not in name for name in extras["cpu"])
    assert extras["gpu"] == ["tensorflow[and-cuda]==2.21.*"]


def test_an_old_python_gets_a_sentence(capsys):
    with pytest.raises(SystemExit) as stopped:
        setup_lab.check_python((3, 10))
    assert stopped.value.code == 1
    told = capsys.readouterr().err
    assert "needs Python 3.11 to 3.13; this is Python 3.10" in told
    assert "make lab PYTHON=" in told


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_covered_pythons_pass(version):
    setup_lab.check_python(version)


def test_a_full_disk_gets_a_sentence(capsys):
    with pytest.raises(SystemExit):
        setup_lab.check_disk(free=1.2e9)
    assert "has 1.2 GB free" in capsys.readouterr().err
    setup_lab.check_disk(free=40e9)


def test_setup_is_written_in_a_python_that_old_ones_can_read():
    """An old Python must reach the sentence that refuses it."""
    tree = ast.parse((ROOT / "scripts" / "setup_lab.py").read_text())
    newer = (ast.JoinedStr, ast.NamedExpr, ast.AnnAssign, ast.Match, ast.AsyncFunctionDef)
    assert not [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, newer)]
    assert not [a.arg for a in ast.walk(tree) if isinstance(a, ast.arg) and a.annotation]


def test_a_second_setup_installs_nothing(monkeypatch):
    monkeypatch.setattr(setup_lab, "read_stamp", setup_lab.fingerprint)
    monkeypatch.setattr(setup_lab, "run", lambda *_: pytest.fail("pip was called"))
    setup_lab.main()
