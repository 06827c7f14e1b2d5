"""16-bit numbers by hand are those of NumPy and ml_dtypes; what a training loses in them."""

import numpy as np
import pytest

from labkit.datacenter import precision
from labkit.maths import backprop

ml_dtypes = pytest.importorskip("ml_dtypes")  # comes with TensorFlow and JAX
LIBRARY = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
both = pytest.mark.parametrize("name", LIBRARY)


def by_library(x: np.ndarray, name: str) -> np.ndarray:
    with np.errstate(all="ignore"):
        return x.astype(LIBRARY[name]).astype(np.float32)


@both
def test_all_65536_numbers_of_a_format_stay_as_they_are(name):
    every = np.arange(65536, dtype=np.uint16).view(LIBRARY[name]).astype(np.float32)
    rounded = precision.FORMATS[name](every)
    np.testing.assert_array_equal(rounded, every)
    known = ~np.isnan(every)
    np.testing.assert_array_equal(np.signbit(rounded)[known], np.signbit(every)[known])


@both
def test_every_tie_and_its_neighbors_go_where_the_library_sends_them(name):
    """Between two numbers of the format lies their middle: that one, and those just beside it."""
    every = np.arange(65535, dtype=np.uint16).view(LIBRARY[name]).astype(np.float32)
    after = np.arange(1, 65536, dtype=np.uint16).view(LIBRARY[name]).astype(np.float32)
    with np.errstate(all="ignore"):
        middle = ((every.astype(float) + after) / 2).astype(np.float32)
    for x in (middle, np.nextafter(middle, np.inf), np.nextafter(middle, -np.inf)):
        np.testing.assert_array_equal(precision.FORMATS[name](x), by_library(x, name))


@both
def test_random_bits_are_rounded_as_by_the_library(name):
    bits = np.random.default_rng(0).integers(0, 2**32, 1_000_000, dtype=np.uint32)
    x = bits.view(np.float32)
    np.testing.assert_array_equal(precision.FORMATS[name](x), by_library(x, name))


@both
def test_the_facts_of_a_format_are_those_of_the_library(name):
    info = ml_dtypes.finfo(LIBRARY[name])
    found = precision.facts(precision.FORMATS[name])
    assert found == (float(info.max), float(info.smallest_subnormal), float(info.eps))


def test_the_facts_that_every_book_prints():
    assert precision.facts(precision.float16) == (65504, 2**-24, 2**-10)
    assert precision.facts(precision.bfloat16)[0] == pytest.approx(3.39e38, rel=1e-3)
    assert precision.facts(precision.bfloat16).step == 2**-7
    assert precision.facts(precision.float32).step == np.finfo(np.float32).eps
    assert precision.float16(1 + 2**-11) == 1
    assert precision.bfloat16(1 + 2**-9) == 1


def test_rounding_leaves_its_argument_and_takes_any_shape():
    x = np.full((2, 3), 1 / 3)
    assert precision.float16(x).shape == (2, 3)
    assert precision.bfloat16(1 / 3).shape == ()
    assert np.all(x == 1 / 3)
    assert precision.float16(x[:, ::2]).tolist() == [[np.float16(1 / 3)] * 2] * 2


# --- the network ----------------------------------------------------------------------------------


def task(n=40, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 12)).astype(np.float32)
    return x, rng.integers(0, 5, n), precision.start([12, 9, 7, 5], seed)


def test_gradients_in_float32_are_those_of_the_labs_backpropagation():
    x, labels, weights = task()
    layers = list(zip(weights[::2], weights[1::2], strict=True))
    outputs = backprop.forward(layers, x, "relu", "softmax")
    wanted = backprop.backward(layers, outputs, np.eye(5)[labels], "relu")
    found, errors = precision.gradients(weights, x, labels)
    for a, b in zip(found, [a for pair in wanted for a in pair], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7)
    deltas = backprop.deltas(layers, outputs, np.eye(5)[labels], "relu")
    for a, b in zip(errors, deltas, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7)


@both
def test_gradients_lie_on_the_grid_of_their_format_and_near_the_exact_ones(name):
    x, labels, weights = task()
    rounding = precision.FORMATS[name]
    exact, _ = precision.gradients(weights, x, labels)
    found, errors = precision.gradients(
        precision.round_all(weights, rounding), x, labels, rounding, scale=256.0
    )
    for each in [*found, *errors]:
        np.testing.assert_array_equal(rounding(each), each)
    for a, b in zip(found, exact, strict=True):
        np.testing.assert_allclose(a / 256, b, atol=0.03 * np.abs(b).max())


def test_a_power_of_two_as_scale_changes_nothing_where_nothing_is_lost():
    x, labels, weights = task()
    plain, _ = precision.gradients(weights, x, labels)
    scaled, _ = precision.gradients(weights, x, labels, scale=2.0**10)
    for a, b in zip(plain, scaled, strict=True):
        np.testing.assert_array_equal(a * 2**10, b)


def test_too_large_a_scale_overflows_float16_and_not_bfloat16():
    x, labels, weights = task()
    for rounding, finite in ((precision.float16, False), (precision.bfloat16, True)):
        found, _ = precision.gradients(weights, x, labels, rounding, scale=2.0**24)
        assert precision.are_finite(found) == finite


def test_loss_and_accuracy_are_those_of_the_labs_network_loss():
    x, labels, weights = task()
    z = precision.logits(weights, x)[-1]
    loss, right = precision.judge(weights, x, labels)
    assert loss == pytest.approx(
        backprop.network_loss(z, np.eye(5)[labels], "softmax", from_logits=True), rel=1e-5
    )
    assert right == np.mean(z.argmax(1) == labels)


# --- this machine's own units ---------------------------------------------------------------------


@pytest.mark.slow
def test_a_step_and_its_products_are_measured_in_both_formats():
    """Asserts no speed: a machine without units for bfloat16 is slower with it."""
    pytest.importorskip("tensorflow")
    found = precision.measure_network([784, 256, 10], 128, repeats=3)
    assert set(found.step) == set(found.products) == {"float32", "bfloat16"}
    assert 0.1 < found.share <= 1
    assert found.product_speedup > 0
    assert found.step_speedup > 0


def test_the_fastest_of_the_repeats_counts_and_works_take_turns():
    calls = []
    seconds = precision.fastest({n: lambda n=n: calls.append(n) for n in "ab"}, repeats=3)
    assert calls == ["a", "b"] * 4
    assert all(0 <= s < 0.1 for s in seconds.values())
