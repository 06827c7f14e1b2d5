"""Integers by hand are those of ONNX Runtime, operator by operator and for whole networks."""

import itertools

import numpy as np
import pytest

from labkit.datacenter.smaller import onnx_runtime
from labkit.datacenter.smaller import quantization as q

needs_runtime = pytest.mark.skipif(not onnx_runtime.available(), reason="the extra serve")


def make_layers(seed=0, widths=(30, 16, 12, 5)):
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(0, k**-0.5, (k, n)).astype("float32"), rng.normal(0, 0.3, n).astype("float32"))
        for k, n in itertools.pairwise(widths)
    ]


def make_images(n=400, width=30, seed=1):
    return np.random.default_rng(seed).random((n, width), np.float32)


def plain_grid(low, high):
    scale = (high - low) / 255
    return q.Affine(scale, round(-low / scale))


def run_operator(name, first, *others):
    """Return what one ONNX operator makes of its inputs in ONNX Runtime.

    The type of the first input decides what it computes; the others are constants of the model.
    """
    from onnx import helper, numpy_helper

    names = [f"input_{place}" for place in range(len(others))]
    constants = [
        numpy_helper.from_array(np.asarray(each), name)
        for each, name in zip(others, names, strict=True)
    ]
    element = helper.np_dtype_to_tensor_dtype(first.dtype)
    given = helper.make_tensor_value_info("first", element, first.shape)
    node = helper.make_node(name, ["first", *names], ["output"])
    found = helper.make_empty_tensor_value_info("output")
    graph = helper.make_graph([node], name, [given], [found], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = onnx_runtime.open_session(model.SerializeToString(), exact=True)
    return session.run(None, {"first": first})[0]


# --- operators ----------------------------------------------------------------------------------


@needs_runtime
@pytest.mark.parametrize("zero_point", [np.uint8(0), np.uint8(111), np.int8(-5), np.int16(9)])
def test_quantize_rounds_halves_and_cuts_as_onnx_runtime(zero_point):
    rng = np.random.default_rng(0)
    bits, signed = 8 * zero_point.itemsize, zero_point.dtype.kind == "i"
    halves = (np.arange(-400, 400) + 0.5).astype(np.float32) * np.float32(0.25)
    for x, scale in ((halves, 0.25), (rng.normal(0, 3, 50_000).astype(np.float32), 0.037)):
        theirs = run_operator("QuantizeLinear", x, np.float32(scale), zero_point)
        mine = q.quantize(x, q.Affine(scale, zero_point, bits, signed))
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)


@needs_runtime
def test_four_bits_are_those_of_onnx_runtimes_quantizer():
    from onnx import TensorProto
    from onnxruntime.quantization.quant_utils import quantize_nparray

    x, scale = np.random.default_rng(0).normal(0, 3, 9_999).astype(np.float32), np.float32(0.4)
    theirs = quantize_nparray(TensorProto.INT4, x, scale, np.int8(-2))
    mine = q.quantize(x, q.Affine(scale, -2, bits=4, signed=True))
    np.testing.assert_array_equal(mine, theirs.astype(np.int8))


@needs_runtime
def test_dequantize_gives_the_same_float32_as_onnx_runtime():
    every, scale = np.arange(256, dtype=np.uint8), np.float32(0.037)
    theirs = run_operator("DequantizeLinear", every, scale, np.uint8(7))
    np.testing.assert_array_equal(q.dequantize(every, q.Affine(scale, 7)), theirs)


@needs_runtime
@pytest.mark.parametrize(("a_zero", "b_zero"), [(0, 0), (7, 3), (255, -128)])
def test_integer_products_are_those_of_onnx_runtime_and_of_numpy(a_zero, b_zero):
    rng = np.random.default_rng(0)
    a = rng.integers(0, 256, (37, 1_000)).astype(np.uint8)
    b = rng.integers(-128, 128, (1_000, 45)).astype(np.int8)
    mine = q.integer_product(a, a_zero, b, b_zero)
    theirs = run_operator("MatMulInteger", a, b, np.uint8(a_zero), np.int8(b_zero))
    np.testing.assert_array_equal(mine, theirs)
    plain = (a.astype(np.int64) - a_zero) @ (b.astype(np.int64) - b_zero)
    np.testing.assert_array_equal(mine, plain)
    assert mine.dtype == np.int32


