"""Energy, FLOP and availability against hand values, published values, mlsysim and simulation."""

import subprocess
import sys

import numpy as np
import pytest

from labkit.datacenter import energy, factors, flop, hall, recipes
from labkit.datacenter.factors import GPT3, Factor, mark_of
from labkit.datacenter.workers import Workers

physics = pytest.importorskip("mlsysim.physics", reason="mlsysim is a test-only package")


def test_energy_of_gpt3_is_the_published_row():
    """Patterson and others (2021), table 4: 14.8 days of 10,000 V100, 1,287 MWh, 552.1 t."""
    g = {name: factor.value for name, factor in GPT3.items()}
    kwh = energy.training_kwh(g["flop"], g["flop_per_second"], g["watts"], g["pue"])
    assert kwh / 1000 == pytest.approx(g["mwh"], rel=0.001)
    assert energy.kilograms(kwh, g["kg_per_kwh"]) / 1000 == pytest.approx(g["tons"], rel=0.001)
    assert g["flop"] / g["flop_per_second"] / 10_000 / 86_400 == pytest.approx(14.8, abs=0.05)


def test_training_flop_is_that_of_mlsysim():
    theirs = physics.calc_transformer_training_flops(175e9, 300e9).magnitude
    assert energy.training_flop(175e9, 300e9) == theirs


def test_a_trackers_number_comes_out_of_its_assumptions():
    """codecarbon 3.3.2 told 1.19e-4 kWh and .069 g kg/kWh .582 for 15.5 s, at 7.55 W and 20 W."""
    watts = energy.tracker_watts(threads=2, load=0.9787)
    kwh = energy.kwh([(w, 15.5) for w in watts.values()])
    assert kwh == pytest.approx(1.19e-4, rel=0.005)
    assert 1000 * energy.kilograms(kwh, 0.582317) == pytest.approx(0.069, rel=0.005)


def test_energy_by_hand():
    assert energy.kwh([(1000, 3600)]) == 1
    assert energy.kwh([(200, 1800), (50, 7200)], pue=1.5) == pytest.approx(1.5 * 0.2)
    with pytest.raises(ValueError, match="pue is 1 or more"):
        energy.kwh([(1, 1)], pue=0.9)


def test_break_even_agrees_with_mlsysim():
    """Hours of use at which both have cost the same, as a share of the years of its life."""
    hours = energy.break_even_hours(price=200_000, rent=32.8, running=1.2)
    years = 4
    theirs = physics.calc_ownership_breakeven_utilization(
        200_000, 0, 32.8 * energy.HOURS, years, 1.2 * energy.HOURS
    )
    assert hours / (years * energy.HOURS) == pytest.approx(theirs)
    assert energy.break_even_hours(1000, rent=1, running=1) == float("inf")


def test_cost_per_million_grows_as_the_machine_idles():
    assert energy.cost_per_million(3.6, 1000) == pytest.approx(1)
    assert energy.cost_per_million(3.6, 1000, utilization=0.25) == pytest.approx(4)


# --- marks ------------------------------------------------------------------------------------


def test_a_result_is_measured_only_where_all_factors_are():
    measured, quoted = Factor(1, "s", "measured"), Factor(2, "W", "quoted", "a list, 2020")
    assert mark_of([measured, measured]) == "measured"
    assert mark_of([measured, quoted]) == "modeled (from 1 measured, 1 quoted)"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"mark": "guessed"}, "mark must be one of"),
        ({"mark": "quoted", "source": "somebody"}, "source with its year"),
        ({"mark": "assumed", "low": 2.0}, "low <= value <= high"),
    ],
)
def test_a_factor_without_its_papers_is_refused(arguments, told):
    with pytest.raises(ValueError, match=told):
        Factor(1.0, "W", **arguments)


def test_every_quoted_number_of_the_lab_names_its_source():
    tables = [factors.GRID, factors.SOURCES, factors.PUE, factors.GPT3]
    quoted = [factor for table in tables for factor in table.values()]
    quoted += [factor for device in factors.DEVICES.values() for factor in vars(device).values()]
    quoted += [factor for row in hall.TIERS.values() for factor in row]
    assert {factor.mark for factor in quoted} == {"quoted"}
    assert all(len(factor.source) > 10 for factor in quoted)


# --- sensitivity ------------------------------------------------------------------------------

