"""The explorers of lesson 03: right numbers, the whole grid, words for every fate."""

import numpy as np
import pytest

from labkit.explore import activations as explore
from labkit.explore.activations import ActivationExplorer, SignalExplorer
from labkit.maths import activations as maths


@pytest.fixture(scope="module")
def function():
    return ActivationExplorer()


@pytest.fixture(scope="module")
def signal():
    return SignalExplorer()


@pytest.mark.parametrize("name", maths.ACTIVATIONS)
def test_height_and_slope_are_those_of_the_mathematics(name):
    result = ActivationExplorer.compute(name, 0.7)
    assert result["value"] == maths.find(name).value(0.7)
    assert result["slope"] == maths.find(name).slope(0.7)


def test_the_tangent_touches_the_curve_at_the_point(function):
    function.controls["activation"].value = "silu"
    function.controls["x"].value = -1.5
    artists = function._pictures[("silu",)].moving
    (x0, x1), (y0, y1) = artists["tangent"].get_data()
    assert (y1 - y0) / (x1 - x0) == pytest.approx(float(maths.silu_grad(-1.5)))
    assert (y0 + y1) / 2 == pytest.approx(float(maths.silu(-1.5)))


def test_a_flat_place_is_said_to_stop_the_gradient():
    assert "stops here" in ActivationExplorer(activation="relu", x=-2.0).text
    assert "unchanged" in ActivationExplorer(activation="relu", x=2.0).text
    assert "9.5e-07" in ActivationExplorer(activation="sigmoid", x=0.0).text


def test_ten_slopes_are_the_tenth_power():
    text = ActivationExplorer(activation="sigmoid", x=1.0).text
    assert f"{float(maths.sigmoid_grad(1.0)) ** 10:.2g}" in text


def test_both_explorers_work_over_their_whole_range(function, signal):
    assert function.walk() > 30
    assert signal.walk() > 40


def test_a_headless_lesson_walks_through_the_signals_once(monkeypatch):
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    monkeypatch.setattr(explore, "_walked", set())
    tried = []
    monkeypatch.setattr(explore.kit.Explorer, "walk", lambda self, samples: tried.append(1) or 50)
    SignalExplorer()
    SignalExplorer(activation="tanh")
    assert tried == [1]


@pytest.mark.parametrize("name", maths.ACTIVATIONS)
def test_a_wide_network_follows_theory(name):
    result = explore.flow(name, "xavier", depth=10, width=128, seed=3)
    measured = np.sqrt(np.mean(result["signal"] ** 2, axis=1))
    np.testing.assert_allclose(measured, result["signal_theory"], rtol=0.25)
    ratio = result["arrives"] / result["gradient_theory"][0]
    assert 0.7 < ratio < 1.4


@pytest.mark.parametrize(
    ("activation", "initialization", "fate"),
    [
        ("sigmoid", "xavier", "vanishes"),
        ("relu", "he", "arrives"),
        ("relu", "unit_normal", "explodes"),
        ("tanh", "unit_normal", "explodes"),
        ("gelu", "he", "arrives"),
    ],
)
def test_the_fate_is_said_in_words(activation, initialization, fate):
    assert explore.flow(activation, initialization, 20, 64, 0)["fate"] == fate
    explorer = SignalExplorer(activation=activation, initialization=initialization, depth=20)
    assert f"the gradient {fate}" in explorer.text


def test_a_network_whose_units_all_die_is_said_to_be_dead(monkeypatch):
    monkeypatch.setattr(
        explore, "_networks", lambda *_: (-np.ones((50, 5, 16, 16)), np.ones((4, 16)))
    )
    explorer = SignalExplorer(activation="relu", width=16)
    assert explorer.result["fate"] == "dies"
    assert "no gradient" in explorer.text


def test_the_seed_draws_other_networks_and_depth_cuts_the_same_ones():
    first, again = (explore.flow("tanh", "xavier", 20, 32, 0) for _ in range(2))
    np.testing.assert_array_equal(first["signal"], again["signal"])
    shorter = explore.flow("tanh", "xavier", 7, 32, 0)
    np.testing.assert_array_equal(first["signal"][:7], shorter["signal"])
    assert (first["signal"] != explore.flow("tanh", "xavier", 20, 32, 5)["signal"]).all()


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_it_computes_fast_enough_to_be_dragged(activation):
    import time

    times = []
    for _ in range(5):
        started = time.process_time()
        explore.flow(activation, "he", 50, 64, 0)
        times.append(time.process_time() - started)
    assert min(times) < 0.25


def test_the_pointer_is_told_where_the_axes_are(function):
    function.controls["activation"].value = "tanh"
    axes = function._pictures[("tanh",)].figure.axes
    edges = [(ax.get_position().x0, ax.get_position().x1) for ax in axes]
    np.testing.assert_allclose(edges, explore.PANELS)
    assert all(ax.get_xlim() == (-explore.RANGE, explore.RANGE) for ax in axes)


def test_what_the_pointer_says_moves_the_point_whatever_the_slider_is_called():
    function = ActivationExplorer()
    function.controls["x"].description = "place"
    (pointer,) = [each for each in function.children if isinstance(each, explore._Pointer)]
    for x in (0.0, -2.37):
        pointer.value = x
        assert function.params["x"] == x
    function.controls["x"].value = 3.0
    assert pointer.value == 3.0  # or the same place would be no news when it is dragged there


@pytest.mark.slow
def test_the_point_can_be_dragged_in_a_browser(tmp_path):
    import json

    pytest.importorskip("playwright")
    from browser import Lab, find_browser, wait_until

    if find_browser() is None:
        pytest.skip("no browser here")
    code = "from labkit.explore.activations import ActivationExplorer\n"
    code += "explorer = ActivationExplorer(activation='tanh', x=1.0)\nexplorer"
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": code}
    cell |= {"outputs": [], "execution_count": None}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "drag.ipynb").write_text(json.dumps(notebook))
    with Lab(tmp_path) as lab:
        page = lab.open("drag.ipynb")
        lab.run(page)
        picture = page.locator(".labkit-explorer img[width]")
        picture.wait_for()
        box = picture.bounding_box()

        def at(share):
            left, right = explore.PANELS[0]
            return box["x"] + box["width"] * (left + share * (right - left)), box["y"] + 100

        page.mouse.move(*at(0.5))
        page.mouse.down()
        status = "document.querySelector('.labkit-status').textContent"
        wait_until(page, f"() => /tanh\\(-?0/.test({status})", seconds=20)
        page.mouse.move(*at(0.6))
        page.mouse.move(*at(0.75))
        page.mouse.up()
        wait_until(page, f"() => /tanh\\((2.9|3)/.test({status})", seconds=20)
        page.mouse.move(*at(0.1))
        page.wait_for_timeout(300)
        assert "tanh(-" not in page.evaluate(status)


def test_unknown_settings_are_refused():
    with pytest.raises(ValueError, match="activation = 'swish'"):
        ActivationExplorer(activation="swish")
    with pytest.raises(ValueError, match="depth = 1"):
        SignalExplorer(depth=1)


def test_settings_come_back_as_a_lesson_understands_them(signal):
    from labkit.lab import parameters, places

    schema = parameters.read_parameters(places.lesson_files()["03"])
    parameters.validate(schema, signal.lesson_params)
    assert "x" not in ActivationExplorer().lesson_params