@needs_runtime
@pytest.mark.parametrize("per_channel", [False, True])
def test_a_quantized_product_is_that_of_onnx_runtime(per_channel):
    rng = np.random.default_rng(1)
    a = rng.integers(0, 256, (64, 500)).astype(np.uint8)
    b = rng.integers(-128, 128, (500, 40)).astype(np.int8)
    inputs, outputs = q.Affine(np.float32(0.0123), 7), q.Affine(np.float32(0.31), 100)
    scales = rng.uniform(0.001, 0.01, 40).astype(np.float32) if per_channel else np.float32(0.0041)
    zeros = np.zeros_like(scales, np.int8)
    theirs = run_operator(
        "QLinearMatMul", a, inputs.scale, np.uint8(7), b, scales, zeros, outputs.scale,
        np.uint8(100),
    )  # fmt: skip
    sums = q.integer_product(a, 7, b)
    np.testing.assert_array_equal(q.requantize(sums, inputs.scale * scales, outputs), theirs)
    assert len(np.unique(theirs)) > 100


@needs_runtime
@pytest.mark.parametrize(("scale", "step"), [(0.07, 0.098), (0.05, 0.045), (0.1, 0.02)])
def test_every_product_of_two_bytes_is_rounded_as_by_onnx_runtime(scale, step):
    """0.07 x 0.07 / 0.098 is 1/20, but for the last bit of float32: it decides many a tie."""
    a = np.arange(256, dtype=np.uint8)[:, None]
    b = np.arange(-128, 128, dtype=np.int8)[None]
    scale, outputs = np.float32(scale), q.Affine(np.float32(step), 128)
    theirs = run_operator(
        "QLinearMatMul", a, scale, np.uint8(128), b, scale, np.int8(0), outputs.scale,
        np.uint8(128),
    )  # fmt: skip
    mine = q.requantize(q.integer_product(a, 128, b), scale * scale, outputs)
    np.testing.assert_array_equal(mine, theirs)


# --- grids --------------------------------------------------------------------------------------


@needs_runtime
@pytest.mark.parametrize("signed", [False, True])
def test_grids_are_those_of_onnx_runtimes_quantizer(signed):
    from onnxruntime.quantization.quant_utils import compute_scale_zp

    kind = np.int8 if signed else np.uint8
    ends = [np.array(end, kind) for end in q.Affine(1, 0, 8, signed).limits]
    for low, high in np.sort(np.random.default_rng(0).normal(0, 5, (200, 2)).astype(np.float32)):
        zero_point, scale = compute_scale_zp(low, high, *ends)
        mine = q.affine(low, high, signed=signed)
        assert (mine.zero_point, mine.scale) == (zero_point, scale)


@pytest.mark.parametrize("bits", [2, 4, 8, 12])
@pytest.mark.parametrize("signed", [False, True])
def test_zero_is_exact_and_the_ends_are_inside(bits, signed):
    grid = q.affine(-1.3, 2.9, bits, signed)
    assert q.rounded(0.0, grid) == 0
    low, high = q.rounded([-1.3, 2.9], grid)
    assert abs(low + 1.3) <= grid.scale
    assert abs(high - 2.9) <= grid.scale
    assert len(np.unique(q.quantize(np.linspace(-2, 4, 99_999), grid))) == 2**bits


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_symmetric_weights_keep_their_zeros_and_largest(bits):
    weights = make_layers()[0][0]
    weights[::2] = 0
    grid = q.symmetric(weights, bits)
    kept = q.rounded(weights, grid)
    assert np.all(kept[::2] == 0)
    assert np.abs(kept).max() == pytest.approx(np.abs(weights).max(), rel=1e-6)
    assert np.abs(q.quantize(weights, grid)).max() == 2 ** (bits - 1) - 1


def test_the_error_of_rounding_is_uniform_with_the_variance_of_the_formula():
    x = np.random.default_rng(0).normal(0, 1, 200_000)
    grid = q.affine(x.min(), x.max())
    error = q.rounded(x, grid) - x
    assert np.mean(error**2) == pytest.approx(grid.scale**2 / 12, rel=0.01)
    assert np.abs(error).max() <= 0.5 * grid.scale * (1 + 1e-4)


def test_a_scale_for_each_column_loses_less_where_columns_differ():
    weights = make_layers()[0][0] * np.geomspace(0.01, 1, 16)
    errors = [
        np.mean((q.rounded(weights, q.symmetric(weights, 8, each)) - weights) ** 2)
        for each in (False, True)
    ]
    assert errors[1] < errors[0] / 3


def test_a_blank_range_gives_a_grid_that_works():
    assert q.quantize([0.0], q.affine(0, 0)).tolist() == [0]
    assert q.quantize(np.zeros((2, 2)), q.symmetric(np.zeros((2, 2)))).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(("low", "high"), [(1, 0), (np.nan, 1), (0, np.inf)])