RANGES = {
    "watts": Factor(300, "W", "assumed", low=200, high=400),
    "hours": Factor(2, "h", "measured"),
    "pue": Factor(1.5, "", "assumed", low=1.1, high=1.6),
}


def product(watts, hours, pue):
    return watts * hours * pue


def test_a_tornado_turns_one_factor_at_a_time():
    bars = energy.tornado(product, RANGES)
    assert list(bars) == ["watts", "pue", "hours"]
    assert bars["watts"] == (600, 1200)
    assert bars["hours"] == (900, 900)


def test_draws_stay_inside_and_have_the_median_of_the_middle_ratio():
    some = energy.draws(product, RANGES, repeats=20_000, seed=1)
    assert 200 * 2 * 1.1 <= some.min() <= some.max() <= 400 * 2 * 1.6
    middle = 2 * np.sqrt(200 * 400 * 1.1 * 1.6)  # the logarithm of the product is symmetric
    assert np.median(some) == pytest.approx(middle, rel=0.01)
    assert np.array_equal(some, energy.draws(product, RANGES, repeats=20_000, seed=1))


def test_a_factor_without_a_range_is_drawn_as_it_is_also_0():
    fixed = {"watts": Factor(0, "W", "measured"), "hours": Factor(3, "h", "measured")}
    assert set(energy.draws(lambda watts, hours: watts + hours, fixed, repeats=5)) == {3.0}


# --- a training ---------------------------------------------------------------------------------


def test_a_recipe_trains_as_the_labs_own_backpropagation_does():
    """Two implementations, the same order of samples: equal to what float32 keeps."""
    from labkit.maths.backprop import descend_batches, glorot_layers

    rng = np.random.default_rng(3)
    x, y = rng.random((96, 784), dtype=np.float32), rng.integers(0, 10, 96)
    network, w = recipes.train(x, y, recipes.Recipe(12, 1, 32, 0.2), seed=5)
    start, settings = glorot_layers([784, 12, 10], 5), {"activation": "relu", "output": "softmax"}
    walk = descend_batches(start, x, np.eye(10)[y], 0.2, 32, seed=5, **settings)
    *_, theirs = (next(walk) for _ in range(3))
    for (W, b), (other_W, other_b) in zip(network.layers(w), theirs, strict=True):
        np.testing.assert_allclose(W, other_W, atol=2e-6)
        np.testing.assert_allclose(b, other_b, atol=2e-6)


# --- availability -----------------------------------------------------------------------------


def test_availability_agrees_with_mlsysim_and_with_a_simulation():
    assert hall.series(*[0.999] * 8) == pytest.approx(physics.calc_all_up_availability(0.999, 8))
    stacked = physics.calc_availability_stacked(0.98, 3)
    assert hall.enough(0.98, needed=1, present=3) == pytest.approx(stacked)
    up = np.random.default_rng(0).random((200_000, 5)) < 0.9
    simulated = np.mean(up.sum(axis=1) >= 4)
    assert hall.enough(0.9, needed=4, present=5) == pytest.approx(simulated, abs=0.004)


def test_a_year_has_365_days():
    assert hall.hours_down(0) == 8760 == 365 * 24


def test_the_hours_of_the_tiers_belong_to_their_percentages_but_for_one():
    for tier, (hours, percent) in hall.TIERS.items():
        computed = hall.hours_down(percent.value / 100)
        assert (computed == pytest.approx(hours.value, abs=0.05)) is (tier != "II")


def test_cooling_air_agrees_with_mlsysim():
    air = hall.air(10_000, 12) * 1.2  # kg/s
    theirs = physics.calc_coolant_mass_flow(10_000, 1005, 12)
    assert air == pytest.approx(theirs.magnitude)


# --- FLOP -------------------------------------------------------------------------------------


def test_products_of_a_dense_network_are_those_of_mlsysim():
    works = [flop.dense(784, 500, 64, first=True), flop.dense(500, 10, 64)]
    products, _ = physics.calc_dense_forward_flops([784, 500, 10], 64)
    weights, inputs = physics.calc_dense_backward_flops([784, 500, 10], 64)
    bias = 64 * 510
    assert sum(work.forward for work in works) == sum(products) + bias
    assert sum(work.weights for work in works) == weights + bias
    assert sum(work.inputs for work in works) == inputs


