"""Lesson 04: it runs on what the learner writes, and shows what it says."""

import itertools
import re

import nbformat
import numpy as np
import pytest
from lesson_code import names_after

from labkit.exercises import backprop as exercise
from labkit.lab import parameters, places
from labkit.maths import backprop as maths

LESSON = places.lesson_files()["04"]
CELLS = {cell.id: cell for cell in nbformat.read(LESSON, as_version=4).cells}


@pytest.fixture(scope="module")
def lesson():
    """What the cells computed, up to the table of mistakes."""
    return names_after("04", "mistakes-table")


@pytest.fixture(scope="module")
def tried(lesson):
    return {
        size: dict(zip(lesson["mistakes"], row, strict=True))
        for size, row in lesson["tried"].items()
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
    assert "epochs" not in CELLS["explorer-training"].source
    assert "step=0" in CELLS["explorer-flow"].source
    assert CELLS["explorer-folding"].source == "FoldingExplorer()"


# --- the graph is the code --------------------------------------------------------------------


def test_the_walk_finds_the_slopes_of_finite_differences(lesson):
    value, tanh, walk_back = lesson["Value"], lesson["tanh"], lesson["walk_back"]

    a, b, c = nodes = [value(number) for number in (0.7, -1.3, 0.4)]
    shared = a * b  # used three times
    walk_back(shared * shared + tanh(shared + c) * b)

    def numbers(w):
        return (w[0] * w[1]) ** 2 + np.tanh(w[0] * w[1] + w[2]) * w[1]

    wanted = maths.numeric_gradient(numbers, [0.7, -1.3, 0.4])
    assert [node.slope for node in nodes] == pytest.approx(wanted.tolist(), abs=1e-8)


def test_a_second_walk_starts_anew(lesson):
    x = lesson["Value"](3.0)
    for _ in range(2):
        lesson["walk_back"](x * x)
        assert x.slope == 6.0


def test_the_graph_in_code_has_the_slopes_of_the_explorer_and_of_the_network(lesson):
    assert lesson["graph_error"] < 1e-12
    assert lesson["errors"]["a walk through the graph"] < 1e-12
    assert lesson["errors"]["the gradient check"] < 1e-8


# --- what is written is used --------------------------------------------------------------------


def solved(cell: str) -> str:
    """The folded solution of an exercise, which also notes each of its calls."""
    source = CELLS[f"solution-{cell}"].source
    head, body = re.search(r"```python\n(.*?)```", source, re.DOTALL)[1].split("\n", 1)
    return f"calls = globals().setdefault('calls', [])\n{head}\n    calls.append({cell!r})\n{body}"


def test_the_lesson_runs_on_what_the_learner_wrote(monkeypatch):
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    written = {"product": "product_slopes", "output-delta": "output_delta"}
    written |= {"hidden-delta": "hidden_delta", "gradient": "gradient"}
    cells = {f"exercise_{cell.replace('-', '_')}": solved(cell) for cell in written}
    names = names_after("04", "network-graph", **cells)
    for cell, name in written.items():
        each = getattr(exercise, name)
        assert each.whose == "yours"
        tried = len(each.cases) + len(each.then)  # by the check alone
        assert names["calls"].count(cell) > tried, name
    assert names["errors"]["the gradient check"] < 1e-8


@pytest.mark.parametrize(
    "written",
    [
        "return (prediction - y) / y.shape[0]",
        "a = prediction; return (-(y / a) + (1 - y) / (1 - a)) * a * (1 - a) / len(y)",
        "return np.where(y == 1, prediction - 1, prediction) / len(y)",
        "prediction -= y; prediction /= len(y); return prediction",
    ],
)
def test_every_form_of_the_output_delta_fits_behind_a_softmax(monkeypatch, written):
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    names = {"np": np}
    exec(f"def my_output_delta(prediction, y):\n    {written}", names)
    delta = exercise.output_delta.use(names["my_output_delta"])
    assert exercise.output_delta.whose == "yours"
    rng = np.random.default_rng(0)
    e = np.exp(rng.normal(size=(6, 10)))
    p, y = e / e.sum(axis=1, keepdims=True), np.eye(10)[[1, 2, 3, 3, 0, 9]]
    before = p.copy()
    assert np.allclose(delta(p, y), (before - y) / 6)
    assert (p == before).all()


@pytest.mark.slow
def test_what_was_written_reads_digits():
    names = names_after("04", "digits-train")
    exec(CELLS["digits-score"].source, names)
    scores = names["digit_scores"]
    assert scores["yours"] > scores["baseline"] > 0.85
    assert names["softmax_error"] < 1e-7
    names["digit_epochs"] = 1  # and one epoch takes the way of the lab's own training
    _, layers = names["train_digits"]([784, 16, 10], 1.0)
    X, targets = names["pixels"][:3200], np.eye(10)[names["labels"][:3200]]
    start = maths.glorot_layers([784, 16, 10], seed=0)
    walk = maths.descend_batches(start, X, targets, 1.0, 32, "sigmoid", "softmax", seed=0)
    *_, same = itertools.islice(walk, 100)
    for (W, b), (V, c) in zip(layers, same, strict=True):
        assert np.allclose(W, V)
        assert np.allclose(b, c)
