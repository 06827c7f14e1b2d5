"""Lesson 04: what NumPy refuses and what it lets pass, and how its explorers open."""

import nbformat
import numpy as np
import pytest
from lesson_code import names_after

from labkit.lab import parameters, places

LESSON = places.lesson_files()["04"]


@pytest.fixture(scope="module")
def tried():
    names = names_after("04", "mistakes-table")
    return {
        size: dict(zip(names["rules"], row, strict=True)) for size, row in names["tried"].items()
    }


def test_different_sizes_refuse_two_mistakes_each_at_its_place(tried):
    said = tried["2-3-4-1"]
    assert said["gradient transposed"] == "refused: the update"
    assert said["W not transposed"] == "refused: the product"
    assert said["slope at the wrong place"].startswith("runs, error")


def test_a_square_matrix_hides_all_of_them(tried):
    for name, said in tried["2-3-3-1 (square)"].items():
        error = float(said.removeprefix("runs, error "))
        assert (error < 1e-6) == (name == "no mistake")


def test_one_output_hides_a_transposed_gradient_in_a_table(tried):
    said = tried["2-4-1 (one output)"]["gradient transposed"]
    assert said == "runs, and W (4, 1) becomes (4, 4)"
    assert (np.zeros((4, 1)) - np.zeros((1, 4))).shape == (4, 4)  # NumPy itself


def test_explorers_open_before_the_answer():
    assert parameters.read_parameters(LESSON)["graph_step"].default == 0
    cells = {cell.id: cell.source for cell in nbformat.read(LESSON, as_version=4).cells}
    assert "epochs" not in cells["explorer-training"]
