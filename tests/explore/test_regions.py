"""The first explorer of lesson 03: what bends, into how many pieces, and where the kinks are."""

import numpy as np
import pytest

from labkit.explore import regions
from labkit.explore.regions import RegionsExplorer, draw


def second_differences(activation, layers):
    answers = draw(activation, layers, 8, seed=1)["answers"]
    return abs(np.diff(answers, 2, axis=1)).max(), abs(np.diff(answers, 2, axis=0)).max()


@pytest.mark.parametrize("layers", [1, 4])
def test_without_activation_it_is_one_flat_sheet_however_deep(layers):
    assert max(second_differences("linear", layers)) < 1e-12
    explorer = RegionsExplorer(activation="linear", layers=layers)
    assert explorer.result["regions"] == 1
    assert "one flat sheet" in explorer.text


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu_tanh"])
def test_with_an_activation_it_bends(activation):
    assert min(second_differences(activation, 1)) > 1e-6


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_inside_a_region_a_relu_network_is_linear(layers):
    found = draw("relu", layers, 8, seed=2)
    answers, region = found["answers"], found["region"]
    one = (region[:, :-2] == region[:, 1:-1]) & (region[:, 1:-1] == region[:, 2:])
    assert abs(np.diff(answers, 2, axis=1))[one].max() < 1e-12
    assert found["regions"] == len(np.unique(region)) > 8


def test_smooth_functions_have_no_kinks_to_count():
    explorer = RegionsExplorer(activation="tanh", layers=2)
    assert explorer.result["regions"] is None
    assert "smooth" in explorer.text


def test_kinks_of_the_cut_lie_where_the_region_changes():
    explorer = RegionsExplorer(activation="relu", layers=2)
    (picture,) = explorer._pictures.values()
    x, heights = picture.moving["spots"].get_data()
    row = explorer.result["region"][regions.CELLS // 2]
    assert len(x) == np.sum(row[1:] != row[:-1])
    assert len(heights) == len(x) > 3


def test_it_starts_flat_and_works_over_its_whole_range():
    explorer = RegionsExplorer()
    assert explorer.params["activation"] == "linear"
    assert explorer.walk(4) > 10


def test_it_computes_fast_enough_to_be_dragged():
    import time

    times = []
    for _ in range(3):
        started = time.process_time()
        draw("relu", 4, 32, 0)
        times.append(time.process_time() - started)
    assert min(times) < 0.2
