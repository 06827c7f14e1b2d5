"""Integrated gradients and occlusion, for functions whose answer is known in closed form."""

import numpy as np
import pytest

from labkit.networks.attribution import integrated_gradients, occlusion_map


def test_integrated_gradients_of_a_linear_score_are_weight_times_way():
    random = np.random.default_rng(0)
    weight, x, start = random.normal(size=(3, 2, 4, 4, 1))
    found = integrated_gradients(lambda x: weight, x, start, steps=1)
    np.testing.assert_allclose(found, weight * (x - start), atol=1e-12)


def test_integrated_gradients_of_powers_and_products():
    """f = a^3 + b c from 0: a gets a^3, b and c share their product."""

    def gradient(x):
        a, b, c = x.T
        return np.stack([3 * a**2, c, b], axis=1)

    x = np.array([[2.0, 3.0, -1.0], [-1.0, 0.5, 4.0]])
    a, b, c = x.T
    expected = np.stack([a**3, b * c / 2, b * c / 2], axis=1)
    np.testing.assert_allclose(integrated_gradients(gradient, x, steps=1000), expected, atol=1e-5)


def test_the_error_falls_with_the_square_of_the_steps():
    x = np.array([[1.0]])
    errors = [abs(integrated_gradients(np.exp, x, steps=n).item() - (np.e - 1)) for n in (4, 8, 16)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.02)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.02)


def test_completeness_from_any_baseline():
    random = np.random.default_rng(1)
    w, x, start = random.normal(size=(3, 1, 5))
    found = integrated_gradients(lambda x: w * np.cos((w * x).sum()), x, start, steps=400)
    assert found.sum() == pytest.approx(np.sin((w * x).sum()) - np.sin((w * start).sum()), abs=1e-4)


@pytest.mark.parametrize(("size", "step"), [(3, 1), (4, 3), (2, 2)])
def test_occlusion_of_a_linear_score_is_the_mean_over_squares(size, step):
    random = np.random.default_rng(2)
    x, weight = random.random((2, 6, 5, 1)), random.normal(size=(6, 5, 1))
    found = occlusion_map(lambda images: (images * weight).sum(axis=(1, 2, 3)), x, size, step)
    inside = {}  # pixel -> what each square over it takes from the score
    for top in range(1 - size, 6, step):
        for left in range(1 - size, 5, step):
            pixels = [
                (r, c)
                for r in range(top, top + size)
                for c in range(left, left + size)
                if 0 <= r < 6 and 0 <= c < 5
            ]
            taken = sum(x[:, r, c, 0] * weight[r, c, 0] for r, c in pixels)
            for pixel in pixels:
                inside.setdefault(pixel, []).append(taken)
    for (r, c), taken in inside.items():
        np.testing.assert_allclose(found[:, r, c], np.mean(taken, axis=0), atol=1e-12)
    assert len(inside) == 30


def test_errors_name_what_came():
    with pytest.raises(ValueError, match=r"1 or more. Received: 0"):
        integrated_gradients(np.sin, np.ones((1, 2)), steps=0)
    with pytest.raises(ValueError, match=r"1 to 3, the side.*Received: 4"):
        occlusion_map(lambda x: x.sum(axis=(1, 2, 3)), np.ones((1, 5, 5, 1)), 3, 4)