def test_no_range_is_refused(low, high):
    with pytest.raises(ValueError, match="finite low <= high"):
        q.affine(low, high)


def test_odd_numbers_of_bits_are_refused():
    for bits in (1, 17):
        with pytest.raises(ValueError, match="2 to 16"):
            q.affine(0, 1, bits)
    layers = make_layers()
    with pytest.raises(ValueError, match="2 to 8"):
        q.quantize_network(layers, q.calibrate(layers, make_images()), bits=12)


# --- networks -----------------------------------------------------------------------------------


@needs_runtime
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_network_in_int8_gives_exactly_what_onnx_runtime_gives(seed):
    layers, x = make_layers(seed), make_images()
    ranges = q.calibrate(layers, x)
    mine = q.run(q.quantize_network(layers, ranges), x)
    theirs = onnx_runtime.run_model(onnx_runtime.static_model(layers, ranges), x)
    np.testing.assert_array_equal(mine, theirs)
    assert len(np.unique(mine)) > 100


@needs_runtime
def test_a_grid_in_plain_numbers_gives_the_same_integers():
    """As a learner writes it: a scale in float64, a zero point as Python's whole number."""
    layers, x = make_layers(), make_images()
    ranges = [(min(low, 0.0), high) for low, high in q.calibrate(layers, x)]
    mine = q.run(q.quantize_network(layers, ranges, grid=plain_grid), x)
    theirs = onnx_runtime.run_model(onnx_runtime.static_model(layers, ranges), x)
    np.testing.assert_array_equal(mine, theirs)


@needs_runtime
def test_exact_kernels_and_fast_ones_give_the_same_where_weights_are_small():
    """Weights within 64 steps: then no sum of two products leaves 16 bits on any processor."""
    rng = np.random.default_rng(0)
    layers = [(np.clip(rng.normal(0, 0.1, (90, 9)), -0.2, 0.2), np.zeros(9))]
    layers[0][0][0, 0] = 0.4  # sets the scale
    x = make_images(width=90)
    x[:, 0] = 0
    model = onnx_runtime.static_model(layers, q.calibrate(layers, x))
    rows = {"input": x}
    exact, fast = (onnx_runtime.open_session(model, each).run(None, rows) for each in (True, False))
    np.testing.assert_array_equal(exact, fast)


@pytest.mark.slow
def test_dense_layers_of_keras_are_copies_that_compute_the_same():
    from labkit.networks.models import mlp, small_cnn

    model, x = mlp(16), np.random.default_rng(0).random((64, 28, 28, 1), np.float32)
    layers = q.dense_layers(model)
    scores = q.run_float(layers, x)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, model.predict_on_batch(x), atol=1e-5)
    before = layers[0][0].copy()
    model.layers[1].kernel.assign(np.zeros_like(before))
    np.testing.assert_array_equal(layers[0][0], before)
    with pytest.raises(ValueError, match="conv_1, conv_2, conv_3"):
        q.dense_layers(small_cnn())


@needs_runtime
def test_float_layers_are_those_of_onnx_runtime():
    layers, x = make_layers(), make_images()
    theirs = onnx_runtime.run_model(onnx_runtime.float_model(layers).SerializeToString(), x)
    np.testing.assert_allclose(q.run_float(layers, x), theirs, atol=1e-5)


def test_int8_stays_near_float32_and_two_bits_do_not():
    layers, x = make_layers(), make_images()
    ranges, scores = q.calibrate(layers, x), q.run_float(layers, x)
    off = {
        bits: np.abs(q.run(q.quantize_network(layers, ranges, bits), x) - scores).mean()
        for bits in (8, 4, 2)
    }
    assert off[8] < 0.02 * np.ptp(scores)
    assert off[8] < off[4] / 4 < off[2] / 8


def test_calibration_sees_the_range():
    layers, x = make_layers(), make_images()
    ranges = q.calibrate(layers, x)
    assert ranges[0] == (x.min(), x.max())
    assert ranges[1][0] == 0
    assert ranges[-1] == (q.run_float(layers, x).min(), q.run_float(layers, x).max())


def test_ranges_must_fit_the_layers():
    with pytest.raises(ValueError, match="ranges must be 4"):
        q.quantize_network(make_layers(), [(0, 1)])


def test_a_grid_of_ones_own_is_used():
    layers, x = make_layers(), make_images()
    coarse = lambda low, high: q.affine(low, 4 * high)
    network = q.quantize_network(layers, q.calibrate(layers, x), grid=coarse)
    assert network[0].inputs.scale == pytest.approx(4 * x.max() / 255)
