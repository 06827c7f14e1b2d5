"""Ink and centering: areas and lengths, and MNIST's own images prepared once more."""

import numpy as np
import pytest

from labkit.data import drawing, load_mnist
from labkit.data.drawing import center_ink, image_of, ink_of, resample
from labkit.explore.digit import DRAWINGS


@pytest.fixture(scope="module")
def images():
    digits = load_mnist()
    return np.stack([digits.x_test[digits.y_test == d][0] for d in range(10)])


def test_a_dot_covers_the_area_of_its_circle():
    for pen in (1.0, 2.0, 4.0):
        area = ink_of([[14, 14]], pen).sum() / drawing.FINE**2
        assert area == pytest.approx(np.pi * pen**2 / 4, rel=0.05)


def test_a_stroke_covers_length_times_width_and_two_half_circles():
    area = ink_of([[5, 14, 20, 14]], pen=3.0).sum() / drawing.FINE**2
    assert area == pytest.approx(15 * 3 + np.pi * 2.25, rel=0.03)


def test_more_points_on_the_same_line_are_the_same_stroke():
    straight, dotted = ink_of([[4, 5, 22, 14]], 2.0), ink_of([[4, 5, 10, 8, 22, 14]], 2.0)
    np.testing.assert_allclose(straight, dotted, atol=1e-9)


def test_resampling_keeps_the_ink():
    ink = ink_of(DRAWINGS["four"], 2.0)
    small = resample(ink, 0, 0, drawing.FINE)
    assert small.sum() * drawing.FINE**2 == pytest.approx(ink.sum())
    direct = ink.reshape(28, 5, 28, 5).mean(axis=(1, 3))
    np.testing.assert_allclose(small, direct, atol=1e-12)


@pytest.mark.parametrize("name", ["four", "small", "dot"])
def test_a_drawing_is_centered_and_scaled_as_mnist_is(name):
    image = center_ink(ink_of(DRAWINGS[name], 2.0))
    at = np.arange(28) + 0.5
    center = image.sum(axis=1) @ at / image.sum(), image.sum(axis=0) @ at / image.sum()
    np.testing.assert_allclose(center, (14.5, 14.5), atol=0.05)
    lit = np.argwhere(image > 0.02)
    assert max(np.ptp(lit, axis=0)) + 1 in (20, 21)  # 21 where the box begins inside a pixel


def test_place_and_size_of_a_drawing_do_not_matter_once_it_is_prepared():
    stroke = np.array(DRAWINGS["four"][0])
    images = [
        center_ink(ink_of([stroke * s + t], 2.0 * s)) for s, t in ((1, 0), (0.5, 2), (0.6, 9))
    ]
    for other in images[1:]:
        assert np.abs(other - images[0]).mean() < 0.02
        assert np.corrcoef(other.ravel(), images[0].ravel())[0, 1] > 0.97


def test_mnist_puts_every_center_of_mass_into_the_same_pixel():
    images = load_mnist().x_train[..., 0]
    at, mass = np.arange(28) + 0.5, images.sum(axis=(1, 2))
    for axis in (1, 2):
        centers = images.sum(axis=axis) @ at / mass
        assert centers.min() >= drawing.CENTER - 0.5
        assert centers.max() <= drawing.CENTER + 0.5


def test_mnist_itself_hardly_changes_when_it_is_prepared_again(images):
    alike = []
    for image in images[..., 0]:
        again = center_ink(np.kron(image, np.ones((5, 5))))
        alike.append(np.corrcoef(again.ravel(), image.ravel())[0, 1])
    assert min(alike) > 0.85  # MNIST moved by whole pixels, this moves by parts of them
    assert np.median(alike) > 0.95


def test_strokes_are_added_to_a_held_out_image(images):
    example = images[4, :, :, 0]
    drawn = image_of([[2, 2, 25, 2]], 2.0, True, example)
    assert (drawn >= example).all()
    assert drawn[1:3, 5:20].min() > 0.9
    np.testing.assert_array_equal(drawn[6:], example[6:])
