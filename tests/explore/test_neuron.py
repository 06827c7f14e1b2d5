"""The neuron explorer: JavaScript against Python, the rule of its rates, its page."""

import itertools

import browser
import numpy as np
import pytest

from labkit.explore import neuron
from labkit.explore.neuron import GOAL, NAMES, NeuronExplorer
from labkit.maths import losses as maths

ASK = """
const answer = ({ cases }) => cases.map((params) => {
  const { weights, text } = neuron.explain(params);
  return { weights, text, copies: neuron.copies(params, "02") };
});
"""


def first_below(loss, start, rate):
    p = neuron.answer(neuron.learn(loss, start, rate, 1000))
    return int(np.argmax(p < GOAL))


def test_javascript_learns_and_says_as_python_does(tmp_path):
    starts, rates, epochs = (0.0, 0.3, 4.7, 8.0), (0.1, 0.5, 1.7, 100.0), (0, 1, 37, 400)
    cases = [
        {"start": start, "rate_mse": one, "rate_cross_entropy": other, "epoch": epoch}
        for start, one, other, epoch in itertools.product(starts, rates, rates, epochs)
    ]
    answers = browser.ask("neuron/words", "neuron", ASK, {"cases": cases}, tmp_path)
    for case, there in zip(cases, answers, strict=True):
        here = neuron.explain(case)
        for loss in NAMES:
            np.testing.assert_allclose(there["weights"][loss], here["weights"][loss], rtol=1e-9)
        assert there["text"] == here["text"], case
        assert there["copies"] == NeuronExplorer(**case).texts(), case


@pytest.mark.parametrize("w", [-3.0, 0.0, 2.0, 6.0])
def test_the_slopes_are_those_of_the_losses(w):
    def squared(w):
        return maths.mean_squared_error([0.0], [neuron.answer(w)])

    def entropy(w):
        return maths.binary_cross_entropy_from_logits([0.0], [w])

    for loss, value in (("mse", squared), ("cross_entropy", entropy)):
        measured = (value(w + 1e-5) - value(w - 1e-5)) / 2e-5
        assert neuron.SLOPES[loss](neuron.answer(w)) == pytest.approx(measured, abs=1e-9)


def test_the_rates_are_found_by_one_rule():
    for loss in NAMES:
        assert first_below(loss, 0.0, neuron.RATES[f"rate_{loss}"]) == 20


def test_the_surer_the_start_the_longer_the_squared_error_waits():
    found = [first_below("mse", start, neuron.RATES["rate_mse"]) for start in (4.0, 6.0, 8.0)]
    assert found[1] > 3 * found[0]
    assert found[2] > 5 * found[1]
    found = [first_below("cross_entropy", start, 0.5) for start in (4.0, 6.0, 8.0)]
    assert found[2] < 1.5 * found[0]


def test_it_opens_at_epoch_0_and_tells_nothing_of_what_comes():
    explorer = NeuronExplorer()
    assert explorer.epoch == 0
    assert "since" not in explorer.text
    assert "since epoch 34" in NeuronExplorer(epoch=40).text


def test_it_walks_and_draws_rings_of_other_answers():
    assert NeuronExplorer().walk() > 50
    plain, ringed = NeuronExplorer(epoch=30), NeuronExplorer(epoch=30, walks={"mse": [0.5] * 31})
    assert (plain.pixels() != ringed.pixels()).any()


@pytest.mark.parametrize("bad", [{"start": 9.0}, {"rate_mse": 0.0}, {"epoch": 1001}])
def test_bad_settings_are_refused(bad):
    with pytest.raises(ValueError, match="use a number in"):
        NeuronExplorer(**bad)


@browser.needs_browser
@pytest.mark.slow
def test_the_page_plays_steps_and_resets(still):
    page = still(NeuronExplorer())

    def status():
        return page.locator(".status").inner_text()

    assert status() == NeuronExplorer().text
    page.get_by_role("button", name="10 epochs").click()
    assert status() == NeuronExplorer(epoch=10).text
    page.get_by_label("weight at the start").press("ArrowLeft")
    assert status() == NeuronExplorer(start=5.9).text  # another start begins anew
    page.get_by_role("button", name="a fair start").click()
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("(old) => old !== document.querySelector('figure div').shadowRoot"
                           ".querySelector('.status').textContent", arg=status())  # fmt: skip
    page.get_by_role("button", name="Pause").click()
    assert status().startswith("After")
    page.get_by_role("button", name="Reset").click()
    assert status() == NeuronExplorer(start=0.0).text
