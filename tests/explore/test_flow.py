"""What flows back: against finite differences, and what the explorer says of it."""

import numpy as np
import pytest

from labkit.explore import flow as explorer
from labkit.explore.flow import FlowExplorer, flow
from labkit.maths import backprop as maths


@pytest.mark.parametrize("network", explorer.RATES)
def test_the_slope_at_the_pixels_is_that_of_finite_differences(network):
    layers, image = explorer.histories()[network][10], explorer.examples()[4]

    def loss(pixels):
        shown = image.copy()
        shown[300:320] = pixels
        chances = maths.forward(layers, shown[None], network, "softmax")[-1][0]
        return -np.log(chances[4])

    numeric = maths.numeric_gradient(loss, image[300:320])
    found = flow(network, 10, 4)["slopes"][0][300:320]
    assert maths.relative_error(found, numeric) < 1e-5


def test_it_opens_untrained_and_the_deep_sigmoids_lose_the_slope():
    opened = FlowExplorer()
    assert opened.params == {"network": "sigmoid", "step": 0, "digit": 3}
    lost, kept = (flow(name, 0, 3)["sizes"] for name in ("sigmoid", "tanh"))
    assert (np.diff(lost) > 0).all()  # smaller at each layer on the way back
    assert lost[-1] / lost[0] > 50 * kept[-1] / kept[0]


def test_training_gathers_the_slope_where_ink_can_be():
    """Before, all pixels hear alike; afterwards, those on which digits differ hear more."""
    used = explorer.examples().reshape(10, 28, 28)[:, 6:22, 8:20]
    assert used.mean() > 0.2  # the middle, where the ink of the digits is
    share = {}
    for step in (0, 1000):
        slopes = [flow("tanh", step, digit)["slopes"][0] ** 2 for digit in range(10)]
        middle = sum(each.reshape(28, 28)[6:22, 8:20].sum() for each in slopes)
        share[step] = middle / sum(each.sum() for each in slopes)
    even = 16 * 12 / 784
    assert share[0] < 1.4 * even
    assert share[1000] > 1.4 * even


def test_a_right_and_sure_answer_sends_nothing_back():
    known = next(d for d in range(10) if flow("relu", 1000, d)["sizes"][-1] < 1e-3)
    told = FlowExplorer(network="relu", step=1000, digit=known).text
    assert "hardly anything is left to flow back" in told
    assert "hardly anything" not in FlowExplorer().text


@pytest.mark.slow
def test_the_flow_walks():
    assert FlowExplorer().walk() > 30
