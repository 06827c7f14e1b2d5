"""The explorer of lesson 25, and its figures, without a browser."""

import time

import numpy as np
import pytest

from labkit.datacenter.energy import Seconds
from labkit.datacenter.factors import GPT3, GRID, UNKNOWN
from labkit.explore import energy as explore
from labkit.explore.energy import EnergyExplorer, estimate
from labkit.lab import parameters, places

START = {"country": "USA", "pue": 1.1, "watts": 330, "utilization": 0.197}

pytestmark = pytest.mark.usefixtures("as_at_the_start")


@pytest.fixture(scope="module")
def explorer():
    return EnergyExplorer()


def test_as_published_it_shows_the_published_energy(explorer):
    explorer._jump(START | {"result": "energy"})
    assert explorer.result["value"] == pytest.approx(GPT3["mwh"].value, rel=0.005)
    assert "1,286 MWh" in explorer.text


def test_carbon_is_energy_times_the_grid():
    mwh = estimate(**START, known="nothing", result="energy")
    tons = estimate(**START, known="nothing", result="carbon")
    assert tons["value"] == pytest.approx(mwh["value"] * GRID["USA"].value)


@pytest.mark.parametrize("result", ["energy", "carbon"])
@pytest.mark.parametrize("known", UNKNOWN)
def test_what_is_known_has_no_bar_and_never_widens_the_range(known, result):
    before, after = (estimate(**START, known=k, result=result) for k in ("nothing", known))
    low, high = after["bars"][known]
    assert low == high == pytest.approx(after["value"])
    width = [np.log(r["range"][1] / r["range"][0]) for r in (before, after)]
    assert width[1] <= width[0] + 0.05  # the luck of 20,000 draws


def test_the_country_decides_the_carbon_and_utilization_the_energy():
    for known, result, first in [
        ("nothing", "carbon", "country"),
        ("pue", "energy", "utilization"),
    ]:
        assert next(iter(estimate(**START, known=known, result=result)["bars"])) == first
    assert len(set(estimate(**START, known="nothing", result="energy")["bars"]["country"])) == 1


def test_all_at_once_is_wider_than_the_longest_bar_but_less_than_all_worst_cases():
    found = estimate(**START, known="nothing", result="carbon")
    ratios = [max(ends) / min(ends) for ends in found["bars"].values()]
    low, high = found["range"]
    assert 0.5 * max(ratios) < high / low < np.prod(ratios)


def test_a_setting_outside_a_range_stretches_it():
    bars = estimate("USA", 2.0, 800, 0.6, "nothing", "energy")["bars"]
    value = estimate("USA", 2.0, 800, 0.6, "nothing", "energy")["value"]
    assert all(min(ends) <= value * 1.0001 for ends in bars.values())
    assert all(max(ends) >= value * 0.9999 for ends in bars.values())


def test_its_controls_are_the_lessons_parameters(explorer):
    schema = parameters.read_parameters(places.lesson_files()["25"])
    for name, value in explorer.lesson_params.items():
        assert schema[name].default == value


def test_it_computes_fast(explorer):
    begun = time.process_time()
    for _ in range(10):
        explorer.compute(**explorer.params)
    assert time.process_time() - begun < 10 * 0.1


def test_it_walks_through_all_settings(explorer):
    assert explorer.walk(samples=6) > 40


def test_the_quietest_round_is_taken_clock_by_clock():
    rounds = [[Seconds(1, 9), Seconds(1.2, 8)], [Seconds(2, 3), Seconds(2, 3)]]
    assert explore.quietest(rounds) == Seconds(1.1, 3.0)


def test_every_figure_says_in_words_what_it_shows(monkeypatch):
    told = []
    monkeypatch.setattr(explore.figures, "show", lambda fig, caption: told.append(caption))
    rounds = [[Seconds(1, 1)]], [[Seconds(1.1, 4), Seconds(1.1, 5)]]
    explore.clocks(*rounds)
    explore.tornado({"watts": (2, 8), "pue": (3, 3)}, UNKNOWN, 3, "kWh")
    explore.gpt3(np.geomspace(500, 4000, 99), 1287)
    explore.availability({"one path": 7.0}, {"tier I": 28.8})
    explore.rent_or_buy(199_000, 32.77, 2.8, 6646, 35_040)
    explore.per_million({1: 0.02, 64: 0.002}, {1: 0.02, 64: 0.002})
    explore.recipes({"usual": (2e10, 0.2, 0.92), "lean": (5e8, 0.02, 0.89)})
    assert "4.5 times as much" in told[0]
    assert "10.0 times less" in told[5]
    assert all(len(caption) > 60 and "nan" not in caption for caption in told)
