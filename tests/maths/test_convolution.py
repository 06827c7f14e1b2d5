"""Convolution and pooling against hand values, SciPy, finite differences and Keras."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from labkit.maths import convolution as c

SIZES = [5, 6, 8]
KERNEL_SIZES = [1, 2, 3, 4]
STRIDES = [1, 2, 3]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_the_shape_chain_of_the_32_64_64_network():
    sizes = [28]
    for kernel, stride in [(3, 1), (2, 2), (3, 1), (2, 2), (3, 1)]:
        sizes.append(c.output_size(sizes[-1], kernel, stride))
    assert sizes == [28, 26, 13, 11, 5, 3]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kernel", KERNEL_SIZES)
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("padding", ["valid", "same", 0, 1, 2])
def test_output_size_is_what_sliding_gives(size, kernel, stride, padding):
    out = c.cross_correlate2d(np.ones((size, size)), np.ones((kernel, kernel)), stride, padding)
    assert out.shape == (c.output_size(size, kernel, stride, padding),) * 2


def test_same_padding_keeps_the_size_at_stride_one():
    assert [c.output_size(n, k, padding="same") for n in (5, 8) for k in (1, 2, 3, 5)] == [
        5
    ] * 4 + [8] * 4


def test_cross_correlation_of_a_hand_example():
    image = [[1, 2, 0], [0, 1, 3], [4, 0, 1]]
    kernel = [[1, 0], [2, -1]]
    # top left: 1*1 + 2*0 + 0*2 + 1*(-1) = 0, and so on
    assert c.cross_correlate2d(image, kernel).tolist() == [[0, 1], [8, 0]]


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_both_kinds_equal_scipy(rng, padding):
    signal = pytest.importorskip("scipy.signal")
    image, kernel = rng.normal(size=(9, 7)), rng.normal(size=(3, 3))
    ours = c.cross_correlate2d(image, kernel, padding=padding)
    assert_allclose(ours, signal.correlate2d(image, kernel, mode=padding), atol=1e-12)
    ours = c.convolve2d(image, kernel, padding=padding)
    assert_allclose(ours, signal.convolve2d(image, kernel, mode=padding), atol=1e-12)


def test_the_two_kinds_differ_unless_the_kernel_is_symmetric(rng):
    image = rng.normal(size=(8, 8))
    for name in ("identity", "blur", "sharpen", "edges"):
        kernel = c.KERNELS[name]
        assert_allclose(c.convolve2d(image, kernel), c.cross_correlate2d(image, kernel))
    for name in ("sobel x", "sobel y", "emboss"):
        kernel = c.KERNELS[name]
        assert not np.allclose(c.convolve2d(image, kernel), c.cross_correlate2d(image, kernel))


def test_presets_do_what_their_names_say(rng):
    flat = np.full((6, 6), 0.7)
    sums = {name: c.cross_correlate2d(flat, kernel)[0, 0] for name, kernel in c.KERNELS.items()}
    unchanged = {n for n, value in sums.items() if np.isclose(value, 0.7)}
    assert unchanged == {"identity", "blur", "sharpen", "emboss"}
    assert all(np.isclose(sums[n], 0) for n in ("edges", "sobel x", "sobel y"))
    image = rng.normal(size=(6, 6))
    assert_allclose(c.cross_correlate2d(image, c.KERNELS["identity"], padding="same"), image)


def test_conv2d_adds_over_input_channels_and_has_one_bias_per_output_channel(rng):
    x, kernel, bias = (
        rng.normal(size=(2, 6, 5, 3)),
        rng.normal(size=(3, 2, 3, 4)),
        rng.normal(size=4),
    )
    out = c.conv2d(x, kernel, bias, stride=2, padding=1)
    for n in range(2):
        for channel in range(4):
            planes = [
                c.cross_correlate2d(x[n, :, :, k], kernel[:, :, k, channel], 2, 1) for k in range(3)
            ]
            assert_allclose(out[n, :, :, channel], sum(planes) + bias[channel])


def test_a_shifted_image_gives_the_shifted_map(rng):
    x = np.zeros((1, 12, 12, 1))
    x[0, 3:7, 3:7, 0] = rng.normal(size=(4, 4))
    kernel = rng.normal(size=(3, 3, 1, 2))
    shifted = np.roll(x, (2, 3), axis=(1, 2))
    expected = np.roll(c.conv2d(x, kernel), (2, 3), axis=(1, 2))
    assert_allclose(c.conv2d(shifted, kernel), expected)


@pytest.mark.parametrize("padding", ["valid", "same", 1])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_conv2d_grad_equals_finite_differences(rng, stride, padding):
    x, kernel, bias = rng.normal(size=(2, 6, 5, 2)), rng.normal(size=(3, 2, 2, 3)), np.zeros(3)
    upstream = rng.normal(size=c.conv2d(x, kernel, bias, stride, padding).shape)
    grads = c.conv2d_grad(x, kernel, upstream, stride, padding)
    for values, grad in zip((x, kernel, bias), grads, strict=True):
        assert grad.shape == values.shape
        for place in rng.choice(values.size, size=min(values.size, 12), replace=False):
            ends = []
            for step in (1e-5, -1e-5):
                values.flat[place] += step
                ends.append((c.conv2d(x, kernel, bias, stride, padding) * upstream).sum())
                values.flat[place] -= step
            assert_allclose(grad.flat[place], (ends[0] - ends[1]) / 2e-5, atol=1e-7)


@pytest.mark.parametrize("chain", [[(3, 1)], [(3, 1), (2, 2), (3, 1)], [(5, 2), (3, 1), (2, 2)]])
def test_receptive_field_is_what_a_single_pixel_reaches(chain):
    size, step, center = c.receptive_field(chain)
    reached = []
    for pixel in range(40):  # light one pixel after the other, see which outputs notice
        x = np.zeros((40, 40))
        x[:, pixel] = 1
        for kernel, stride in chain:
            x = c.cross_correlate2d(x, np.ones((kernel, kernel)), stride)
        reached.append(x[0] > 0)
    seen = np.array(reached)  # (pixel, output)
    for output in (0, 1, 2):
        pixels = np.flatnonzero(seen[:, output])
        assert len(pixels) == size
        assert pixels.mean() == center + output * step


def test_pooling_of_blocks_is_a_reshape(rng):
    x = rng.normal(size=(6, 6))
    pooled = c.max_pool2d(x[None, :, :, None])[0, :, :, 0]
    assert_allclose(pooled, x.reshape(3, 2, 3, 2).max(axis=(1, 3)))


def test_padding_never_wins_in_max_pooling():
    assert c.max_pool2d(np.full((1, 5, 5, 1), -3.0), padding="same").max() == -3.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: c.output_size(2, 5), r"5 pixels does not fit into 2 .* at most 2"),
        (lambda: c.output_size(28, 0), r"kernel is a whole number.*got 0"),
        (lambda: c.output_size(28, 3, stride=1.5), r"stride .*got 1.5"),
        (lambda: c.output_size(28, 3, padding="full"), r"'valid', 'same'.*got 'full'"),
        (lambda: c.output_size(28, 3, padding=-1), r"got -1"),
        (lambda: c.cross_correlate2d(np.ones(4), np.ones((2, 2))), r"image needs 2 axes.*\(4,\)"),
        (
            lambda: c.conv2d(np.ones((1, 5, 5, 3)), np.ones((3, 3, 1, 2))),
            r"3 channels .* expects 1 .*\(3, 3, 1, 2\)",
        ),
        (
            lambda: c.conv2d(np.ones((1, 5, 5, 1)), np.ones((3, 3, 1, 2)), bias=np.ones(3)),
            r"bias has shape \(3,\).*\(2,\)",
        ),
        (lambda: c.conv2d(np.ones((5, 5)), np.ones((3, 3, 1, 2))), r"x needs 4 axes.*\(5, 5\)"),
        (
            lambda: c.conv2d_grad(
                np.ones((1, 5, 5, 1)), np.ones((3, 3, 1, 2)), np.ones((1, 5, 5, 2))
            ),
            r"\(1, 5, 5, 2\).*\(1, 3, 3, 2\)",
        ),
        (lambda: c.max_pool2d(np.ones((1, 4, 4, 1)), padding=1), r"'valid' or 'same'; got 1"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.slow
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_layers_equal_keras(rng, padding):
    """Sizes, kernels, strides and paddings; Keras computes in float32, so 1e-5."""
    keras = pytest.importorskip("keras")
    for size in SIZES:
        x = rng.normal(size=(2, size, size + 1, 3)).astype("float32")
        for kernel_size in KERNEL_SIZES:
            for stride in STRIDES:
                layer = keras.layers.Conv2D(4, kernel_size, strides=stride, padding=padding)
                layer.build(x.shape)
                kernel = rng.normal(size=layer.kernel.shape) / kernel_size
                layer.set_weights([kernel, rng.normal(size=4)])
                ours = c.conv2d(x, *layer.get_weights(), stride=stride, padding=padding)
                theirs = keras.ops.convert_to_numpy(layer(x))
                assert_allclose(ours, theirs, atol=1e-5)
                pool = keras.layers.MaxPooling2D(kernel_size, strides=stride, padding=padding)
                ours = c.max_pool2d(x, kernel_size, stride, padding)
                assert_allclose(ours, keras.ops.convert_to_numpy(pool(x)), atol=1e-5)
