"""The roofline explorer: what its dot and its words say, over the whole range of its controls."""

import dataclasses

import numpy as np
import pytest

from labkit.datacenter.roofline import intensity
from labkit.explore.roofline import EXAMPLE, RooflineExplorer

HERE = dataclasses.replace(EXAMPLE, machine="a name", origin="measured")
FLAT = dataclasses.replace(  # one bandwidth everywhere: then a formula gives the batch
    HERE,
    peak=100e9,
    bandwidths={"cache": 20e9, "memory": 20e9},
    sizes=dict.fromkeys(EXAMPLE.sizes, 20e9),
)


@pytest.mark.parametrize("width", [64, 512, 8192])
@pytest.mark.parametrize("batch", [1, 16, 4096])
def test_the_dot_stands_at_the_lower_of_its_two_limits(width, batch):
    explorer = RooflineExplorer(FLAT, batch=batch, width=width)
    flop, moved = 2 * batch * width**2, 4 * (2 * batch * width + width**2)
    (x,), (y,) = explorer._picture(explorer.params).moving["dot"].get_data()
    assert x == pytest.approx(flop / moved)
    assert y * 1e9 == pytest.approx(flop / max(flop / 100e9, moved / 20e9))
    assert ("Memory-bound" in explorer.text) == (x < 5)


def test_it_names_the_batch_that_reaches_the_ridge():
    explorer = RooflineExplorer(FLAT, width=1024)
    # m rows: 2 m n^2 operations, 4 (2 m n + n^2) bytes, and 5 FLOP per byte are wanted.
    wanted = 2 * 5 * 1024 / (1024 - 4 * 5)
    assert explorer.result["reached_at"] == pytest.approx(wanted, abs=1.5)
    assert f"from a batch of about {explorer.result['reached_at']} on" in explorer.text


def test_it_says_when_no_batch_reaches_the_ridge():
    steep = dataclasses.replace(FLAT, peak=20e9 * 1.01 * intensity(10**9, 64, 64))
    assert "no larger batch changes that" in RooflineExplorer(steep, width=64, batch=4096).text


def test_more_batch_does_not_help_beyond_the_ridge():
    text = RooflineExplorer(FLAT, width=1024, batch=1024).text
    assert "Compute-bound" in text
    assert "would not raise the rate" in text


def test_numbers_of_another_machine_are_marked_as_quoted():
    assert f"quoted from {EXAMPLE.machine}" in RooflineExplorer().text
    text = RooflineExplorer(HERE).text
    assert "of this machine" in text
    assert "quoted" not in text


def test_the_clock_moves_the_measured_dots_and_nothing_else():
    explorer = RooflineExplorer(HERE)
    moving = explorer._picture(explorer.params).moving
    before, dot = moving["MLP hidden"].get_ydata(), moving["dot"].get_ydata()[0]
    assert before * 1e9 == pytest.approx([d.rate for d in HERE.dots if d.layer == "MLP hidden"])
    explorer._jump({"clock": "wall"})
    walls = [d.wall_rate for d in HERE.dots if d.layer == "MLP hidden"]
    assert moving["MLP hidden"].get_ydata() * 1e9 == pytest.approx(walls)
    assert moving["dot"].get_ydata()[0] == dot
    assert "waiting counts" in explorer.text


def test_both_clocks_agree_where_nobody_disturbs():
    quiet = tuple(dot._replace(wall_rate=0.98 * dot.rate) for dot in HERE.dots)
    text = RooflineExplorer(dataclasses.replace(HERE, dots=quiet), clock="wall").text
    assert "both clocks agree (98%)" in text


def test_a_second_measurement_can_be_chosen():
    assert "neighbors" not in RooflineExplorer(HERE).params
    slower = tuple(dot._replace(wall_rate=dot.rate / 40) for dot in HERE.dots)
    explorer = RooflineExplorer(HERE, dataclasses.replace(HERE, dots=slower), clock="wall")
    before = explorer.result["rates"]
    explorer._jump({"neighbors": "busy"})
    assert np.all(explorer.result["rates"] < before)
    lowest = explorer._picture(explorer.params).moving["dot"].axes.get_ylim()[0]
    assert lowest * 1e9 < explorer.result["rates"].min()


def test_a_smaller_array_is_read_at_least_as_fast():
    rates = EXAMPLE.bandwidth(np.geomspace(1e3, 1e10, 200))
    assert np.all(np.diff(rates) <= 0)
    assert EXAMPLE.bandwidth(2**27) == EXAMPLE.bandwidths["memory"]
    assert EXAMPLE.bandwidth(2**23) == pytest.approx(91.4e9)


def test_it_walks():
    busy = dataclasses.replace(HERE, origin="measured")
    assert RooflineExplorer(HERE, busy).walk() >= 20
