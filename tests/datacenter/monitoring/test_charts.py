"""Control charts against published tables, the integral equation and simulation."""

import numpy as np
import pytest
from scipy import stats

from labkit.datacenter.monitoring import charts
from labkit.maths.intervals import mean_interval

SHIFTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
CUSUM = {  # limit -> ARL of the two-sided chart, k 0.5: Montgomery, Statistical quality control
    4.0: (168, 74.2, 26.6, 13.3, 8.38, 4.75, 3.34, 2.62, 2.19, 1.71),
    5.0: (465, 139, 38.0, 17.0, 10.4, 5.75, 4.01, 3.11, 2.57, 2.01),
}
EWMA = {  # weight and width -> ARL: Lucas and Saccucci, Technometrics (1990)
    (0.4, 3.054): (500, 224, 71.2, 28.4, 14.3, 5.9, 3.5, 2.5, 2.0, 1.4),
    (0.25, 2.998): (500, 170, 48.2, 20.1, 11.1, 5.5, 3.6, 2.7, 2.3, 1.7),
    (0.1, 2.814): (500, 106, 31.3, 15.9, 10.3, 6.1, 4.4, 3.4, 2.9, 2.2),
    (0.05, 2.615): (500, 84.1, 28.8, 16.4, 11.4, 7.1, 5.2, 4.2, 3.5, 2.7),
}


@pytest.mark.parametrize("limit", CUSUM)
def test_cusum_is_the_published_table(limit):
    chart = charts.cusum(0.5, limit)
    for shift, published in zip(SHIFTS, CUSUM[limit], strict=True):
        rise, fall = charts.arl(chart, shift), charts.arl(chart, -shift)
        both = 1 / (1 / rise + 1 / fall)  # Kemp (1961)
        assert both == pytest.approx(published, rel=5e-3), shift


@pytest.mark.parametrize("design", EWMA)
def test_ewma_is_the_published_table(design):
    for shift, published in zip(SHIFTS, EWMA[design], strict=True):
        found = charts.arl(charts.ewma(*design), shift)
        assert found == pytest.approx(published, rel=1e-2, abs=0.051), shift


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
def test_shewhart_is_geometric_whatever_the_cells(shift):
    beyond = stats.norm.sf(3 - shift) + stats.norm.cdf(-3 - shift)
    assert charts.arl(charts.shewhart(3.0), shift, cells=7) == pytest.approx(1 / beyond)


