"""The folded plane: what the output unit sees of it, and what training makes of it."""

import numpy as np
import pytest

from labkit.explore import folding as explorer
from labkit.explore.folding import FoldingExplorer, fold, history
from labkit.maths import backprop as maths


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("units", [1, 2, 3, 8])
def test_the_first_axis_of_the_folded_plane_is_what_the_output_sees(activation, units):
    X, y = explorer.points("circle")
    for epoch in (0, 300):
        layers = history("circle", activation, units, 3)[epoch]
        z = maths.forward(layers, X, activation, "linear")[-1][:, 0]
        folded = fold(layers, X, activation)
        assert np.allclose(folded[:, 0], z)
        e = FoldingExplorer(
            data="circle", hidden_activation=activation, units=units, start=3, epoch=epoch
        )
        assert e.result["right"] == np.mean((z > 0) == (y[:, 0] == 1))


def test_two_hidden_units_are_turned_and_not_bent():
    """Seen from another side, distances along and across stay those of the hidden space."""
    layers = history("xor", "tanh", 2, 3)[300]
    X, _ = explorer.points("xor")
    w = layers[1][0][:, 0]
    z, across = (fold(layers, X, "tanh") - [layers[1][1][0], 0]).T
    h = np.tanh(X @ layers[0][0] + layers[0][1])
    turned = np.stack([z / np.linalg.norm(w), across], axis=1)
    distances = [np.linalg.norm(p[:50, None] - p[None, :50], axis=-1) for p in (turned, h)]
    assert np.allclose(*distances)


def test_training_folds_three_kinds_of_points_apart():
    for data, units in (("xor", 3), ("circle", 3), ("spiral", 8)):
        before, after = (FoldingExplorer(data=data, units=units, epoch=n) for n in (0, 300))
        assert before.result["right"] < 0.7
        assert after.result["right"] > 0.95, data


def test_it_opens_at_the_start():
    assert FoldingExplorer().params["epoch"] == 0


def test_a_units_line_is_where_it_is_zero():
    w, b = np.array([0.6, -1.1]), 0.7
    ends = explorer._cut(w, b)
    assert np.allclose(w @ ends + b, 0)
    assert np.linalg.norm(ends[:, 0] - ends[:, 1]) == pytest.approx(20)
    assert explorer._cut(np.zeros(2), 1.0).shape == (2, 0)  # a unit without a line


@pytest.mark.slow
def test_the_folding_walks():
    assert FoldingExplorer().walk() > 30
