"""The graph of lesson 04: slopes against finite differences, and only what each step knows."""

import pytest

from labkit.explore import graph as explorer
from labkit.explore.graph import GRAPH_STEPS, GraphExplorer
from labkit.maths import backprop as maths
from labkit.maths.backprop import graph_values


@pytest.mark.parametrize("name", ["x", "w1", "w2", "v1", "v2"])
def test_slopes_on_the_graph_are_those_of_finite_differences(name):
    start = {"x": 0.7, "w1": 1.2, "w2": -0.4, "target": 0.3, "v1": 1.5, "v2": -1.0}

    def loss(value):
        return graph_values(**start | {name: float(value)})["J"]

    numeric = maths.numeric_gradient(loss, start[name])
    assert graph_values(**start)[f"d_{name}"] == pytest.approx(float(numeric), abs=1e-9)


def test_edges_multiply_the_slopes_that_meet_at_their_beginning():
    g = graph_values(0.7, 1.2, -0.4, target=0.3)
    slope = {"J": 1.0} | {name[2:]: value for name, value in g.items() if name.startswith("d_")}
    for name in ("x", "w1", "w2", "z1", "z2", "h1", "h2", "v1", "v2", "p"):
        paths = [pair for pair in explorer.LOCAL if pair[0] == name]
        told = sum(explorer.LOCAL[pair](g) * slope[pair[1]] for pair in paths)
        assert told == pytest.approx(slope[name]), name


def test_the_graph_shows_only_what_its_step_knows():
    def shown(step):
        e = GraphExplorer(graph_step=step)
        assert e.png
        return {name for name, a in e._picture(e.params).moving.items() if text_of(a)}

    def text_of(artist):
        return artist.get_text() if hasattr(artist, "get_text") else ""

    assert not [name for name in shown(4) if name.startswith(("slope", "on "))]
    assert "value J" in shown(4) - shown(3)
    assert {"slope p", "on pJ"} == shown(5) - shown(4)
    assert {"slope x", "slope w1", "slope w2"} <= shown(8) - shown(7)


def test_every_step_of_the_graph_reads_differently():
    texts = {GraphExplorer(graph_step=step).text for step in range(len(GRAPH_STEPS))}
    assert len(texts) == len(GRAPH_STEPS)


@pytest.mark.parametrize(
    ("number", "told"),
    [(-0.0001, "-1e-4"), (0.0, "0"), (-0.0, "0"), (2.5e-5, "2.5e-5"), (-0.5, "-0.5")],
)
def test_a_small_number_on_the_graph_is_no_zero(number, told):
    e = GraphExplorer()
    artists = e._picture(e.params).moving
    e.paint(artists, dict.fromkeys(e.result, number), {"graph_step": 8})
    assert artists["value z1"].get_text() == told
    assert artists["slope w1"].get_text() == f"dJ: {told}"


def test_the_flat_tanh_lets_almost_nothing_through():
    e = GraphExplorer(**GraphExplorer.presets["flat tanh"])
    told = e._picture(e.params).moving["on z1h1"].get_text()
    assert told == "× 2.5e-5"


@pytest.mark.slow
def test_the_graph_walks():
    assert GraphExplorer().walk() > 30
