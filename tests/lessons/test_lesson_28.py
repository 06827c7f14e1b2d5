"""Lesson 28: the lines in its cells are the checks of the lab."""

import ast

import nbformat
import numpy as np
import pytest

from labkit.datacenter.lifecycle import checks, fields
from labkit.lab import places

CELLS = nbformat.read(places.lesson_files()["28"], as_version=4).cells


def defined(cell: str, name: str, **names):
    """Return one function of a cell of the lesson, without running what stands around it."""
    (source,) = [each.source for each in CELLS if each.id == cell]
    (function,) = [node for node in ast.parse(source).body if getattr(node, "name", None) == name]
    exec(ast.unparse(function), names)
    return names[name]


@pytest.mark.parametrize("name", ["copies", "neighbors"])
@pytest.mark.parametrize("field", ["vision", "medicine", "operations"])
def test_a_check_in_the_cell_measures_what_that_of_the_lab_does(name, field):
    archive, live = fields.collect(field, "own")
    train, test = checks.split(archive)
    mine = defined("two-checks", name, np=np)(archive, train, test)
    found = checks.CHECKS[name](archive, train, test, live)
    assert mine == pytest.approx(found.value, abs=0.02)


def test_the_program_in_the_cell_is_the_one_of_the_pipeline():
    (source,) = [each.source for each in CELLS if each.id == "program"]
    stages = ["collect", "check", "clean", "split", "features", "train", "evaluate", "export"]
    stages += ["serve", "monitor", "roll_back"]
    places_in_it = [source.index(f".{stage}(") for stage in stages if stage != "split"]
    assert places_in_it == sorted(places_in_it)
