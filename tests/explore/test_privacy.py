"""The explorer of lesson 26: lines, marks and words, without a browser."""

import time

import numpy as np
import pytest

from labkit.datacenter.privacy import accounting
from labkit.explore.privacy import SIGMAS, PrivacyExplorer

DELTA = 1e-5
ROWS = [
    {"sigma": 1.0, "q": 0.04, "steps": 200, "accuracy": [0.86, 0.87, 0.88]},
    {"sigma": 4.0, "q": 0.04, "steps": 200, "accuracy": [0.76, 0.77, 0.78]},
]


@pytest.fixture(scope="module")
def explorer():
    return PrivacyExplorer(ROWS, plain=[0.90, 0.91, 0.92])


def moving(explorer):
    return explorer._picture(explorer.params).moving


def test_the_lines_are_epsilon_with_and_without_sampling(explorer):
    explorer._jump({"sigma": 2.0, "q": 0.1, "steps": 500})
    sampled, every = moving(explorer)["sampled"], moving(explorer)["every"]
    for at in (0, 12, 24):
        sigma = float(SIGMAS[at])
        assert sampled.get_ydata()[at] == accounting.epsilon(sigma, 0.1, 500, DELTA)
        assert every.get_ydata()[at] == accounting.gaussian_epsilon(sigma, DELTA, 500)
    now = accounting.epsilon(2.0, 0.1, 500, DELTA)
    assert moving(explorer)["now"].get_ydata() == [now]
    assert moving(explorer)["line"].get_xdata().tolist() == [now, now]


def test_the_triangle_lies_below_the_square_and_is_near_the_exact_value(explorer):
    if not accounting.pld_available():
        pytest.skip("dp-accounting is not installed")
    for place in [(1.0, 0.04, 200), (0.6, 0.1, 200), (8.0, 0.01, 200)]:
        explorer._jump(dict(zip(("sigma", "q", "steps"), place, strict=True)))
        triangle = moving(explorer)["pld"].get_ydata()[0]
        assert triangle < moving(explorer)["now"].get_ydata()[0]
        assert triangle == pytest.approx(accounting.pld_epsilon(*place, DELTA, 1e-4), rel=0.1)


def test_without_the_extra_there_is_no_triangle_and_a_sentence_says_why(monkeypatch):
    monkeypatch.setattr(accounting, "pld_available", lambda: False)
    plain = PrivacyExplorer(ROWS)
    assert len(moving(plain)["pld"].get_ydata()) == 0
    assert "dp-accounting (extra privacy) would give a lower one" in plain.text


def test_a_ring_marks_what_was_measured_at_this_setting_and_nothing_else(explorer):
    explorer._jump({"sigma": 4.0, "q": 0.04, "steps": 200})
    assert moving(explorer)["ring"].get_ydata() == [pytest.approx(0.77)]
    assert "accuracy 0.770 ± 0.025, 0.910 without privacy" in explorer.text  # t of 2: 4.303
    explorer._jump({"sigma": 4.0, "q": 0.04, "steps": 250})
    assert len(moving(explorer)["ring"].get_ydata()) == 0
    assert "None of the dots was measured at this setting." in explorer.text


def test_words_say_what_an_attacker_can_do_and_when_nothing_is_promised(explorer):
    explorer._jump({"sigma": 4.0, "q": 0.04, "steps": 200})
    most = 100 * accounting.ceiling(4.0, 0.04, 200, 0.01)
    assert f"can name more than {most:.3g} % of the members" in explorer.text
    explorer._jump({"sigma": 0.4, "q": 1.0, "steps": 5000})
    assert "RDP promises nothing" in explorer.text


def test_no_runs_are_said_to_be_none():
    alone = PrivacyExplorer()
    assert "easured" not in alone.text
    texts = [text.get_text() for text in alone._picture(alone.params).figure.axes[1].texts]
    assert texts == ["no run was measured"]


def test_the_copied_call_computes_what_is_shown(explorer):
    explorer._jump({"sigma": 1.2, "q": 0.05, "steps": 300})
    (call,) = explorer.texts().values()
    found = eval(call, {"accounting": accounting})  # what a learner would paste
    assert found == explorer.result["rdp"]


def test_every_setting_is_drawn_and_takes_less_than_a_tenth_of_a_second(explorer):
    begun = time.thread_time()
    settings = explorer.walk(samples=4)
    assert (time.thread_time() - begun) / settings < 0.1


def test_a_single_seed_has_no_interval_and_is_refused():
    with pytest.raises(ValueError, match="n at least 2"):
        PrivacyExplorer([ROWS[0] | {"accuracy": np.array([0.9])}])