@pytest.mark.parametrize(("shift", "limit"), [(0.0, 4.0), (0.5, 4.0), (1.0, 5.0), (2.0, 3.0)])
def test_cusum_solves_pages_integral_equation(shift, limit):
    """L(s) = 1 + L(0) F(k - s) + integral of L(y) f(y + k - s): Gauss-Legendre, no cells."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    y, w = limit * (nodes + 1) / 2, limit * weights / 2
    s = np.r_[0.0, y]
    kernel = stats.norm.pdf(y[None] + 0.5 - s[:, None] - shift) * w
    matrix = np.c_[stats.norm.cdf(0.5 - s - shift), kernel]
    exact = np.linalg.solve(np.eye(len(s)) - matrix, np.ones(len(s)))[0]
    chart = charts.cusum(0.5, limit)
    assert charts.arl(chart, shift, cells=401) == pytest.approx(exact, rel=2e-4)
    off = [abs(charts.arl(chart, shift, cells) - exact) for cells in (25, 50)]
    assert off[0] > 3 * off[1]  # falls with the square of the cells


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    "chart",
    [charts.shewhart(2.5), charts.ewma(0.2, 2.5), charts.cusum(0.5, 3.0)],
    ids=lambda c: c[0],
)
def test_simulated_runs_are_as_long_as_theory_says(chart, shift):
    lengths = charts.run_lengths(chart.step, chart.limit, shift, runs=4000)
    mean, margin = mean_interval(lengths, confidence=0.999)
    assert abs(mean - charts.arl(chart, shift)) < margin


def test_the_upper_side_alone_is_normals_upper_tail():
    one_sided = charts.rises_only(charts.shewhart(2.5))
    assert charts.arl(one_sided, shift=0.5) == pytest.approx(1 / stats.norm.sf(2.0))


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_ewma_of_rises_runs_as_long_as_theory_says_and_bears_falls(shift):
    chart = charts.rises_only(charts.ewma(0.2, 2.0))
    lengths = charts.run_lengths(chart.step, chart.limit, shift, runs=4000)
    mean, margin = mean_interval(lengths, confidence=0.999)
    assert abs(mean - charts.arl(chart, shift)) < margin
    assert charts.arl(chart, shift=-1.0) > 100 * charts.arl(chart, shift=1.0)


@pytest.mark.parametrize("shift", [0.0, 0.25, 1.0, 2.0])
def test_the_chain_is_near_siegmunds_formula(shift):
    """Sequential analysis (1985): a few percent off, with no matrix in it."""
    drift, height = shift - 0.5, 4.0 + 1.166  # by so much a sum jumps over its limit
    formula = (np.exp(-2 * drift * height) + 2 * drift * height - 1) / (2 * drift**2)
    assert charts.arl(charts.cusum(0.5, 4.0), shift) == pytest.approx(formula, rel=0.05)


@pytest.mark.parametrize(
    "make", [charts.shewhart, lambda x: charts.ewma(0.1, x), lambda x: charts.cusum(0.25, x)]
)
def test_a_limit_is_found_for_a_promised_run_length(make):
    assert charts.arl(make(charts.limit_for(make, 200.0))) == pytest.approx(200, rel=0.01)


@pytest.mark.parametrize("shift", [0.5, 1.0, 2.0])
def test_no_chart_of_equal_silence_beats_cusum_at_twice_its_allowance(shift):
    """Moustakides (1986): CUSUM tuned to a shift is the fastest there is."""
    makes = [
        lambda limit: charts.cusum(shift / 2, limit),
        lambda limit: charts.rises_only(charts.ewma(0.1, limit)),
        lambda limit: charts.rises_only(charts.ewma(0.4, limit)),
        lambda limit: charts.rises_only(charts.shewhart(limit)),
    ]
    tuned = [make(charts.limit_for(make, 370.0)) for make in makes]
    best, *others = (charts.arl(chart, shift) for chart in tuned)
    assert all(best < other * 1.005 for other in others)


def test_alike_neighbors_break_the_promise_and_whitening_mends_it():
    chart = charts.cusum(0.5, 4.0)
    promised = charts.arl(chart)
    alike = charts.run_lengths(chart.step, chart.limit, correlation=0.6, runs=1000)
    assert alike.mean() < promised / 3
    random = np.random.default_rng(1)
    series = [random.normal(size=1000)]
    for _ in range(3000):
        series.append(charts.autoregressive(series[-1], 0.6, random))
    values = np.stack(series, axis=-1)
    assert values.std() == pytest.approx(1, abs=0.01)
    assert np.mean(values[:, 1:] * values[:, :-1]) == pytest.approx(0.6, abs=0.01)
    white, state, first = charts.whiten(values, 0.6), np.zeros(1000), np.full(1000, 3000)
    for t in range(3000):
        state = chart.step(state, white[:, t])
        first = np.where((state > chart.limit) & (first == 3000), t + 1, first)
    mean, margin = mean_interval(first, confidence=0.999)
    assert abs(mean - promised) < margin + 1  # some runs end at 3000 without an alarm


@pytest.mark.parametrize("chart", [charts.shewhart(2.5), charts.ewma(0.2, 2.2)], ids=lambda c: c[0])
def test_false_alarms_of_a_day_are_its_values_over_the_run_length(chart):
    counts = charts.false_alarms(chart.step, chart.limit, steps=3000)
    mean, margin = mean_interval(counts, confidence=0.999)
    assert abs(mean - 3000 / charts.arl(chart)) < margin + 1  # the first run is from 0, too
    alike = charts.false_alarms(chart.step, chart.limit, correlation=0.6, steps=3000)
    assert (alike.mean() > 2 * mean) == (chart.name == "EWMA")  # Shewhart's has no memory to fool


def test_the_learners_own_step_counts():
    mine = charts.run_lengths(lambda s, z: np.maximum(0, s + z - 0.5), 4.0, shift=1.0, runs=200)
    chart = charts.cusum(0.5, 4.0)
    assert np.array_equal(mine, charts.run_lengths(chart.step, chart.limit, 1.0, runs=200))


def test_a_run_without_alarm_ends_at_the_most():
    lengths = charts.run_lengths(lambda s, z: 0 * z, 1.0, runs=5, most=30)
    assert lengths.tolist() == [30] * 5


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: charts.cusum(0.5, -4.0), "limit of a chart"),
        (lambda: charts.ewma(1.5), r"\(0, 1\]"),
        (lambda: charts.limit_for(charts.shewhart, 1.0), "2 to 1,000,000"),
        (lambda: charts.run_lengths(lambda s, z: z, 3.0, correlation=1.0), "correlation"),
        (lambda: charts.run_lengths(lambda s, z: 0.0, 3.0), "np.maximum"),
    ],
)
def test_what_makes_no_chart_is_said(call, words):
    with pytest.raises(ValueError, match=words):
        call()
