"""Images out of gradients: where theory says exactly, exactly; elsewhere as much as the model."""

import numpy as np
import pytest

from labkit.datacenter.network import Images, Network, small_digits
from labkit.datacenter.privacy import leakage
from labkit.maths.backprop import numeric_gradient

NETWORK = leakage.NETWORK


@pytest.fixture(scope="module")
def parts():
    return small_digits()


def gradient_of(images, rows, seed=0, dtype="float32"):
    w = NETWORK.start(seed, dtype)
    return NETWORK.gradient(w, images.x[rows].astype(dtype), images.y[rows])


# --- a dense first layer --------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "error"), [("float32", 1e-4), ("float64", 1e-12)])
def test_every_lit_unit_gives_the_one_image(parts, dtype, error):
    W, b = NETWORK.layers(gradient_of(parts.train, [7], dtype=dtype))[0]
    found = leakage.from_units(W, b)
    assert 20 < len(found) < 80  # of 100 units
    assert np.abs(found - parts.train.x[7]).max() < error


def test_those_images_come_out_that_light_a_unit_alone(parts):
    """Counted in two ways that have nothing in common: from the gradient, and from the images."""
    counts = leakage.count_batches(parts.train, seeds=8)
    for batch, count in counts.items():
        assert (count.found == count.alone).mean() > 0.8, batch
    mean = {batch: count.found.mean() for batch, count in counts.items()}
    assert mean[1] == 1
    assert mean[2] == 2
    assert mean[8] > 4
    assert 0 < mean[32] < 8


def test_a_unit_that_two_images_lit_gives_neither():
    x = np.array([[1.0, 0.0], [0.0, 1.0]])
    found = leakage.from_units(np.array([[0.75], [0.25]]), np.array([1.0]))  # of both
    assert found.tolist() == [[0.75, 0.25]]
    assert leakage.found(x, found).tolist() == [False, False]


# --- a server that chooses the weights ------------------------------------------------------------


def test_the_bins_add_up_to_the_unit_that_all_images_light(parts):
    w = leakage.trap(parts.valid.x)
    W, b = NETWORK.layers(NETWORK.gradient(w, parts.train.x[:32], parts.train.y[:32]))[0]
    in_bins, bias = leakage.bins(W, b)
    np.testing.assert_allclose(in_bins.sum(axis=1), W[:, 0], atol=1e-6)
    np.testing.assert_allclose(bias.sum(), b[0], atol=1e-6)


def test_a_trap_gives_away_as_many_as_are_alone_in_their_bin(parts):
    counts = leakage.count_batches(parts.train, (1, 8, 32), seeds=8, public=parts.valid.x)
    honest = leakage.count_batches(parts.train, (32,), seeds=8)
    for batch, count in counts.items():
        assert (count.found == count.alone).mean() > 0.6
        assert count.found.mean() == pytest.approx(leakage.expected_alone(batch, 100), rel=0.15)
    assert counts[32].found.mean() > 3 * honest[32].found.mean()


def test_expected_alone_equals_drawing():
    random = np.random.default_rng(0)
    drawn = random.integers(20, size=(20_000, 12))
    alone = [(np.bincount(row, minlength=20) == 1).sum() for row in drawn]
    assert leakage.expected_alone(12, 20) == pytest.approx(np.mean(alone), rel=0.02)


def test_a_trap_needs_two_layers():
    with pytest.raises(ValueError, match=r"two layers.*\(196, 10\)"):
        leakage.trap(np.ones((5, 196)), network=Network((196, 10)))


# --- noise ----------------------------------------------------------------------------------------


def test_little_noise_costs_what_the_model_says_and_much_hides_the_image(parts):
    gradient, image = gradient_of(parts.train, [3], dtype="float64"), parts.train.x[3]
    gradient /= np.linalg.norm(gradient)  # clipped to 1
    _, b = NETWORK.layers(gradient)[0]

    def error(deviation):
        squares = []
        for seed in range(40):
            noise = deviation * np.random.default_rng(seed).normal(size=gradient.shape)
            found = leakage.from_all_units(*NETWORK.layers(gradient + noise)[0])
            squares.append(((found - image) ** 2).mean())
        return np.sqrt(np.mean(squares))

    for deviation in (1e-5, 1e-4, 1e-3):
        assert error(deviation) == pytest.approx(
            leakage.expected_error(b, image, deviation), rel=0.1
        )
    assert error(0.1) > 0.7 * np.sqrt((image**2).mean())


# --- matching -------------------------------------------------------------------------------------


def test_gradients_of_the_convolutions_equal_finite_differences():
    kernels, image = leakage.small_kernels(), np.random.default_rng(1).random((14, 14))

    def loss(kernels, image):
        x = image[None, :, :, None]
        for kernel in kernels[:-1]:
            x = 1 / (1 + np.exp(-leakage.conv2d(x, kernel, stride=2, padding="same")))
        scores = x.reshape(1, -1) @ kernels[-1]
        return float(np.log(np.exp(scores).sum()) - scores[0, 4])

    ours, slope = leakage.kernel_gradients(kernels, image, 4)
    numeric = numeric_gradient(lambda x: loss(kernels, x), image)
    np.testing.assert_allclose(slope, numeric, atol=1e-8)
    for place, kernel in enumerate(kernels):
        for index in [(0,) * kernel.ndim, tuple(n - 1 for n in kernel.shape)]:
            moved = []
            for tiny in (1e-5, -1e-5):
                changed = [each.copy() for each in kernels]
                changed[place][index] += tiny
                moved.append(loss(changed, image))
            assert ours[place][index] == pytest.approx((moved[0] - moved[1]) / 2e-5, abs=1e-8)


def test_matching_finds_the_image_through_two_convolutions(parts):
    kernels, image = leakage.small_kernels(), parts.train.x[0].reshape(14, 14)
    sent, _ = leakage.kernel_gradients(kernels, image, parts.train.y[0])
    assert leakage.digit_of(sent) == parts.train.y[0]
    path = leakage.match(kernels, sent, steps=60)
    errors = [np.sqrt(((each - image) ** 2).mean()) for each in path]
    assert errors[0] > 0.4
    assert errors[-1] < 0.01

    size = np.sqrt(sum((each**2).sum() for each in sent))
    random = np.random.default_rng(0)
    noisy = [each + 0.03 * size * random.normal(size=each.shape) for each in sent]
    hidden = leakage.match(kernels, noisy, steps=60)[-1]
    assert np.sqrt(((hidden - image) ** 2).mean()) > 0.1


def test_a_sum_of_clients_gives_away_what_one_batch_does(parts):
    """Behind secure aggregation the server still sees the sum: a batch of all of them."""
    rows, w = np.arange(40, 48), NETWORK.start(2)
    images = Images(parts.train.x[rows], parts.train.y[rows])
    singles = [NETWORK.gradient(w, images.x[i : i + 1], images.y[i : i + 1]) for i in range(8)]
    found = leakage.from_units(*NETWORK.layers(np.mean(singles, axis=0))[0])
    assert leakage.found(images.x, found).sum() == leakage.alone(w, images.x).sum() > 2
