"""Lesson 27: its cells are the formulas of the lab, and it runs on what a learner wrote."""

import ast

import nbformat
import numpy as np
import pytest
from lesson_code import names_after

from labkit.datacenter.monitoring import drift, telemetry
from labkit.lab import places

CELLS = nbformat.read(places.lesson_files()["27"], as_version=4).cells


def defined(cell: str, name: str, **names):
    """Return one function of a cell of the lesson, without running what stands around it."""
    (source,) = [each.source for each in CELLS if each.id == cell]
    (function,) = [node for node in ast.parse(source).body if getattr(node, "name", None) == name]
    exec(ast.unparse(function), names)
    return names[name]


def test_psi_in_the_cell_is_that_of_the_lab():
    counts = np.random.default_rng(0).multinomial(300, [0.1] * 10, (2, 50))
    psi = defined("psi", "psi", np=np)
    np.testing.assert_allclose(psi(*(counts / 300)), drift.psi_of_counts(*counts))


def test_pairs_without_drift_have_the_mean_of_the_law():
    names = {"np": np, "rng": np.random.default_rng(1), "psi": defined("psi", "psi", np=np)}
    chance = defined("psi", "without_drift", **names)(500)
    assert chance.mean() == pytest.approx(9 * 2 / 500, rel=0.05)


def test_integrated_gradients_in_the_cell_are_those_of_a_product():
    """The gradient of x1 x2 is (x2, x1), and each pixel adds a half of the product."""
    x = np.array([[2.0, 3.0], [1.0, -4.0]])
    names = {"np": np, "x": x, "gradient": lambda images: images[:, ::-1]}
    integrated = defined("integrated", "integrated", **names)
    np.testing.assert_allclose(integrated(10), x.prod(axis=1, keepdims=True).repeat(2, axis=1) / 2)


def test_maps_are_enlarged_without_moving():
    enlarged = defined("maps", "enlarged", np=np)
    small = np.arange(16.0).reshape(1, 4, 4)
    np.testing.assert_array_equal(enlarged(small)[0], np.kron(small[0], np.ones((7, 7))))


def test_the_signals_are_those_of_a_tick_by_hand():
    usual = np.full(10, 0.1)
    signals = defined(
        "signals", "signals", np=np, psi=defined("psi", "psi", np=np), usual_shares=usual
    )
    answers = np.eye(10)[[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]] * 0.7
    x = np.zeros((10, 4))
    x[0, 0] = 1.0
    y = np.array([0, 1, 2, 3, 4, 5, 6, 7, 9, 8])
    found = signals(telemetry.Tick(x, y, answers, np.array([0.01, 0.02])))
    expected = {"replicas": np.log(2), "ink": 1 / 40, "dark pixels": 3, "confidence": 0.7}
    assert found == pytest.approx(expected | {"answers": 0.0, "errors": 0.2})


@pytest.mark.slow
def test_the_charts_run_on_the_function_of_the_learner(monkeypatch):
    """A function that counts its calls is called by the simulation and by no other."""
    check = "cusum = counted\n\n\ndef step(total, z):\n    return cusum(total, z, 0.5)"
    counted = "calls = []\ndef counted(total, z, allowance):\n    calls.append(1)\n"
    counted += "    return np.maximum(0, total + z - allowance)\n"
    names = names_after("27", "run-lengths", check_cusum=counted + check, pixels="")
    assert len(names["calls"]) > 1000
    modeled, (simulated, margin) = names["modeled"]["CUSUM"][0], names["lengths"]["CUSUM"][0]
    assert abs(simulated - modeled) < 3 * margin