def test_a_product_costs_as_many_flop_as_it_has_multiplications_and_additions():
    """Counted in a product that is written out, one number at a time."""
    counted = 0
    rng = np.random.default_rng(0)
    x, w, bias = rng.random((3, 4)), rng.random((4, 5)), rng.random(5)
    out = np.zeros((3, 5))
    for row in range(3):
        for column in range(5):
            total = bias[column]
            for k in range(4):
                total += x[row, k] * w[k, column]
                counted += 2
            out[row, column] = total
    assert np.allclose(out, x @ w + bias)
    assert flop.dense(4, 5, batch=3).forward == counted + 3 * 5


def test_attention_is_four_dense_layers_and_two_products_of_places():
    """mlsysim counts the products forward; 4 d^2 weights, one layer, no mask."""
    places, width = 64, 128
    theirs = physics.calc_transformer_prefill_flops(4 * width**2, places, 1, width, causal=False)
    bias = 4 * places * width
    assert flop.attention(places, width, batch=1).forward == theirs.magnitude + bias


def test_importing_the_formulas_loads_no_framework():
    code = (
        "import sys; from labkit.datacenter import energy, factors, flop, hall; "
        "print({'tensorflow', 'keras', 'jax', 'torch', 'scipy', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.slow
def test_flop_of_the_labs_networks_agree_with_the_profiler():
    from labkit.networks.models import mlp, small_cnn

    network = mlp()
    works, profiled = flop.of_model(network, 64), flop.profile(network, 64)
    assert sum(work.update for work in works) == 2 * network.count_params()
    assert sum(work.total for work in works) == pytest.approx(sum(profiled.values()), rel=0.02)

    network = small_cnn()
    works, profiled = flop.of_model(network, 64), flop.profile(network, 64)
    assert sum(work.update for work in works) == 2 * network.count_params()
    corrected = flop.corrected(network, profiled)
    assert sum(work.total for work in works) == pytest.approx(sum(corrected.values()), rel=0.02)
    assert sum(profiled.values()) > 1.3 * sum(corrected.values())


@pytest.mark.slow
def test_an_lstm_uses_each_weight_twice_a_step():
    import keras

    layer = keras.layers.LSTM(64)
    layer.build((1, 28, 28))
    biases = 4 * 64
    expected = 28 * (2 * (layer.count_params() - biases) + biases)
    assert flop.lstm(28, 28, 64, batch=1).forward == expected
    assert flop.lstm(28, 28, 64, batch=1).update == 2 * layer.count_params()


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.skipif(not energy.SHARES_A_CORE, reason="this system does not let a job choose a core")
def test_neighbors_on_the_same_core_take_wall_seconds_and_no_cpu_seconds():
    def job():
        total = 0
        for number in range(1_500_000):
            total += number

    with Workers(6) as workers:
        alone, together = (workers.run(energy.timed, job, size=n, patience=20) for n in (1, 6))
    cpu, wall = np.median(together, axis=0)
    assert cpu < 1.6 * alone[0].cpu
    assert wall > 3 * cpu


@pytest.mark.slow
def test_flop_of_the_small_cnn_agree_with_what_xla_counts_in_the_compiled_program():
    jax = pytest.importorskip("jax")
    from labkit.networks.models import small_cnn

    def convolve(x, kernel, bias):
        numbers = ("NHWC", "HWIO", "NHWC")
        out = jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=numbers)
        return jax.nn.relu(out + bias)

    def pool(x):
        return jax.lax.reduce_window(x, -np.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def loss(w, x, y):
        x = pool(convolve(x, *w[0:2]))
        x = convolve(pool(convolve(x, *w[2:4])), *w[4:6]).reshape(len(x), -1)
        x = jax.nn.relu(x @ w[6] + w[7]) @ w[8] + w[9]
        return -jax.nn.log_softmax(x)[np.arange(len(y)), y].mean()

    def step(w, x, y):
        return [a - 0.1 * g for a, g in zip(w, jax.grad(loss)(w, x, y), strict=True)]

    network = small_cnn()
    weights = network.get_weights()
    x, y = np.zeros((64, 28, 28, 1), np.float32), np.zeros(64, np.int32)
    costs = jax.jit(step).lower(weights, x, y).compile().cost_analysis()
    by_hand = sum(work.total for work in flop.of_model(network, 64))
    # XLA also counts ReLU and pooling, a dozen operations for each number that conv_1 puts out.
    assert by_hand < costs["flops"] < by_hand + 14 * 64 * (26 * 26 * 32 + 11 * 11 * 64)
