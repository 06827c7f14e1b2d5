"""The articles' install commands: the table is whole, and agrees with what is known elsewhere."""

import csv
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from labkit.datacenter.smaller import listings
from labkit.datacenter.smaller.listings import LISTINGS, installs, listing

ROOT = Path(__file__).parents[3]
# The last TensorFlow with wheels for a Python that has ended, as its own release notes tell.
LAST = {"3.6": "2.6", "3.7": "2.11", "3.8": "2.13", "3.9": "2.20"}


def test_every_environment_of_the_ledger_is_resolved():
    with (ROOT / "data" / "claims.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: row["statement"] for row in csv.DictReader(file) if "-ENV-" in row["id"]}
    asked = [id for id, statement in rows.items() if "install" in statement or "NumPy" in statement]
    assert sorted(asked) == sorted(LISTINGS)
    assert all(listing(id) for id in LISTINGS)


@pytest.mark.parametrize(("python", "release"), LAST.items())
def test_an_ended_python_gets_the_last_tensorflow_that_was_made_for_it(python, release):
    found = {each.python: each.versions["tensorflow"] for each in installs("tensorflow")}
    assert found[python].startswith(release + ".")


def test_a_version_goes_only_where_its_own_metadata_lets_it():
    here = metadata.distribution("tensorflow-cpu")
    allowed = SpecifierSet(here.metadata["Requires-Python"])
    pythons = [x.python for x in installs("tensorflow") if x.versions["tensorflow"] == here.version]
    assert pythons
    assert all(python in allowed for python in pythons)


@pytest.mark.parametrize("package", ["tensorflow", "torch"])
def test_a_newer_python_never_gets_an_older_version(package):
    command = next(row.command for row in LISTINGS.values() if row.command.startswith(package))
    found = [Version(each.versions[package]) for each in installs(command)]
    assert all(old <= new for old, new in pairwise(found))


def test_nothing_was_published_after_the_index_was_asked():
    found = [each for row in LISTINGS.values() for each in installs(row.command)]
    assert all(each.released <= each.resolved for each in found if not each.failure)
    assert len({each.resolved for each in found}) == 1


def test_pil_is_installed_by_another_name_only():
    assert all("pil was not found" in each.failure for each in listing("E-ENV-01"))
    pillow = installs("tensorflow numpy pillow")
    assert not any(each.failure for each in pillow)
    alone = {each.python: each for each in installs("tensorflow")}
    assert all(each.size_in_bytes >= alone[each.python].size_in_bytes for each in pillow)


def test_an_unknown_row_or_command_is_told_what_there_is():
    with pytest.raises(ValueError, match="A1-ENV-01"):
        listing("A1-GD-01")
    with pytest.raises(ValueError, match="tensorflow numpy pillow"):
        installs("scikit-learn")


def test_the_table_names_no_host():
    assert "//" not in listings.FOUND.read_text(encoding="utf-8")
